package cli

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// session is what a command that works with Azure has: the way out, the
// authorities that ArcGIS knows, the sign-in, and Resource Manager. Nothing but
// the sign-in of a person, and a question for subscriptions that are given by
// name, is sent before it is used.
type session struct {
	app        *program
	network    *egress.Network
	roots      *pki.Roots
	in         cloud.Cloud
	credential azcore.TokenCredential
	azure      *cloud.ResourceManager
	proxy      *proxyWitness
	scope      deployment.Scope
	// changes tells that what is observed is going to be changed; cut are the runs
	// that had no end, as they were found. See lookBack.
	changes bool
	cut     []rotation.Aftermath
}

// network is the way out that the environment names.
func (a *program) network() (*egress.Network, error) {
	network, err := egress.FromEnvironment(a.env.Lookup)
	if err != nil {
		return nil, app.Usage("correct the variable, or unset it", "environment: %s", err)
	}
	return network, nil
}

// knownRoots are the authorities that ArcGIS is taken to know: Mozilla's list
// and what the environment names explicitly. The computer's own store is not
// among them, see pki.Roots.
func knownRoots(network *egress.Network) *pki.Roots {
	return pki.MozillaRoots().With(network.NamedRoots()...)
}

// connect makes a session as flags, environment and the last login say.
func (a *program) connect(ctx context.Context, flags azureFlags) (*session, error) {
	chosen, err := a.chooseSignIn(ctx, flags)
	if err != nil {
		return nil, err
	}
	return a.connectAs(ctx, chosen)
}

func (a *program) connectAs(ctx context.Context, chosen choice) (*session, error) {
	s, err := a.wayOut()
	if err != nil {
		return nil, err
	}
	credential, err := a.credential(ctx, chosen, s.client())
	if err != nil {
		return nil, s.proxy.instead(err)
	}
	if err := s.use(chosen.options.Cloud, credential); err != nil {
		return nil, err
	}
	s.scope, err = s.findSubscriptions(ctx, chosen.subscriptions)
	return s, s.proxy.instead(err)
}

// wayOut makes a session that is not signed in yet.
func (a *program) wayOut() (*session, error) {
	network, err := a.network()
	if err != nil {
		return nil, err
	}
	return &session{app: a, network: network, roots: knownRoots(network), proxy: &proxyWitness{Transport: network.Transport()}}, nil
}

func (s *session) client() *http.Client { return &http.Client{Transport: s.proxy} }

// use makes the session one of this sign-in.
func (s *session) use(in cloud.Cloud, credential azcore.TokenCredential) error {
	azure, err := cloud.NewResourceManager(in, credential, cloud.Options{
		Client: s.client(), Version: s.app.env.Version, Observe: s.app.observeCall(), PollInterval: s.app.env.PollInterval,
	})
	if err != nil {
		return err
	}
	s.in, s.credential, s.azure = in, credential, azure
	return nil
}

// observeCall shows calls to Azure when they are asked for.
func (a *program) observeCall() func(cloud.Call) {
	if !a.Verbose {
		return nil
	}
	return func(call cloud.Call) {
		text := fmt.Sprintf("%s %s: %d in %s", call.Method, call.Path, call.Status, call.Duration.Round(time.Millisecond))
		if call.Failure != "" {
			text = fmt.Sprintf("%s %s: %s", call.Method, call.Path, call.Failure)
		}
		if call.RequestID != "" {
			text += " (request " + call.RequestID + ")"
		}
		a.ui.progress.Note(app.NoteAzure, text)
	}
}

// find lists the deployments.
func (s *session) find(ctx context.Context) (deployment.Found, error) {
	s.app.ui.progress.Doing(rotation.PhaseObserve, "looking for deployments")
	defer s.app.ui.progress.Done()
	found, err := deployment.Find(ctx, s.azure, s.scope)
	if err != nil || len(found.Deployments) == 0 {
		if strange := s.strangeSubscription(ctx); strange != nil {
			return found, strange
		}
	}
	if err != nil {
		return found, app.WhileServing(s.proxy.instead(err), app.NothingChanged, "cartouche deployments --verbose")
	}
	if len(found.Deployments) == 0 {
		if err := s.unseen(ctx); err != nil {
			return found, err
		}
	}
	for _, note := range found.Notes {
		s.app.ui.warn(note.Sentence)
	}
	return found, nil
}

// runner makes the one who observes and changes; journal may be nil for looks.
func (s *session) runner(credentials rotation.Credentials) *rotation.Runner {
	return &rotation.Runner{
		Azure:       s.azure,
		Vault:       s.vault,
		Network:     s.network,
		Looker:      &handshake.Looker{Network: s.network},
		Credentials: credentials,
		Report:      s.app.ui.progress.Event,
		Now:         s.app.env.Now,
		Patience:    s.app.env.Patience,
		Version:     s.app.env.Version,
	}
}

// observe reads the state of a deployment, and what is asked for beyond it.
func (s *session) observe(ctx context.Context, runner *rotation.Runner, d deployment.Deployment, asked rotation.Asked) (rotation.State, error) {
	if d.GatewayID == "" {
		return s.withoutGateway(ctx, runner, d)
	}
	s.app.ui.progress.Doing(rotation.PhaseObserve, "reading gateway, endpoints, backends and sites of "+d.Name)
	defer s.app.ui.progress.Done()
	observe := func() (rotation.State, error) { return runner.Observe(ctx, d, asked) }
	state, err := observe()
	if err == nil {
		state, err = s.lookBack(ctx, runner, state, observe)
	}
	return state, app.WhileServing(err, app.NothingChanged, "cartouche verify "+callDeployment(d))
}
