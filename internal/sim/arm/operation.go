package arm

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// pollInterval is what Retry-After asks for between polls.
const pollInterval = 10 * time.Second

// operation is one asynchronous operation.
// Source: Azure Resource Manager, "Track asynchronous Azure operations".
type operation struct {
	id           string
	subscription string
	location     string
	object       string
	status       string // InProgress, Succeeded, Failed, Canceled
	failure      *failure
	result       any // of backend health
	cancel       context.CancelFunc
}

func (o *operation) url(host, collection, version string) string {
	return "https://" + host + "/subscriptions/" + o.subscription + "/providers/Microsoft.Network/locations/" + o.location + "/" + collection + "/" + o.id + "?api-version=" + version
}

// plot is how an operation will go.
type plot struct {
	fails, slow, superseded bool
	blind                   bool // it does not look at Key Vault
}

func (s *Server) plot(step string) plot {
	take := func(name string) bool { return s.ground.TakeFault(name, step) }
	return plot{fails: take("failed-operation"), slow: take("slow-operation"), superseded: take("superseded")}
}

func (s *Server) newOperation(object string) (*operation, context.Context) {
	id, _ := parseID(object)
	location := "westeurope"
	if r, ok := s.resources[strings.ToLower(object)]; ok {
		if text, _ := r.document["location"].(string); text != "" {
			location = strings.ToLower(text)
		}
	}
	op := &operation{id: uuid.NewString(), subscription: id.subscription, location: location, object: object, status: "InProgress"}
	ctx, cancel := context.WithCancel(s.ctx)
	op.cancel = cancel
	s.operations[op.id] = op
	return op, ctx
}

// start runs a gateway's operation: after two thirds of its time the data
// plane follows, at the end the state and the ETag change once more.
func (s *Server) start(g *gateway, was before, how plot) *operation {
	op, ctx := s.newOperation(g.id)
	g.running = op
	lasts := s.o.Guesses.Update
	if how.slow {
		lasts *= 10
	}
	s.work.Go(func() {
		defer op.cancel()
		if s.ground.Clock.Wait(ctx, lasts/3) != nil {
			return
		}
		if how.superseded {
			s.putBack(g, was)
			return
		}
		if s.ground.Clock.Wait(ctx, lasts/3) != nil {
			return
		}
		var f *failure
		switch {
		case how.fails:
			f = fail(http.StatusOK, "ApplicationGatewayOperationFailed", "An error occurred.").
				with("ApplicationGatewayUpdateFailed", "The update of gateway %s failed on its instances; the last good configuration is kept.", g.id)
		default:
			if f = s.lookAndApply(ctx, g, how); f == nil && s.ground.Clock.Wait(ctx, lasts/3) != nil {
				return
			}
		}
		s.finish(g, op, was, f)
	})
	return op
}

// finish ends an operation unless another one has taken its place.
func (s *Server) finish(g *gateway, op *operation, was before, f *failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.resources[strings.ToLower(g.id)]
	if g.running != op || !ok {
		return
	}
	g.running = nil
	op.status, op.failure = "Succeeded", f
	if f != nil {
		op.status = "Failed"
		if s.o.Guesses.FailedKeepsOld {
			r.document, g.keys = was.document, was.keys
			s.tell(g.id, false)
		}
	}
	// Source: field reports: a gateway whose operation failed stays Failed
	// until the next good write.
	mark(r.document, op.status)
	s.ground.Ledger.Record(ground.OperationFinished, g.id, op.status)
}

// supersede cancels the operation that runs, if any.
// Source: azure-cli#21156.
func (s *Server) supersede(g *gateway) {
	op := g.running
	if op == nil {
		return
	}
	op.status = "Canceled"
	op.failure = fail(http.StatusOK, "Canceled", "Operation was canceled.").
		with("CanceledAndSupersededDueToAnotherOperation", "Operation PutApplicationGatewayOperation (%s) was canceled and superseded by operation PutApplicationGatewayOperation (%s).", op.id, uuid.NewString())
	op.cancel()
	g.running = nil
	s.ground.Ledger.Record(ground.OperationFinished, g.id, op.status)
}

