package cloud

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Fingerprints are short hashes of what people wrote into the gateway, one for
// each of its parts: "tags", "sku", "properties.httpListeners[https]". Two
// readings with equal fingerprints differ only in what Azure itself writes, so
// a saved plan can say which part somebody changed since, without holding the
// document.
func (g *Gateway) Fingerprints() map[string]string {
	prints := map[string]string{}
	for key, value := range g.document {
		if key != "properties" && !serverMadeKeys[key] {
			prints[key] = fingerprint(value)
		}
	}
	for key, value := range objectAt(g.document, "properties") {
		if serverMadeKeys[key] {
			continue
		}
		path := "properties." + key
		list, isList := value.([]any)
		children, named := byName(list)
		if !isList || !named {
			prints[path] = fingerprint(value)
			continue
		}
		for name, child := range children.items {
			prints[fmt.Sprintf("%s[%s]", path, name)] = fingerprint(child)
		}
	}
	return prints
}

func fingerprint(value any) string {
	sum := sha256.Sum256([]byte(canonical(wantedOnly(value))))
	return hex.EncodeToString(sum[:8])
}

// wantedOnly copies a tree without what only Azure writes.
func wantedOnly(value any) any {
	switch value := value.(type) {
	case map[string]any:
		tree := make(map[string]any, len(value))
		for key, child := range value {
			if !serverMadeKeys[key] && (!backReferences[key] || !bareReferences(child)) {
				tree[key] = wantedOnly(child)
			}
		}
		return tree
	case []any:
		list := make([]any, len(value))
		for i, child := range value {
			list[i] = wantedOnly(child)
		}
		return list
	}
	return value
}

// canonical is the one text of a tree: fmt prints maps in the order of their
// keys, and every value here is a string, a json.Number, a bool or nil.
func canonical(value any) string { return fmt.Sprintf("%#v", value) }
