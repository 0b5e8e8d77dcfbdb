package cloud

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

func TestWithCertificateChangesOnlyEntryAndReferences(t *testing.T) {
	g := parse(t, gatewayText(t))
	edited, err := g.WithCertificate("cartouche-1", []byte("pfx"), secret.New("pw12345678Ab"), []string{"HTTPS", "internal"})
	if err != nil {
		t.Fatal(err)
	}
	want := []Change{
		{Path: "properties.httpListeners[https].properties.sslCertificate.id", Before: gatewayID + "/sslCertificates/frontendCert", After: gatewayID + "/sslCertificates/cartouche-1"},
		{Path: "properties.httpListeners[internal].properties.sslCertificate.id", Before: gatewayID + "/sslCertificates/vaulted", After: gatewayID + "/sslCertificates/cartouche-1"},
		{Path: "properties.sslCertificates[cartouche-1]", After: `{"name":"cartouche-1","properties":{"data":"[secret]","password":"[secret]"}}`},
	}
	if diff := cmp.Diff(want, Difference(g.Document(), edited)); diff != "" {
		t.Error(diff)
	}
	sent, _, err := edited.wire()
	if err != nil {
		t.Fatal(err)
	}
	entry := `{"name":"cartouche-1","properties":{"data":"` + base64.StdEncoding.EncodeToString([]byte("pfx")) + `","password":"pw12345678Ab"}}`
	if !strings.Contains(string(sent), entry) {
		t.Errorf("not sent: %s", entry)
	}
	if _, exists := g.Certificate("cartouche-1"); exists {
		t.Error("the receiver was changed")
	}
}

func TestEditsThatAreRefused(t *testing.T) {
	g := parse(t, gatewayText(t))
	add := func(name string, listeners ...string) error {
		_, err := g.WithCertificate(name, []byte("pfx"), secret.New("pw"), listeners)
		return err
	}
	remove := func(names ...string) error {
		_, err := g.WithoutCertificates(names)
		return err
	}
	_, noEntry := g.PointListeners("missing", []string{"https"})
	for what, err := range map[string]error{
		"name in use":             add("FRONTENDCERT"),
		"name that leaves the id": add("a/b"),
		"empty name":              add(""),
		"unknown listener":        add("new", "nobody"),
		"listener without TLS":    add("new", "http"),
		"unknown entry":           noEntry,
		"used by a listener":      remove("frontendCert"),
		"used by what is unknown": remove("old", "vaulted"),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		} else if !strings.Contains(err.Error(), "agw-prod") {
			t.Errorf("%s: the error does not say which gateway: %v", what, err)
		}
	}
	if err := remove("vaulted"); !strings.Contains(err.Error(), "httpListeners[internal]") {
		t.Errorf("the error does not say who uses it: %v", err)
	}
}

func TestWithoutCertificatesRemovesTheUnused(t *testing.T) {
	g := parse(t, gatewayText(t))
	edited, err := g.WithoutCertificates([]string{"OLD", "broken", "never-there"})
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, change := range Difference(g.Document(), edited) {
		paths = append(paths, change.Path)
		if change.After != "" {
			t.Errorf("added %+v", change)
		}
	}
	if got := fmt.Sprint(paths); got != "[properties.sslCertificates[old] properties.sslCertificates[broken]]" {
		t.Errorf("changed %s", got)
	}
	if len(g.Certificates()) != 4 {
		t.Error("the receiver was changed")
	}
}

// sslProfiles refer to a certificate in the test document as a future Azure might.
func TestReferencesAreFoundWhereverTheyAre(t *testing.T) {
	g := parse(t, gatewayText(t))
	moved, err := g.PointListeners("frontendCert", []string{"internal"})
	if err != nil {
		t.Fatal(err)
	}
	after, err := ParseGateway(moved)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := after.WithoutCertificates([]string{"vaulted"}); err == nil || !strings.Contains(err.Error(), "sslProfiles[strict]") {
		t.Errorf("got %v", err)
	}
}

