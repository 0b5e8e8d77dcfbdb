package app

import (
	"context"
	"errors"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// Target says what something is about: a deployment by one of its names, or any
// gateway by its resource id.
type Target struct {
	Deployment string
	Gateway    string
	// Names are more names to prove, or the only ones of a gateway without a record.
	Names []string
}

// Choose finds the deployment that a person means. A gateway that is named by
// its resource id need not be among the deployments.
func (s *Session) Choose(ctx context.Context, t Target) (deployment.Deployment, error) {
	if t.Gateway != "" {
		return s.OfGateway(ctx, t.Gateway, t.Names)
	}
	found, err := s.Find(ctx)
	if deployment.IsGatewayID(t.Deployment) && (cloud.IsForbidden(err) || errors.Is(err, errUnseen)) {
		return s.OfGateway(ctx, t.Deployment, t.Names)
	}
	if err != nil {
		return deployment.Deployment{}, err
	}
	chosen, err := deployment.Select(found.Deployments, t.Deployment)
	if _, unknown := errors.AsType[*deployment.NotFoundError](err); unknown && deployment.IsGatewayID(t.Deployment) {
		return s.OfGateway(ctx, t.Deployment, t.Names)
	}
	if err == nil {
		chosen, err = chosen.Named(t.Names)
		err = Misnamed(err)
	}
	return chosen, WhileServing(err, NothingChanged, "")
}

// Misnamed says how names are typed, when they could not be used.
func Misnamed(err error) error {
	if err == nil {
		return nil
	}
	return Usage("give --name as users type it: gis.example.com", "--name: %s", strings.TrimSpace(err.Error()))
}

// chooseAgain finds the deployment that a plan or a run was about.
func (s *Session) chooseAgain(ctx context.Context, gatewayID, id string, names []string) (deployment.Deployment, error) {
	if id == "" {
		return s.OfGateway(ctx, gatewayID, names)
	}
	found, err := s.Find(ctx)
	if cloud.IsForbidden(err) {
		return s.OfGateway(ctx, gatewayID, names)
	}
	if err != nil {
		return deployment.Deployment{}, err
	}
	if chosen, ok := deployment.Again(found.Deployments, gatewayID, id); ok {
		chosen, err = chosen.Named(names)
		return chosen, WhileServing(Misnamed(err), NothingChanged, "")
	}
	return s.OfGateway(ctx, gatewayID, names)
}

// OfGateway reads one gateway and nothing else.
func (s *Session) OfGateway(ctx context.Context, id string, names []string) (deployment.Deployment, error) {
	s.app.teller().Doing("observe", "reading gateway "+LastSegment(id))
	defer s.app.teller().Done()
	if _, err := (deployment.Deployment{}).Named(names); err != nil {
		return deployment.Deployment{}, Misnamed(err)
	}
	d, err := deployment.OfGateway(ctx, s.Azure, id, names)
	return d, WhileServing(s.Instead(err), NothingChanged, "az network application-gateway show --ids "+Quote(id))
}

// OfPlan finds the deployment of a plan by its gateway, whose id nobody can
// write into a tag. A deployment that is named as well must be the same.
func (s *Session) OfPlan(ctx context.Context, plan rotation.Plan, args []string) (deployment.Deployment, error) {
	chosen, err := s.chooseAgain(ctx, plan.GatewayID, plan.DeploymentID, plan.GivenNames)
	if cloud.IsNotFound(err) {
		err = WhileServing(&rotation.MovedError{Moved: []string{"the gateway " + plan.GatewayID + " is not found any more"}}, NothingChanged, "")
	}
	if err != nil || len(args) == 0 {
		return chosen, err
	}
	named, err := s.Choose(ctx, Target{Deployment: args[0]})
	if err == nil && (named.GatewayID != chosen.GatewayID || named.ID != chosen.ID) {
		err = Usage("leave the name out, or make a plan for it", "the plan is for %s, not for %s", plan.Deployment, args[0])
	}
	return chosen, WhileServing(err, NothingChanged, "")
}

// CallDeployment is how a deployment is typed so that the same one is found again.
func CallDeployment(d deployment.Deployment) string {
	if d.Alone && d.Generation == deployment.Plain {
		return Called("--gateway "+Quote(d.GatewayID), d.GivenNames)
	}
	return Called(Quote(d.Name), d.GivenNames)
}

// Called adds names to what is typed.
func Called(what string, names []string) string {
	for _, name := range names {
		what += " --name " + Quote(name)
	}
	return what
}
