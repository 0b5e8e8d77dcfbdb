package matrix_test

import (
	"errors"
	"sync"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/lease"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/witness"
)

// others are who else does something while a case's process runs.
type others struct {
	scene *scene
	job   job
	watch *witness.Witness

	done   sync.WaitGroup
	result rotation.Result // of the second run
	err    error
	came   bool // there was one
	ran    bool // it may have changed something
	tagged bool
	broke  bool // the claim was broken
	writes int  // of the gateway until then
}

// run begins a second run of the same job, which goes on beside the first: of
// another process with the same journal, or, where deployments are claimed, of
// one elsewhere, which claims it, too.
func (o *others) run() {
	p := o.scene.process()
	if o.job.setting.claimed() {
		p = o.scene.processAt(o.scene.path + ".elsewhere")
		p.holder = elsewhere
	}
	o.came, o.ran = true, true
	o.done.Go(func() {
		o.result, o.err = o.job.rotate(o.scene.t.Context(), p)
		if _, held := errors.AsType[*lease.HeldError](o.err); held {
			o.ran = false
		}
	})
}

// unlock breaks whatever claim there is, as `cartouche unlock` does.
func (o *others) unlock() {
	ctx, site := o.scene.t.Context(), o.scene.site(o.scene.person.Azure)
	claims, err := site.Claims(ctx)
	if err == nil && len(claims) > 0 {
		err = site.Break(ctx, elsewhere, claims)
		o.broke, o.writes = err == nil, o.scene.world.Ground().Ledger.Count(ground.GatewayWrite)
	}
	if err != nil {
		o.scene.t.Errorf("unlock: %v", err)
	}
}

const personsTag = "looked-after-by"

// tag is a person's change of the gateway in the portal, which ends before the
// client goes on. It is refused when a change is under way.
func (o *others) tag() {
	o.watch.ByHand(func() {
		ctx, azure := o.scene.t.Context(), o.scene.person.Azure
		document, err := azure.Get(ctx, o.scene.found.GatewayID, cloud.GatewayAPI)
		if err != nil {
			return
		}
		tags, _ := document["tags"].(map[string]any)
		if tags == nil {
			tags = map[string]any{}
		}
		tags[personsTag] = "Ann"
		document["tags"] = tags
		etag, _ := document["etag"].(string)
		operation, err := azure.Put(ctx, o.scene.found.GatewayID, cloud.GatewayAPI, document, etag)
		if err == nil {
			_, err = operation.Wait(ctx)
		}
		o.tagged = err == nil
	})
}

// keptTag tells whether a person's change is still there.
func (o *others) keptTag() bool {
	tags, _ := o.scene.gateway().Document()["tags"].(map[string]any)
	return tags[personsTag] == "Ann"
}
