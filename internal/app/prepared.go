package app

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// Prepared is a deployment as it was observed and, when something is to be done,
// what: then it only needs a yes.
type Prepared struct {
	Runner      *rotation.Runner
	Session     *Session
	State       rotation.State
	Goal        rotation.Goal
	Plan        rotation.Plan
	Credentials rotation.Credentials
	Access      Access
}

// Failure is that of a plan that must not be carried out, nil when it may.
func (p *Prepared) Failure() *Failure {
	err := p.Plan.Ready()
	if err == nil {
		return nil
	}
	f := Explain(WhileServing(err, Serving(p.State)+"; nothing was changed", "cartouche show "+CallDeployment(p.State.Deployment)))
	return &f
}

// RefusedSiteAdmin is the failure of a login that Portal does not take, nil when it
// took it.
func (p *Prepared) RefusedSiteAdmin() *Failure {
	for _, obstacle := range p.Plan.Obstacles {
		if obstacle.Code == SiteAdminRefused {
			return &Failure{Code: obstacle.Code, Message: obstacle.Sentence, Hint: obstacle.Mend, Serving: Serving(p.State) + "; nothing was changed", Exit: ExitPreflight}
		}
	}
	return nil
}

// LoginJudged is what was seen of the site administrator's login.
type LoginJudged int

// What can be seen of a login. Nothing is seen of it when nobody signed in, and when
// nobody answered: then a password may be right that did not open anything.
const (
	LoginUntold LoginJudged = iota
	LoginAccepted
	LoginRefused
)

// LoginJudged is what Portal said of the login.
func (p *Prepared) LoginJudged() LoginJudged {
	switch {
	case p.State.Sites.SignedIn:
		return LoginAccepted
	case p.State.Sites.LoginRefused():
		return LoginRefused
	}
	return LoginUntold
}

// SiteAdminRefused is the code of that failure.
const SiteAdminRefused = "site-admin-refused"

// Alone fails while another run works on the gateway, here or elsewhere.
func (p *Prepared) Alone(ctx context.Context) error {
	return p.Session.Alone(ctx, p.Runner, p.State)
}

// WouldChange names what the plan changes.
func (p *Prepared) WouldChange() string {
	what := "the gateway " + LastSegment(p.Plan.GatewayID)
	if len(p.Plan.Imports) > 0 {
		what = "Key Vault and " + what
	}
	return what
}

// A Report gets what came of a run, what the deployment is called on a command
// line, and the failure of a run that did not reach its goal, else nil.
type Report func(result rotation.Result, name string, failure *Failure) error

// Apply carries the plan out. An error that report has not given means that
// nothing was changed.
func (p *Prepared) Apply(ctx context.Context, key *evidence.Key, report Report) error {
	return p.carryOut(ctx, p.Plan.NothingToDo(), key, report, func(ctx context.Context) (rotation.Result, error) {
		return p.Runner.Apply(ctx, p.Plan, p.Goal, p.State)
	})
}

// Undo carries the plan of taking a run back out.
func (p *Prepared) Undo(ctx context.Context, key *evidence.Key, report Report) error {
	return p.carryOut(ctx, p.Plan.NothingToDo(), key, report, func(ctx context.Context) (rotation.Result, error) {
		return p.Runner.Undo(ctx, p.Plan, p.State)
	})
}

func (p *Prepared) carryOut(ctx context.Context, idle bool, key *evidence.Key, report Report, change func(context.Context) (rotation.Result, error)) error {
	return carryOut(ctx, p.Session, p.State, p.Runner, idle, key, change, func(result rotation.Result) error {
		name := CallDeployment(p.State.Deployment)
		f := ResultFailure(result, name)
		p.Session.signInAgain(f)
		return report(result, name, f)
	})
}
