package app

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// Session is what work with Azure has: the way out, the authorities that ArcGIS
// knows, the sign-in, and Resource Manager. Nothing but the sign-in of a person,
// and a question for subscriptions that are given by name, is sent before it is
// used. It is for one piece of work at a time; see [Session.With].
type Session struct {
	app     *App
	Network *egress.Network
	// Roots are the authorities that ArcGIS is taken to know.
	Roots      *pki.Roots
	In         cloud.Cloud
	Credential azcore.TokenCredential
	Azure      *cloud.ResourceManager
	proxy      *proxyWitness
	// Scope are the subscriptions to look in.
	Scope deployment.Scope
	// Changes tells that what is observed is going to be changed.
	Changes bool
	// InDoubt are the runs that had no end, as they were found by the last look.
	InDoubt []rotation.Aftermath
	// ends are what is done when the session is closed.
	ends []func(context.Context)
}

// Network is the way out that the environment names.
func (a *App) Network() (*egress.Network, error) {
	network, err := egress.FromEnvironment(a.Lookup)
	if err != nil {
		return nil, Usage("correct the variable, or unset it", "environment: %s", err)
	}
	return network, nil
}

// KnownRoots are the authorities that ArcGIS is taken to know: Mozilla's list
// and what the environment names explicitly. The computer's own store is not
// among them, see pki.Roots.
func KnownRoots(network *egress.Network) *pki.Roots {
	return pki.MozillaRoots().With(network.NamedRoots()...)
}

// Connect makes a session as was asked for, and as environment and the last login say.
func (a *App) Connect(ctx context.Context, asked SignInAsked) (*Session, error) {
	chosen, err := a.ChooseSignIn(ctx, asked)
	if err != nil {
		return nil, err
	}
	return a.ConnectAs(ctx, chosen)
}

// ConnectAs makes a session of a sign-in that was chosen.
func (a *App) ConnectAs(ctx context.Context, chosen Choice) (*Session, error) {
	s, err := a.wayOut()
	if err != nil {
		return nil, err
	}
	credential, err := a.credential(ctx, chosen, s.client())
	if err != nil {
		return nil, s.proxy.instead(err)
	}
	if err := s.Use(chosen.Options.Cloud, credential); err != nil {
		return nil, err
	}
	s.Scope, err = s.findSubscriptions(ctx, chosen.Subscriptions)
	return s, s.proxy.instead(err)
}

// wayOut makes a session that is not signed in yet.
func (a *App) wayOut() (*Session, error) {
	network, err := a.Network()
	if err != nil {
		return nil, err
	}
	return &Session{app: a, Network: network, Roots: KnownRoots(network), proxy: &proxyWitness{Transport: network.Transport()}}, nil
}

// With is the same sign-in for another piece of work, which is told to somebody
// else and closed by itself.
func (s *Session) With(teller Teller) *Session {
	other := *s
	other.app = s.app.With(teller)
	other.Changes, other.InDoubt, other.ends = false, nil, nil
	return &other
}

// Instead gives the proxy's trouble when that is what stopped everything.
func (s *Session) Instead(err error) error { return s.proxy.instead(err) }

func (s *Session) client() *http.Client { return &http.Client{Transport: s.proxy} }

// Use makes the session one of this sign-in.
func (s *Session) Use(in cloud.Cloud, credential azcore.TokenCredential) error {
	azure, err := cloud.NewResourceManager(in, credential, cloud.Options{
		Client: s.client(), Version: s.app.Version, Observe: s.app.observeCall(), PollInterval: s.app.PollInterval,
	})
	if err != nil {
		return err
	}
	s.In, s.Credential, s.Azure = in, credential, azure
	return nil
}

// observeCall shows calls to Azure when they are asked for.
func (a *App) observeCall() func(cloud.Call) {
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
		a.teller().Note(NoteAzure, text)
	}
}

// Find lists the deployments.
func (s *Session) Find(ctx context.Context) (deployment.Found, error) {
	s.app.teller().Doing(rotation.PhaseObserve, "looking for deployments")
	defer s.app.teller().Done()
	found, err := deployment.Find(ctx, s.Azure, s.Scope)
	if err != nil || len(found.Deployments) == 0 {
		if strange := s.strangeSubscription(ctx); strange != nil {
			return found, strange
		}
	}
	if err != nil {
		return found, WhileServing(s.proxy.instead(err), NothingChanged, "cartouche deployments --verbose")
	}
	if len(found.Deployments) == 0 {
		if err := s.unseen(ctx); err != nil {
			return found, err
		}
	}
	for _, note := range found.Notes {
		s.app.warn(note.Sentence)
	}
	return found, nil
}

// Runner makes the one who observes and changes; journal may be nil for looks.
func (s *Session) Runner(credentials rotation.Credentials) *rotation.Runner {
	return &rotation.Runner{
		Azure:       s.Azure,
		Vault:       s.Vault,
		Network:     s.Network,
		Looker:      &handshake.Looker{Network: s.Network},
		Credentials: credentials,
		Report:      s.app.teller().Event,
		Now:         s.app.Now,
		Patience:    s.app.Patience,
		Version:     s.app.Version,
	}
}

// Observe reads the state of a deployment, and what is asked for beyond it.
func (s *Session) Observe(ctx context.Context, runner *rotation.Runner, d deployment.Deployment, asked rotation.Asked) (rotation.State, error) {
	if d.GatewayID == "" {
		return s.withoutGateway(ctx, runner, d)
	}
	s.app.teller().Doing(rotation.PhaseObserve, "reading gateway, endpoints, backends and sites of "+d.Name)
	defer s.app.teller().Done()
	observe := func() (rotation.State, error) { return runner.Observe(ctx, d, asked) }
	state, err := observe()
	if err == nil {
		state, err = s.lookBack(ctx, runner, state, observe)
	}
	return state, WhileServing(err, NothingChanged, "cartouche verify "+CallDeployment(d))
}

// closingTime is how long what was left at machines may take to be removed, also
// after Ctrl-C.
const closingTime = 2 * time.Minute

// Close removes what was left at machines and ends what was begun, the latest first.
func (s *Session) Close(ctx context.Context) {
	if len(s.ends) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closingTime)
	defer cancel()
	for len(s.ends) > 0 {
		last := s.ends[len(s.ends)-1]
		s.ends = s.ends[:len(s.ends)-1]
		last(ctx)
	}
}
