package site

import (
	"net/http"
	"time"
)

func (c *call) takeFault(name, step string) bool { return c.machine.takeFault(name, step) }

// fault carries out the faults slow, unavailable, html and reset at a step, and tells
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
	if c.takeFault("html", step) {
		_ = c.page(http.StatusOK, "Error", "The request could not be carried out.")
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

// change is a handler that changes something. Besides what strikes any request,
// its answer can be lost: then it was done, and nobody hears of it.
func change(step string, h handler) handler {
	return faulty(step, func(c *call) (any, error) {
		answer, err := h(c)
		if err == nil && c.takeFault("lost-answer", step) {
			return nil, c.cut()
		}
		return answer, err
	})
}
