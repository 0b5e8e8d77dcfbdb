package examples

import (
	"fmt"
	"slices"
	"strings"
)

// freeMaps are objects whose names are data: tags and the like.
var freeMaps = []string{"tags", "userAssignedIdentities"}

// missing says which properties of a published answer are not in the
// simulator's, or have another shape there. Values are not compared: those of
// the examples are made up.
func missing(published, simulated any, at string) []string {
	if got, want := shape(simulated), shape(published); got != want {
		return []string{fmt.Sprintf("%s: %s instead of %s", strings.TrimPrefix(at, "."), got, want)}
	}
	var found []string
	switch published := published.(type) {
	case map[string]any:
		if slices.Contains(freeMaps, at[strings.LastIndex(at, ".")+1:]) {
			return nil
		}
		have := simulated.(map[string]any)
		for name, want := range published {
			if got, there := have[name]; there {
				found = append(found, missing(want, got, at+"."+name)...)
			} else {
				found = append(found, strings.TrimPrefix(at+"."+name, ".")+": missing")
			}
		}
	case []any:
		have := simulated.([]any)
		for _, want := range published {
			found = append(found, nearest(want, have, at+"[]")...)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// nearest compares an element with the one of the list that is most like it.
func nearest(want any, list []any, at string) []string {
	best := []string{strings.TrimPrefix(at, ".") + ": no element"}
	for i, got := range list {
		if found := missing(want, got, at); i == 0 || len(found) < len(best) {
			best = found
		}
	}
	return best
}

func shape(value any) string {
	switch value.(type) {
	case nil:
		return "nothing"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "a text"
	case bool:
		return "true or false"
	}
	return "a number"
}
