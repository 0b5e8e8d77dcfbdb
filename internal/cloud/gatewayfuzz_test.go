package cloud

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// What an edit does not understand stays, whatever it is: an edit and its
// opposite leave the very document that was there.
func FuzzGatewayEdits(f *testing.F) {
	whole := strings.ReplaceAll(gatewayTemplate, "GW", gatewayID)
	f.Add([]byte(whole))
	for _, change := range [][2]string{
		{`"properties"`, `"tags":{"cartouche-away-1":"x","a":7},"notInvented":[1e400,12345678901234567890,{"\u202e":null}],"properties"`},
		{`"httpListeners"`, `"trustedRootCertificates":[null,7,{"name":"r"},{"name":"R"}],"httpListeners"`},
		{`"sslCertificates"`, `"sslcertificates"`}, {`"name"`, `"Name"`}, {`"Https"`, `"https"`}, {`"id"`, `"ID"`},
	} {
		f.Add([]byte(strings.Replace(whole, change[0], change[1], 1)))
		f.Add([]byte(strings.ReplaceAll(whole, change[0], change[1])))
	}
	root := newChain(f).root
	f.Fuzz(func(t *testing.T, data []byte) {
		var source Document
		if source.UnmarshalJSON(data) != nil {
			return
		}
		g, err := ParseGateway(source)
		if err != nil {
			return
		}
		before := tree(t, g.Document())
		if read := tree(t, source); !reflect.DeepEqual(read, before) {
			t.Fatalf("reading made %v of %v", before, read)
		}
		again := func(edited Document) *Gateway {
			after, err := ParseGateway(edited)
			if err != nil {
				t.Fatalf("an edited gateway is none: %v", err)
			}
			return after
		}
		// same holds two documents against each other. A list that was not there
		// may be empty.
		same := func(what string, after Document) {
			t.Helper()
			if after := tree(t, after); !reflect.DeepEqual(withoutEmpty(before), withoutEmpty(after)) {
				t.Fatalf("%s:\n%v\nbecame\n%v", what, before, after)
			}
		}
		const name, secretID = "cartouche-fuzz", "https://v.vault.azure.net/secrets/c"
		if edited, err := g.WithReference(name, secretID, nil); err == nil {
			back, err := again(edited).WithoutCertificates([]string{name})
			if err == nil { // something of theirs may refer to an entry of that name
				same("an entry was added and removed", back)
			}
		}
		if edited, err := g.WithTrustedRoot(name, root, nil); err == nil {
			if back, err := again(edited).WithoutTrustedRoots([]string{name}); err == nil {
				same("a root was added and removed", back)
			}
		}
		for _, listener := range g.HTTPSListeners() {
			edited, err := g.WithReference(name, secretID, []string{listener.Name})
			if err != nil {
				continue
			}
			after := tree(t, edited)
			unpoint(after, listener.Name)
			was := tree(t, g.Document())
			unpoint(was, listener.Name)
			if !reflect.DeepEqual(withoutEmpty(was), withoutEmpty(after)) {
				t.Fatalf("pointing %s changed more than that:\n%v\nbecame\n%v", listener.Name, was, after)
			}
		}
		g.Away()
		if edited, changed, err := g.WithAway(g.Away()); err == nil && !changed {
			same("nobody was taken out", edited)
		}
		for _, pool := range g.Pools() {
			for _, address := range pool.Addresses {
				edited, changed, err := g.WithAway(append(g.Away(), Member{Pool: pool.Name, Address: address}))
				if err != nil || !changed {
					continue
				}
				if _, _, err := again(edited).WithAway(g.Away()); err != nil {
					t.Fatal(err)
				}
			}
		}
		same("all of that", g.Document())
	})
}

// tree is a document as anybody reads it.
func tree(t *testing.T, document Document) map[string]any {
	t.Helper()
	written, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	var read Document
	if err := read.UnmarshalJSON(written); err != nil {
		t.Fatalf("what was written cannot be read: %v", err)
	}
	return read
}

// withoutEmpty takes the lists and objects away that an edit may leave empty.
func withoutEmpty(document map[string]any) map[string]any {
	for _, at := range []struct {
		in   map[string]any
		name string
	}{{objectAt(document, "properties"), "sslCertificates"}, {objectAt(document, "properties"), "trustedRootCertificates"}, {document, "tags"}} {
		switch v := at.in[at.name].(type) {
		case []any:
			if len(v) == 0 {
				delete(at.in, at.name)
			}
		case map[string]any:
			if len(v) == 0 {
				delete(at.in, at.name)
			}
		case nil:
			delete(at.in, at.name)
		}
	}
	return document
}

// unpoint takes the reference of listeners of a name away, and the entry of the test.
func unpoint(document map[string]any, listener string) {
	for _, item := range listAt(document, "properties", "httpListeners") {
		if properties := objectAt(item, "properties"); strings.EqualFold(textAt(item, "name"), listener) && properties != nil {
			if own := objectAt(properties, "sslCertificate"); own != nil {
				delete(own, "id")
			}
			if own := objectAt(properties, "sslCertificate"); len(own) == 0 {
				delete(properties, "sslCertificate")
			}
		}
	}
	properties := objectAt(document, "properties")
	entries, _ := properties["sslCertificates"].([]any)
	var kept []any
	for _, entry := range entries {
		if textAt(entry, "name") != "cartouche-fuzz" {
			kept = append(kept, entry)
		}
	}
	properties["sslCertificates"] = kept
}
