package sim

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// ControlHost is where a client inside the doors changes the world itself, by
// plain HTTP: POST /advance?by=4h, POST /witness.
const ControlHost = "world.invalid"

// maxAdvance keeps certificates of the world's own authorities valid.
const maxAdvance = 2 * 365 * 24 * time.Hour

// Advance moves the world's time on and returns when the gateways whose time
// had come have looked at Key Vault. Tokens grow older with it; what clients
// think the date is does not change.
func (w *World) Advance(ctx context.Context, by time.Duration) error {
	w.ground.Clock.Advance(by)
	return w.manager.AwaitPolls(ctx)
}

// openControl listens for those who cannot call Advance.
func (w *World) openControl() error {
	mux := http.NewServeMux()
	// With its host: a page in a browser can send a POST to any port.
	mux.HandleFunc("POST "+ControlHost+"/advance", func(rw http.ResponseWriter, r *http.Request) {
		by, err := time.ParseDuration(r.URL.Query().Get("by"))
		if err != nil || by <= 0 || by > maxAdvance {
			http.Error(rw, "say by how much, as POST /advance?by=4h", http.StatusBadRequest)
			return
		}
		if err := w.Advance(r.Context(), by); err != nil {
			http.Error(rw, err.Error(), http.StatusServiceUnavailable)
			return
		}
		rw.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(rw).Encode(map[string]string{"now": w.ground.Clock.Now().UTC().Format(time.RFC3339)})
	})
	w.controlWitness(mux)
	w.control = w.server(mux)
	listener, err := w.ground.Outside.Listen(ControlHost, 80)
	if err != nil {
		return err
	}
	go func() { _ = w.control.Serve(listener) }()
	return nil
}
