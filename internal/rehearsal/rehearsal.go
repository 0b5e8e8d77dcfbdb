// Package rehearsal lets cartouche-agent work at machines of a simulated world
// whose operating system this computer has not: the world recognises the script
// that starts it, and what the script would do is done here.
package rehearsal
