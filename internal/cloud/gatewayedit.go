package cloud

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// childName is what Azure accepts as the name of a gateway's child.
// Source: Azure's naming rules for Microsoft.Network.
var childName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?$`)

// WithCertificate gives the document with a new certificate entry, and with the
// named listeners pointing to it; no listeners only stages it. pfx and password
// are in the document as secrets: it can be printed, and only
// [ResourceManager.Put] sends them. The other entries stay without data, which
// keeps them as they are (that is how az adds a certificate).
func (g *Gateway) WithCertificate(name string, pfx []byte, password secret.Secret, listeners []string) (Document, error) {
	return g.withEntry(name, map[string]any{
		"data":     secret.New(base64.StdEncoding.EncodeToString(pfx)),
		"password": password,
	}, listeners)
}

// withEntry adds a certificate entry and points listeners to it.
func (g *Gateway) withEntry(name string, content map[string]any, listeners []string) (Document, error) {
	if !childName.MatchString(name) {
		return nil, fmt.Errorf("add certificate to gateway %s: %q cannot be the name of an entry", g.Name(), clean(name, 100))
	}
	if _, exists := g.Certificate(name); exists {
		return nil, fmt.Errorf("add certificate to gateway %s: there already is an entry %q", g.Name(), name)
	}
	document := g.Document()
	properties, err := editable(document)
	if err != nil {
		return nil, fmt.Errorf("add certificate to gateway %s: %w", g.Name(), err)
	}
	entries, ok := properties["sslCertificates"].([]any)
	if !ok && properties["sslCertificates"] != nil {
		return nil, fmt.Errorf("add certificate to gateway %s: its sslCertificates are no list", g.Name())
	}
	properties["sslCertificates"] = append(entries, map[string]any{"name": name, "properties": content})
	if err := g.point(document, name, listeners); err != nil {
		return nil, fmt.Errorf("add certificate to gateway %s: %w", g.Name(), err)
	}
	return document, nil
}

// PointListeners gives the document in which the named listeners use the
// certificate entry "to", which must exist.
func (g *Gateway) PointListeners(to string, listeners []string) (Document, error) {
	entry, exists := g.Certificate(to)
	if !exists {
		return nil, fmt.Errorf("point listeners of gateway %s: there is no certificate entry %q", g.Name(), clean(to, 100))
	}
	document := g.Document()
	if err := g.point(document, entry.Name, listeners); err != nil {
		return nil, fmt.Errorf("point listeners of gateway %s: %w", g.Name(), err)
	}
	return document, nil
}

// WithoutCertificates gives the document without the named entries. Names that
// are not there are passed over; an entry that anything still refers to
// (a listener, or whatever Azure invents next) is not given up.
func (g *Gateway) WithoutCertificates(names []string) (Document, error) {
	document := g.Document()
	properties, err := editable(document)
	if err != nil {
		return nil, fmt.Errorf("remove certificates from gateway %s: %w", g.Name(), err)
	}
	entries, _ := properties["sslCertificates"].([]any)
	var removed []string
	kept := slices.DeleteFunc(entries, func(entry any) bool {
		name := textAt(entry, "name")
		doomed := name != "" && slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
		if doomed {
			removed = append(removed, g.childID("sslCertificates", objectAt(entry)))
		}
		return doomed
	})
	if len(removed) == 0 {
		return document, nil
	}
	properties["sslCertificates"] = kept
	for _, id := range removed {
		if user := referrer(map[string]any(document), id, ""); user != "" {
			return nil, fmt.Errorf("remove certificates from gateway %s: %s is still used by %s", g.Name(), lastName(id), user)
		}
	}
	return document, nil
}

// point makes listeners of the document refer to an entry.
func (g *Gateway) point(document Document, entry string, listeners []string) error {
	reference := g.ID() + "/sslCertificates/" + entry
	for _, wanted := range listeners {
		found := false
		for _, item := range listAt(document, "properties", "httpListeners") {
			if !strings.EqualFold(textAt(item, "name"), wanted) {
				continue
			}
			found = true
			properties := objectAt(item, "properties")
			if !strings.EqualFold(textAt(properties, "protocol"), "Https") {
				return fmt.Errorf("listener %q is not an HTTPS listener", wanted)
			}
			// Whatever else the reference holds stays.
			if own := objectAt(properties, "sslCertificate"); own != nil {
				own["id"] = reference
			} else {
				properties["sslCertificate"] = map[string]any{"id": reference}
			}
		}
		if !found {
			return fmt.Errorf("there is no listener %q", clean(wanted, 100))
		}
	}
	return nil
}

// referrer finds an id anywhere in a tree and says where, by the names on the way.
func referrer(value any, id, path string) string {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range sortedKeys(value) {
			if text, ok := value[key].(string); ok && SameID(text, id) {
				return strings.Trim(path+"."+key, ".")
			}
			if found := referrer(value[key], id, path+"."+key); found != "" {
				return found
			}
		}
	case []any:
		for i, item := range value {
			if text, ok := item.(string); ok && SameID(text, id) {
				return strings.Trim(path, ".")
			}
			label := textAt(item, "name")
			if label == "" {
				label = fmt.Sprint(i)
			}
			if found := referrer(item, id, path+"["+label+"]"); found != "" {
				return found
			}
		}
	}
	return ""
}

func editable(document Document) (map[string]any, error) {
	properties := objectAt(document, "properties")
	if properties == nil {
		return nil, fmt.Errorf("its document has no properties")
	}
	return properties, nil
}