func TestPointingBackRestoresTheDocument(t *testing.T) {
	g := parse(t, gatewayText(t))
	there, err := g.PointListeners("OLD", []string{"https"})
	if err != nil {
		t.Fatal(err)
	}
	moved, err := ParseGateway(there)
	if err != nil {
		t.Fatal(err)
	}
	back, err := moved.PointListeners("frontendCert", []string{"https"})
	if err != nil {
		t.Fatal(err)
	}
	if changes := Difference(g.Document(), back); len(changes) != 0 {
		t.Errorf("left behind: %+v", changes)
	}
}

// I7 on documents of any shape: what is sent differs from what was read in the
// new entry and the listeners' references, byte for byte as JSON values.
func TestUnknownPropertiesSurviveAnEdit(t *testing.T) {
	text := gatewayText(t)
	rapid.Check(t, func(t *rapid.T) {
		tree := Document{}
		if err := tree.UnmarshalJSON([]byte(text)); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 8).Draw(t, "unknown properties") {
			plant(t, tree)
		}
		g, err := ParseGateway(tree)
		if err != nil {
			t.Fatal(err)
		}
		listeners := rapid.SampledFrom([][]string{nil, {"https"}, {"https", "internal"}}).Draw(t, "listeners")
		edited, err := g.WithCertificate("new", []byte("pfx"), secret.New("pw"), listeners)
		if err != nil {
			t.Fatal(err)
		}
		if changes := Difference(tree, g.Document()); len(changes) != 0 {
			t.Fatalf("the receiver changed: %+v", changes)
		}
		sent, _, err := edited.wire()
		if err != nil {
			t.Fatal(err)
		}
		// Take the edit back by hand; the rest must be what it was.
		var back Document
		if err := back.UnmarshalJSON(sent); err != nil {
			t.Fatal(err)
		}
		properties := objectAt(back, "properties")
		entries := listAt(properties, "sslCertificates")
		properties["sslCertificates"] = entries[:len(entries)-1]
		for _, item := range listAt(properties, "httpListeners") {
			name := textAt(item, "name")
			if slices.Contains(listeners, name) {
				was, _ := g.Listener(name)
				objectAt(item, "properties", "sslCertificate")["id"] = was.CertificateID
			}
		}
		if got, want := respelled(t, back), respelled(t, tree); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}

// plant puts an unknown property somewhere into the tree.
func plant(t *rapid.T, tree Document) {
	place := map[string]any(tree)
	for range rapid.IntRange(0, 5).Draw(t, "depth") {
		var below []map[string]any
		for _, key := range sortedKeys(place) {
			if child := objectAt(place[key]); child != nil {
				below = append(below, child)
			}
			for _, item := range objects(place[key]) {
				below = append(below, item)
			}
		}
		if len(below) == 0 {
			break
		}
		place = rapid.SampledFrom(below).Draw(t, "place")
	}
	place["x"+rapid.StringN(0, 8, -1).Draw(t, "key")] = anyJSON(3).Draw(t, "value")
}

func anyJSON(depth int) *rapid.Generator[any] {
	number := rapid.Map(rapid.StringMatching(`-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?`),
		func(text string) any { return json.Number(text) })
	leaves := []*rapid.Generator[any]{number, rapid.String().AsAny(), rapid.Bool().AsAny(), rapid.Just(any(nil))}
	if depth == 0 {
		return rapid.OneOf(leaves...)
	}
	inner := rapid.Deferred(func() *rapid.Generator[any] { return anyJSON(depth - 1) })
	return rapid.OneOf(append(leaves,
		rapid.SliceOfN(inner, 0, 3).AsAny(),
		rapid.MapOfN(rapid.String(), inner, 0, 3).AsAny())...)
}

func respelled(t *rapid.T, d Document) string {
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
