package witness

import (
	"maps"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// settings are what objects of the world are set to: invariants I3 and I7.
type settings struct {
	first  map[string]map[string]string // by object, as it was at the beginning or as somebody made it by hand
	last   map[string]map[string]string
	inUse  map[string][]use // by object, at the beginning
	byHand int              // ByHand is under way that often
}

// use is something that is in use at the beginning: a value that must be found
// under one of the paths that match.
type use struct {
	what    string // for the sentence
	pattern string // of paths
	value   string // "" for any
}

func newSettings() settings {
	return settings{first: map[string]map[string]string{}, last: map[string]map[string]string{}, inUse: map[string][]use{}}
}

// holds takes what a machine or a site is set to.
func (s *settings) holds(w *Witness, now ground.Holds) {
	kind, _, _ := strings.Cut(now.Object, " ")
	if !w.begun && kind == "machine" && now.Values["alias"] != "" {
		alias := strings.ToLower(now.Values["alias"])
		s.inUse[now.Object] = []use{{"the key entry " + alias, "keystore/" + alias, ""}}
	}
	s.judge(w, now.Object, kind, now.Values, s.byHand > 0)
}

// document takes a resource; one without a document is gone.
func (s *settings) document(w *Witness, now ground.DocumentKept) {
	if now.Document == nil {
		return // what is gone at the end counts: see gone
	}
	kind, _ := now.Document["type"].(string)
	kind = strings.ToLower(kind)
	object := strings.ToLower(now.ID)
	if !w.begun && kind == gatewayKind {
		s.inUse[object] = gatewayUses(now.Document)
	}
	s.judge(w, object, kind, flat(now.Document), now.ByHand || s.byHand > 0)
}

// gone are the resources of the beginning that are there no longer, and those
// that are new.
func (s *settings) gone(w *Witness, documents map[string]map[string]any) {
	there := map[string]bool{}
	for id := range documents {
		there[strings.ToLower(id)] = true
	}
	for _, object := range slices.Sorted(maps.Keys(s.first)) {
		if kind := s.first[object]["type"]; strings.HasPrefix(object, "/") && !there[object] && !w.may(strings.ToLower(kind), "removed", true) {
			w.say("I7", "%s is gone", object)
		}
	}
}

// passing are the paths of a gateway or group where something may be otherwise
// for a while only.
var passing = []string{"properties/backendAddressPools/*/properties/backendAddresses/**", "tags/cartouche-*"}

func (s *settings) left(documents map[string]map[string]any) []string {
	var sentences []string
	for id, document := range documents {
		object := strings.ToLower(id)
		first, known := s.first[object]
		if !known {
			sentences = append(sentences, object+" is new")
			continue
		}
		now := flat(document)
		for _, path := range changed(first, now) {
			if !slices.ContainsFunc(passing, func(pattern string) bool { return matches(pattern, path) }) {
				continue
			}
			if value, has := now[path]; has {
				sentences = append(sentences, object+": "+path+" is "+cut(value))
			} else {
				sentences = append(sentences, object+": "+path+" is gone")
			}
		}
	}
	slices.Sort(sentences)
	return sentences
}

// judge compares how an object is with how it was.
func (s *settings) judge(w *Witness, object, kind string, now map[string]string, byHand bool) {
	first, known := s.first[object]
	last := s.last[object]
	s.last[object] = now
	switch {
	case !w.begun || !known && byHand:
		s.first[object] = now
		return
	case byHand:
		s.first[object] = moved(first, last, now)
		return
	case !known:
		if !w.may(kind, "added", false) {
			w.say("I7", "%s is new", object)
		}
		return
	}
	for _, path := range changed(first, now) {
		was, had := first[path]
		is, has := now[path]
		if w.may(kind, path, had) {
			continue
		}
		switch {
		case !had:
			w.say("I7", "%s: %s is new: %s", object, path, cut(is))
		case !has:
			w.say("I7", "%s: %s is gone, was %s", object, path, cut(was))
		default:
			w.say("I7", "%s: %s is %s, was %s", object, path, cut(is), cut(was))
		}
	}
	if w.clean {
		return
	}
	for _, use := range s.inUse[object] {
		if !use.found(now) {
			w.say("I3", "%s: %s, which was in use, is no longer there", object, use.what)
		}
	}
}

func (u use) found(now map[string]string) bool {
	for path, value := range now {
		if matches(u.pattern, path) && (u.value == "" || u.value == value) {
			return true
		}
	}
	return false
}

// moved is first with what changed between last and now.
func moved(first, last, now map[string]string) map[string]string {
	result := maps.Clone(first)
	for _, path := range changed(last, now) {
		if value, has := now[path]; has {
			result[path] = value
		} else {
			delete(result, path)
		}
	}
	return result
}

// changed are the paths whose values differ, sorted.
func changed(before, now map[string]string) []string {
	var paths []string
	for path, value := range now {
		if old, had := before[path]; !had || old != value {
			paths = append(paths, path)
		}
	}
	for path := range before {
		if _, has := now[path]; !has {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

// cut keeps sentences short.
func cut(value string) string {
	if len(value) > 60 {
		return value[:60] + "…"
	}
	if value == "" {
		return `""`
	}
	return value
}
