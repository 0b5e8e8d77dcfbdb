package secret

// WithoutDumps is the first that a program with secrets in its memory does: the
// operating system is to write no dump of it. It takes microseconds. Where it
// is refused the program works all the same; docs/security.md says what each
// system lets a program do.
func WithoutDumps() { withoutDumps() }
