package web

import (
	"context"
	"sync"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
)

// findInAzure finds what who is signed in may see.
func (s *Server) findInAzure(ctx context.Context, tell app.Teller) (found, error) {
	session, err := s.session(ctx)
	if err != nil {
		return found{}, err
	}
	notes := &noter{Teller: tell}
	values, err := session.With(notes).DeploymentValues(ctx)
	if err != nil {
		return found{}, err
	}
	f := found{list: make([]listed, 0, len(values)), notes: notes.said, at: s.options.App.Now()}
	for _, value := range values {
		f.list = append(f.list, listedOf(value))
	}
	return f, nil
}

// listedOf is a deployment as the list knows it.
func listedOf(value app.DeploymentValue) listed {
	l := listed{Deployment: value.Deployment, path: PathID(value.Deployment), subscription: value.SubscriptionName, ends: value.Ends, layout: app.Layout(value.Deployment), canUpdate: value.CanUpdate}
	for _, c := range value.Certificates {
		kind := inGateway
		switch {
		case c.KeyVaultSecretID != "":
			kind = inVault
		case c.Entry == "":
			kind = inIIS
		}
		alone := app.DeploymentValue{Deployment: value.Deployment, Certificates: []app.CertificateValue{c}}
		l.homes = append(l.homes, home{kind, app.Home(alone)})
		if c.Certificate != nil && c.Certificate.NotAfter.Equal(value.Ends) && len(c.Certificate.Names) > 0 {
			l.of = c.Certificate.Names[0]
		}
	}
	if len(l.homes) == 0 && value.Generation == deployment.V1 {
		l.homes = []home{{inIIS, app.Home(value)}}
	}
	l.text = l.searchable()
	return l
}

// noter keeps the warnings that are told.
type noter struct {
	app.Teller

	mu   sync.Mutex
	said []string
}

func (n *noter) Note(kind app.NoteKind, text string) {
	if kind == app.NoteWarning {
		n.mu.Lock()
		n.said = append(n.said, text)
		n.mu.Unlock()
	}
	n.Teller.Note(kind, text)
}
