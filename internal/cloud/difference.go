package cloud

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// Change is one place at which two documents differ.
type Change struct {
	// Path leads there: properties.httpListeners[https].properties.sslCertificate.id
	Path string
	// Before and After are text as it stands, or JSON; "" when there was or is
	// nothing. Secrets are "[secret]"; long values are cut.
	Before string
	After  string
	// ServerMade tells that only Azure writes there: ETags, states, the public
	// half of a new certificate, references back. It says nothing about what
	// anybody wanted.
	ServerMade bool
}

// Difference lists every place at which two documents differ, in the order of
// their paths. Members of a list that all have a name are compared by name; if
// such a list was put in another order, that is a change of its own.
func Difference(before, after Document) []Change {
	var changes []Change
	compare("", map[string]any(before.Clone()), map[string]any(after.Clone()), &changes)
	return changes
}

// WithoutServerMade leaves what somebody must have wanted.
func WithoutServerMade(changes []Change) []Change {
	return slices.DeleteFunc(slices.Clone(changes), func(c Change) bool { return c.ServerMade })
}

func compare(path string, before, after any, changes *[]Change) {
	switch b := before.(type) {
	case map[string]any:
		if a, ok := after.(map[string]any); ok {
			compareObjects(path, b, a, changes)
			return
		}
	case []any:
		if a, ok := after.([]any); ok {
			compareLists(path, b, a, changes)
			return
		}
	}
	if !sameLeaf(before, after) {
		*changes = append(*changes, Change{Path: path, Before: show(before), After: show(after)})
	}
}

func compareObjects(path string, before, after map[string]any, changes *[]Change) {
	keys := sortedKeys(before)
	for key := range after {
		if _, both := before[key]; !both {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		b, was := before[key]
		a, is := after[key]
		place := strings.TrimPrefix(path+"."+key, ".")
		first := len(*changes)
		switch {
		case was && is:
			compare(place, b, a, changes)
		case was:
			*changes = append(*changes, Change{Path: place, Before: show(b)})
		default:
			*changes = append(*changes, Change{Path: place, After: show(a)})
		}
		made := serverMade(place, key, before, after)
		for i := first; i < len(*changes); i++ {
			change := &(*changes)[i]
			change.ServerMade = change.ServerMade || made
			if hiddenKey(key) {
				change.Before, change.After = conceal(change.Before), conceal(change.After)
			}
		}
	}
}

func compareLists(path string, before, after []any, changes *[]Change) {
	was, named := byName(before)
	is, alsoNamed := byName(after)
	if !named || !alsoNamed {
		for i := range max(len(before), len(after)) {
			place := fmt.Sprintf("%s[%d]", path, i)
			switch {
			case i >= len(before):
				*changes = append(*changes, Change{Path: place, After: show(after[i])})
			case i >= len(after):
				*changes = append(*changes, Change{Path: place, Before: show(before[i])})
			default:
				compare(place, before[i], after[i], changes)
			}
		}
		return
	}
	var stayedBefore, stayedAfter []string
	for _, name := range was.names {
		place := path + "[" + name + "]"
		if item, stays := is.items[name]; stays {
			stayedBefore = append(stayedBefore, name)
			compare(place, was.items[name], item, changes)
			continue
		}
		*changes = append(*changes, Change{Path: place, Before: show(was.items[name])})
	}
	for _, name := range is.names {
		if _, stayed := was.items[name]; stayed {
			stayedAfter = append(stayedAfter, name)
			continue
		}
		*changes = append(*changes, Change{Path: path + "[" + name + "]", After: show(is.items[name])})
	}
	if !slices.Equal(stayedBefore, stayedAfter) {
		*changes = append(*changes, Change{Path: path + " (order)",
			Before: clean(strings.Join(stayedBefore, ", "), maximumText), After: clean(strings.Join(stayedAfter, ", "), maximumText)})
	}
}

type namedList struct {
	names []string
	items map[string]any
}

// byName indexes a list whose members are all objects with a name of their own.
func byName(list []any) (namedList, bool) {
	indexed := namedList{items: map[string]any{}}
	for _, item := range list {
		name := textAt(item, "name")
		if _, twice := indexed.items[name]; name == "" || twice {
			return namedList{}, false
		}
		indexed.names = append(indexed.names, name)
		indexed.items[name] = item
	}
	return indexed, true
}

func sameLeaf(before, after any) bool {
	if b, ok := before.(secret.Secret); ok {
		a, ok := after.(secret.Secret)
		return ok && a.Reveal() == b.Reveal()
	}
	return reflect.DeepEqual(before, after)
}

// show is a value as text. Whatever is secret in it does not show itself.
func show(value any) string {
	if text, ok := value.(string); ok {
		return clean(text, maximumText)
	}
	hidden := hideSecrets(value)
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(hidden); err != nil {
		return "(not JSON)"
	}
	return clean(buffer.String(), maximumText)
}

// hideSecrets copies a tree with the secret members of its objects concealed.
func hideSecrets(value any) any {
	switch value := value.(type) {
	case map[string]any:
		tree := make(map[string]any, len(value))
		for key, child := range value {
			if hiddenKey(key) && child != nil {
				child = secret.Secret{}.String()
			}
			tree[key] = hideSecrets(child)
		}
		return tree
	case []any:
		list := make([]any, len(value))
		for i, child := range value {
			list[i] = hideSecrets(child)
		}
		return list
	}
	return value
}

// hiddenKey: data is a .pfx in some lists and a public certificate in others;
// nobody can read either of them.
func hiddenKey(key string) bool { return key == "data" || key == "password" }

func conceal(text string) string {
	if text == "" {
		return ""
	}
	return secret.Secret{}.String()
}

func sortedKeys(tree map[string]any) []string { return slices.Sorted(maps.Keys(tree)) }
