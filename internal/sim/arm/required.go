package arm

import (
	"maps"
	"slices"
	"strings"
)

// Required lists what a principal has asked for so far that needed a right,
// granted or not: actions, then data actions, each sorted, in their first
// spelling. It is for holding documented roles against what a program does.
func (s *Server) Required(objectID string) (actions, dataActions []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.required[strings.ToLower(objectID)]
	return sortedFold(asked.actions), sortedFold(asked.dataActions)
}

// demand is what one principal has asked for, by lower-case name.
type demand struct{ actions, dataActions map[string]string }

func (s *Server) note(objectID, action string) {
	s.demandOf(objectID).actions[strings.ToLower(inRBAC(action))] = inRBAC(action)
}

func (s *Server) noteData(objectID, action string) {
	s.demandOf(objectID).dataActions[strings.ToLower(action)] = action
}

func (s *Server) demandOf(objectID string) demand {
	key := strings.ToLower(objectID)
	if _, ok := s.required[key]; !ok {
		s.required[key] = demand{map[string]string{}, map[string]string{}}
	}
	return s.required[key]
}

func sortedFold(names map[string]string) []string {
	var sorted []string
	for _, key := range slices.Sorted(maps.Keys(names)) {
		sorted = append(sorted, names[key])
	}
	return sorted
}
