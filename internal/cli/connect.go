package cli

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/app"
)

// connect makes a session as flags, environment and the last login say.
func (a *program) connect(ctx context.Context, flags azureFlags) (*app.Session, error) {
	return a.keep(a.Connect(ctx, a.signInAsked(ctx, flags)))
}

// keep closes a session when the command has ended.
func (a *program) keep(s *app.Session, err error) (*app.Session, error) {
	if s != nil {
		a.atEnd(s.Close)
	}
	return s, err
}
