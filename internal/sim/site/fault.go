package site

import (
	"net/http"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

func (c *call) takeFault(name, step string) bool {
	if !c.site.ground.Faults.Take(name, step) {
		return false
	}
	c.site.ground.Ledger.Record(ground.FaultHappened, c.machine.name, name+"@"+step)
	return true
}

// fault carries out the faults slow, unavailable and reset at a step, and tells
// whether that was the answer. A request without f is spared: that is how a
// gateway's probes ask, and a fault is meant for a client.
func (c *call) fault(step string) bool {
	if c.param("f") == "" {
		return false
	}
	if c.takeFault("slow", step) {
		_ = c.site.ground.Clock.Wait(c.r.Context(), 30*time.Second)
	}
	if c.takeFault("reset", step) {
		_ = c.cut()
		return true
	}
	if c.takeFault("unavailable", step) {
		writeHTML(c.w, http.StatusServiceUnavailable, "Service Unavailable", "The application is not available.")
		return true
	}
	return false
}

// faulty is a handler at which faults may strike.
func faulty(step string, h handler) handler {
	return func(c *call) (any, error) {
		if c.fault(step) {
			return nil, errAnswered
		}
		return h(c)
	}
}
