package matrix_test

import (
	"context"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/lease"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// Who claims the deployment: the job's processes, one after another, and others.
var (
	here      = lease.Holder{Who: "gis", Host: "gis-01", State: "here"}
	elsewhere = lease.Holder{Who: "ann", Host: "laptop", State: "elsewhere"}
)

// site is where the claims on the deployment are kept.
func (s *scene) site(azure *cloud.ResourceManager) lease.Site {
	return lease.Site{Azure: azure, GatewayID: s.found.GatewayID}
}

// claim claims the deployment, as the command does between plan and change.
func (p *process) claim(ctx context.Context, runner *rotation.Runner) (release func(), err error) {
	if p.holder.State == "" {
		return func() {}, nil
	}
	site := p.scene.site(p.visitor.Azure)
	site.Now = p.now
	held, err := site.Acquire(ctx, p.holder)
	if err != nil {
		return nil, err
	}
	runner.May = held.May
	return func() { _ = held.Release(context.WithoutCancel(ctx)) }, nil
}