// putBack is somebody else's write of the document that was there before.
func (s *Server) putBack(g *gateway, was before) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.resources[strings.ToLower(g.id)]
	if !ok {
		return
	}
	s.supersede(g)
	s.replace(g, r, clone(was.document), was.keys)
	s.start(g, was, plot{})
}

// lookAndApply is the working part of a write.
func (s *Server) lookAndApply(ctx context.Context, g *gateway, how plot) *failure {
	if !how.blind {
		if f := s.follow(ctx, g); f != nil {
			return f
		}
	}
	if err := s.apply(ctx, g); err != nil && ctx.Err() == nil {
		return fail(http.StatusOK, "InternalServerError", "An error occurred.").with("DataPlane", "%v", err)
	}
	return nil
}

func (s *Server) routeOperation(parts, lower []string) route {
	id, results := lower[7], lower[6] == "operationresults"
	step, action := "operation-poll", "Microsoft.Network/locations/operations/read"
	if results {
		step, action = "backend-health-poll", "Microsoft.Network/locations/operationResults/read"
	}
	return route{step, false, s.inSubscription(parts, func(w http.ResponseWriter, c call) *failure {
		s.mu.Lock()
		// Noted, not required. guess: both actions exist, but who has a role
		// on a group alone is known to poll operations of its subscription.
		s.note(c.caller.ObjectID, action)
		op, ok := s.operations[id]
		var now operation
		if ok {
			now = *op
		}
		s.mu.Unlock()
		if !ok {
			return fail(http.StatusNotFound, "OperationNotFound", "The operation '%s' could not be found.", id)
		}
		switch {
		case results && now.status == "InProgress":
			w.Header().Set("Location", now.url(s.o.Cloud.Host, "operationResults", c.version))
			s.ground.RetryAfter(w.Header(), pollInterval/2)
			w.WriteHeader(http.StatusAccepted)
		case results:
			answer(w, http.StatusOK, now.result)
		default:
			body := map[string]any{"status": now.status}
			if now.failure != nil {
				body["error"] = now.failure
			}
			if now.status == "InProgress" {
				s.ground.RetryAfter(w.Header(), pollInterval)
			}
			answer(w, http.StatusOK, body)
		}
		return nil
	})}
}

// startHealth begins a probe of all backends; the result is fetched from Location.
// Source: Azure REST reference, Application Gateways - Backend Health.
func (s *Server) startHealth(w http.ResponseWriter, c call, id resourceID, full string) *failure {
	s.mu.Lock()
	g, ok := s.gateways[strings.ToLower(full)]
	f := s.require(c.caller, "Microsoft.Network/applicationGateways/backendhealth/action", full)
	if f == nil && !ok {
		f = notFoundResource(id)
	}
	if f == nil {
		// Source: Azure Resource Manager, "Lock your resources": a read-only
		// lock forbids POST, and so the backend health of a gateway.
		f = s.locked(full, "ReadOnly")
	}
	if f != nil {
		s.mu.Unlock()
		return f
	}
	op, ctx := s.newOperation(g.id)
	s.mu.Unlock()
	s.work.Go(func() {
		defer op.cancel()
		pools := []map[string]any{}
		if g.plane != nil {
			pools = append(pools, g.plane.Health(ctx)...)
		}
		_ = s.ground.Clock.Wait(ctx, pollInterval/2)
		s.mu.Lock()
		defer s.mu.Unlock()
		op.status, op.result = "Succeeded", map[string]any{"backendAddressPools": pools}
	})
	w.Header().Set("Location", op.url(s.o.Cloud.Host, "operationResults", c.version))
	s.ground.RetryAfter(w.Header(), pollInterval/2)
	w.WriteHeader(http.StatusAccepted)
	return nil
}
