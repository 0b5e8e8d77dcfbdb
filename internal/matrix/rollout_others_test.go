package matrix_test

import (
	"net/http"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// rolloutOthers are who else does something while a rollout goes on: a person, and
// a second run, which comes from elsewhere and must be sent away.
type rolloutOthers struct {
	*others
	scene  *rolloutScene
	second rolloutRun
}

// run begins a second run of the same goal on another computer.
func (o *rolloutOthers) run() {
	p := o.scene.processAt(o.scene.path + ".elsewhere")
	p.holder = elsewhere
	o.came = true
	o.done.Go(func() { o.second = o.scene.roll(o.scene.t.Context(), p) })
}

// judge holds that the second run did not begin while the first one was at work,
// and that what a person did is there still. broken is what was broken first.
func (o *rolloutOthers) judge(first rolloutRun, broken string) {
	t := o.scene.t
	t.Helper()
	o.ran = o.came && o.second.err == nil
	if o.ran && first.err == nil && first.ended.After(o.second.began) && o.second.ended.After(first.began) {
		t.Errorf("two runs at once: %s from %s to %s, %s from %s to %s", first.result.Outcome, first.began, first.ended, o.second.result.Outcome, o.second.began, o.second.ended)
	}
	if o.tagged && !o.keptTag() {
		t.Error("a person's change of the gateway is gone")
	}
	if more := o.scene.world.Ground().Ledger.Count(ground.GatewayWrite) - o.writes; o.broke && more > 0 && !strings.HasPrefix(broken, "PUT azure") {
		t.Errorf("its claim was broken, and it wrote %d times after that", more)
	}
}

// besides lets something happen before the request is served.
func besides(do func(i *intruder)) func(*intruder, http.ResponseWriter, *http.Request, func(http.ResponseWriter)) {
	return func(i *intruder, w http.ResponseWriter, _ *http.Request, serve func(http.ResponseWriter)) {
		do(i)
		serve(w)
	}
}

// meanwhiles are what happens at a request without breaking it.
var meanwhiles = []intrusion{
	{name: "asleep for 5 hours", do: besides(func(i *intruder) { i.process.sleep(5 * time.Hour) })},
	{name: "the clock back an hour", do: besides(func(i *intruder) { i.process.adjust(-time.Hour) })},
	{name: "the clock on 40 days", do: besides(func(i *intruder) { i.process.adjust(40 * 24 * time.Hour) })},
	{name: "offline for 10 minutes", lasting: 10 * time.Minute, do: cutOff},
	{name: "offline for 3 hours", lasting: 3 * time.Hour, do: cutOff},
	{name: "a person's change", quick: true, do: besides(func(i *intruder) { i.others.tag() })},
	{name: "a second run", claims: true, do: besides(func(i *intruder) { i.others.run() })},
	{name: "its claim broken", claims: true, do: besides(func(i *intruder) { i.others.unlock() })},
}

func cutOff(_ *intruder, _ http.ResponseWriter, r *http.Request, _ func(http.ResponseWriter)) {
	ground.Cut(r)
}

// rolloutFaults are those of the world that no request shows.
var rolloutFaults = []string{
	"slow-operation@gateway-put", "failed-operation@gateway-put", "failed-operation@gateway-put*2", "superseded@gateway-put", "changed-meanwhile@gateway-put",
	"throttle@gateway-put*3", "conflict@gateway-put*3", "lost-response@gateway-put*2", "forbidden@gateway-put*9", "stale-instance@edge",
}
