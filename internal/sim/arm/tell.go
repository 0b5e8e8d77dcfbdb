package arm

import (
	"strings"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// Documents are all resources as a GET shows them, by id.
func (s *Server) Documents() map[string]map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]map[string]any{}
	for _, r := range s.order {
		id, _ := r.document["id"].(string)
		all[id] = shown(r)
	}
	return all
}

// shown is a resource with its instance view, if it has one.
func shown(r *resource) map[string]any {
	document := clone(r.document)
	if r.view != nil {
		document["instanceView"] = clone(r.view)
	}
	return document
}

// tell tells the world's watchers how a resource looks now. Under the lock.
func (s *Server) tell(id string, byHand bool) {
	if !s.ground.Watchers.Watched() {
		return
	}
	if r, ok := s.resources[strings.ToLower(id)]; ok {
		s.ground.Watchers.Tell(ground.DocumentKept{ID: id, Document: shown(r), ByHand: byHand})
		return
	}
	s.ground.Watchers.Tell(ground.DocumentKept{ID: id, ByHand: byHand})
}
