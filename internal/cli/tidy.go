package cli

import "context"

// atEnd keeps what is to be done when the command has ended, however it ends.
func (a *program) atEnd(do func(context.Context)) { a.ends = append(a.ends, do) }

// tidy does what was kept for the end, the latest first, also after Ctrl-C.
func (a *program) tidy(ctx context.Context) {
	if len(a.ends) == 0 {
		return
	}
	for len(a.ends) > 0 {
		last := a.ends[len(a.ends)-1]
		a.ends = a.ends[:len(a.ends)-1]
		last(ctx)
	}
}
