package web

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/app"
)

// findInAzure finds what who is signed in may see. Signing in comes to the pages
// with the wizard; until then nobody is.
func (s *Server) findInAzure(context.Context, app.Teller) (found, error) {
	return found{}, &app.Failure{Code: "not-signed-in", Message: "nobody is signed in", Hint: "cartouche login", Serving: app.NothingChanged, Exit: app.ExitPreflight}
}
