package ground

import (
	"net/http"
	"strconv"
	"time"
)

// slowAnswer is how late the answer of a slow service comes.
const slowAnswer = 20 * time.Second

// TakeFault lets a fault happen if it is switched on for the step, and writes
// down that it did.
func (g *Ground) TakeFault(name, step string) bool {
	if !g.Faults.Take(name, step) {
		return false
	}
	g.Ledger.Record(FaultHappened, step, name)
	return true
}

// Serve answers a request of a service, unless a fault strikes it. A service
// refuses in its own words: refuse takes the faults that it knows and tells
// whether it has answered. The faults of a connection are the same everywhere:
// reset cuts it before anything happens, lost-response after the effect, and
// slow lets the client wait.
func (g *Ground) Serve(w http.ResponseWriter, r *http.Request, step string, refuse func(take func(name string) bool) bool, serve func(http.ResponseWriter)) {
	take := func(name string) bool { return g.TakeFault(name, step) }
	switch {
	case refuse(take):
		return
	case take("reset"):
		Cut(r)
	case take("lost-response"):
		serve(&unseen{header: http.Header{}})
		Cut(r)
	case take("slow"):
		if g.Clock.Wait(r.Context(), slowAnswer) != nil {
			return
		}
	}
	serve(w)
}

// RetryAfter asks a client to wait for d of the world's time. The header has
// whole seconds; what is shorter goes into retry-after-ms, which the Azure
// SDKs read first.
func (g *Ground) RetryAfter(h http.Header, d time.Duration) {
	short := g.Clock.Short(d)
	h.Set("Retry-After", strconv.Itoa(max(1, int((short+time.Second-1)/time.Second))))
	if short < time.Second {
		h.Set("Retry-After-Ms", strconv.Itoa(max(1, int(short.Milliseconds()))))
	}
}

// unseen takes an answer that never arrives.
type unseen struct{ header http.Header }

func (u *unseen) Header() http.Header         { return u.header }
func (u *unseen) Write(b []byte) (int, error) { return len(b), nil }
func (u *unseen) WriteHeader(int)             {}

// Seen lets the watchers of the world see each request before it is answered.
func (g *Ground) Seen(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.Watchers.Watched() {
			scheme := "http"
			if r.TLS != nil {
				scheme = "https"
			}
			g.Watchers.Tell(RequestCame{Method: r.Method, URL: scheme + "://" + r.Host + r.URL.RequestURI(), Header: r.Header})
		}
		g.come(w, r, func(w http.ResponseWriter) { handler.ServeHTTP(w, r) })
	})
}
