// Package agent is the small program that runs once on a machine inside the
// virtual network: how it is had for an operating system, the constant scripts
// that start it there, and what it does with its input.
//
// The scripts get everything as parameters and never as spliced text. The
// program reads a job from standard input, does it, and prints the report; it
// listens nowhere, writes no file that it does not remove, and ends.
package agent
