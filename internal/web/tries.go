package web

import (
	"errors"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
)

// errNotTried is for a login whose password was wrong so often that Portal might lock it.
var errNotTried = errors.New("the password was not tried: it was wrong too often just now")

// attemptAt names a login of a deployment: wrong passwords are counted for each.
func attemptAt(d deployment.Deployment, siteAdmin string) string {
	return strings.ToLower(d.GatewayID + "\n" + d.ID + "\n" + siteAdmin)
}

// trying does what signs in at a deployment, as the site administrator if one is
// named. Wrong passwords are counted, whichever page or program sends them; left is
// how many more there may be. What does not get as far as the login does not count.
func trying[T interface{ LoginJudged() app.LoginJudged }](s *Server, d deployment.Deployment, siteAdmin string, do func() (T, error)) (made T, left int, err error) {
	if siteAdmin == "" {
		made, err = do()
		return made, 0, err
	}
	attempt := attemptAt(d, siteAdmin)
	if !s.attempts.Try(attempt) {
		return made, 0, errNotTried
	}
	ended := s.attempts.Untried
	defer func() { ended(attempt) }()
	if made, err = do(); err != nil {
		return made, 0, err
	}
	switch made.LoginJudged() {
	case app.LoginAccepted:
		ended = s.attempts.Right
	case app.LoginRefused:
		left = s.attempts.Wrong(attempt)
		ended = func(string) {}
	}
	return made, left, nil
}
