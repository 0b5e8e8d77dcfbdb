package computer

// process is a script that runs.
type process struct{}
