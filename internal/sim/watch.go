package sim

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync"

	"github.com/cartouche-gis/cartouche/internal/sim/witness"
)

// Watch lets a witness watch the world from now on.
func (w *World) Watch(allow witness.Allow) *witness.Witness {
	roots := w.authority.Roots()
	for _, root := range w.publicRoots() {
		roots.AddCert(root)
	}
	if private := w.PrivateRoot(); private != nil {
		roots.AddCert(private)
	}
	for _, root := range allow.Roots {
		roots.AddCert(root)
	}
	// A copy's listeners may serve what only the company's own computers know.
	for _, made := range w.likenesses {
		if made.Parent == nil {
			roots.AddCert(made.Certificate)
		}
	}
	return witness.New(witness.World{Ground: w.ground, Roots: roots, Tell: w.tell, Documents: w.manager.Documents}, allow)
}

// tell tells the watchers everything that is true now.
func (w *World) tell() {
	for _, gateway := range w.gateways {
		gateway.Tell()
	}
	for _, site := range w.sites {
		site.Tell()
	}
	for _, host := range w.hosts {
		if iis := host.IIS(); iis != nil {
			iis.Tell()
		}
	}
}

// touches are what clients may change, by what they say that they do.
var touches = map[string][]string{
	"external": witness.External,
	"internal": slices.Concat(witness.External, witness.Internal),
	"dsc":      slices.Concat(witness.External, witness.Internal, witness.DSC),
}

// controlWitness is the witness for those who cannot call Watch:
//
//	POST /witness?leaf=SHA256&leaf=…&touch=external|internal|dsc   watches from now on, instead of before
//	GET  /witness                                                  {"violations": […], "leftBehind": […]}
//	POST /witness/leaf?leaf=SHA256                                 allows a further leaf
//	POST /witness/clean                                            a client cleans from now on
//	POST /witness/leaks                                            {"leaks": […]} of the secrets in a JSON list
func (w *World) controlWitness(mux *http.ServeMux) {
	var mu sync.Mutex
	var watch *witness.Witness
	answer := func(rw http.ResponseWriter, value any) {
		rw.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(rw).Encode(value)
	}
	watching := func(then func(http.ResponseWriter, *http.Request)) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if watch == nil {
				http.Error(rw, "nobody watches: begin with POST /witness?leaf=SHA256", http.StatusNotFound)
				return
			}
			then(rw, r)
		}
	}
	mux.HandleFunc("POST "+ControlHost+"/witness", func(rw http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		touch, known := touches[query.Get("touch")]
		if !known && query.Get("touch") != "" {
			http.Error(rw, "touch is external, internal or dsc", http.StatusBadRequest)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if watch != nil {
			watch.Stop()
		}
		watch = w.Watch(witness.Allow{Leaves: query["leaf"], Touch: touch})
		answer(rw, map[string]any{})
	})
	mux.HandleFunc("GET "+ControlHost+"/witness", watching(func(rw http.ResponseWriter, _ *http.Request) {
		answer(rw, map[string][]string{"violations": listed(watch.Violations()), "leftBehind": listed(watch.LeftBehind())})
	}))
	mux.HandleFunc("POST "+ControlHost+"/witness/leaf", watching(func(rw http.ResponseWriter, r *http.Request) {
		for _, leaf := range r.URL.Query()["leaf"] {
			watch.AlsoLeaf(leaf)
		}
		answer(rw, map[string]any{})
	}))
	mux.HandleFunc("POST "+ControlHost+"/witness/clean", watching(func(rw http.ResponseWriter, _ *http.Request) {
		watch.Cleaning()
		answer(rw, map[string]any{})
	}))
	mux.HandleFunc("POST "+ControlHost+"/witness/leaks", watching(func(rw http.ResponseWriter, r *http.Request) {
		var secrets []string
		if err := json.NewDecoder(http.MaxBytesReader(rw, r.Body, 1<<20)).Decode(&secrets); err != nil {
			http.Error(rw, "send a JSON list of secrets", http.StatusBadRequest)
			return
		}
		answer(rw, map[string][]string{"leaks": listed(watch.Leaks(secrets...))})
	}))
}

// listed is a list that JSON shows as one when it is empty.
func listed(list []string) []string { return append([]string{}, list...) }
