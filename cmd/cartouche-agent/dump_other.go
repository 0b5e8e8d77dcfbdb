//go:build !linux

package main

// withoutCoreDumps has nothing to do: Windows writes no dump of a program
// unless somebody has asked for it (Windows Error Reporting, LocalDumps).
func withoutCoreDumps() {}
