package cloud

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

func TestDifference(t *testing.T) {
	tests := []struct {
		name          string
		before, after string
		want          []Change
	}{
		{"nothing", `{"a":[{"name":"x"}]}`, `{"a":[{"name":"x"}]}`, nil},
		{"a number keeps its spelling", `{"n":9007199254740993}`, `{"n":9007199254740992}`,
			[]Change{{Path: "n", Before: "9007199254740993", After: "9007199254740992"}}},
		{"a value became another kind", `{"a":{"b":1}}`, `{"a":[1]}`, []Change{{Path: "a", Before: `{"b":1}`, After: `[1]`}}},
		{"null is not absence", `{"a":null}`, `{}`, []Change{{Path: "a", Before: "null"}}},
		{"a nameless list by position", `{"a":[1,2]}`, `{"a":[1,3,4]}`,
			[]Change{{Path: "a[1]", Before: "2", After: "3"}, {Path: "a[2]", After: "4"}}},
		{"another order of named members", `{"a":[{"name":"x"},{"name":"y"}]}`, `{"a":[{"name":"y"},{"name":"x"},{"name":"z"}]}`,
			[]Change{{Path: "a[z]", After: `{"name":"z"}`}, {Path: "a (order)", Before: "x, y", After: "y, x"}}},
		{"secrets", `{"password":"hunter2","s":[{"data":"QUJD"}]}`, `{"password":"hunter3"}`,
			[]Change{{Path: "password", Before: "[secret]", After: "[secret]"}, {Path: "s", Before: `[{"data":"[secret]"}]`}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Difference(document(t, test.before), document(t, test.after))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDifferenceOfSecrets(t *testing.T) {
	one, same, other := Document{"p": secret.New("a")}, Document{"p": secret.New("a")}, Document{"p": secret.New("b")}
	if got := Difference(one, same); len(got) != 0 {
		t.Errorf("equal secrets: %v", got)
	}
	if got := Difference(one, other); len(got) != 1 {
		t.Errorf("different secrets: %v", got)
	}
}

// What Azure makes of a document after a write is not a change that anybody
// wanted; everything else is.
func TestReadingBackLeavesNothingButWhatWasMeant(t *testing.T) {
	g := parse(t, gatewayText(t))
	meant, err := g.WithCertificate("new", []byte("pfx"), secret.New("pw"), []string{"https"})
	if err != nil {
		t.Fatal(err)
	}
	read := meant.Clone()
	read["etag"] = `W/"2"`
	properties := objectAt(read, "properties")
	properties["provisioningState"] = "Updating"
	entry := objectAt(listAt(properties, "sslCertificates")[4])
	entry["id"], entry["etag"], entry["type"] = gatewayID+"/sslCertificates/new", `W/"2"`, "Microsoft.Network/applicationGateways/sslCertificates"
	user := []any{map[string]any{"id": gatewayID + "/httpListeners/https"}}
	entry["properties"] = map[string]any{"publicCertData": "AAAA", "provisioningState": "Updating", "httpListeners": user}
	old := objectAt(listAt(properties, "sslCertificates")[0], "properties")
	delete(old, "httpListeners")

	changes := Difference(meant, read)
	if len(changes) < 8 {
		t.Errorf("only %d changes were seen: %+v", len(changes), changes)
	}
	if left := WithoutServerMade(changes); len(left) != 0 {
		t.Errorf("somebody seems to have wanted %+v", left)
	}

	// The same keys, where they are somebody's.
	listener := objectAt(listAt(properties, "httpListeners")[0], "properties")
	objectAt(listener, "sslCertificate")["id"] = gatewayID + "/sslCertificates/old"
	properties["httpListeners"] = listAt(properties, "httpListeners")[:2]
	objectAt(listAt(properties, "trustedRootCertificates")[0], "properties")["data"] = "other"
	objectAt(listAt(properties, "sslProfiles")[0], "properties")["trustedClientCertificates"] = user
	var paths []string
	for _, change := range WithoutServerMade(Difference(meant, read)) {
		paths = append(paths, change.Path)
	}
	want := []string{
		"properties.httpListeners[https].properties.sslCertificate.id",
		"properties.httpListeners[http]",
		"properties.sslProfiles[strict].properties.trustedClientCertificates",
		"properties.trustedRootCertificates[serverBackendSSLCert].properties.data",
	}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Error(diff)
	}
}

func TestChangesThatAreNotAzuresOwn(t *testing.T) {
	entry := func(properties string) string {
		return `{"properties":{"sslCertificates":[{"name":"a","properties":` + properties + `}]}}`
	}
	for _, test := range []struct{ name, before, after string }{
		{"other data in an entry", entry(`{"data":"A"}`), entry(`{"data":"B"}`)},
		{"another certificate in an entry", entry(`{"publicCertData":"A"}`), entry(`{"publicCertData":"B"}`)},
		{"listeners that look like references", `{"properties":{"httpListeners":[{"id":"x"}]}}`, `{"properties":{}}`},
		{"an id of something else", entry(`{"x":{"id":"1"}}`), entry(`{"x":{}}`)},
		{"a child's id became another", `{"properties":{"a":[{"name":"x","id":"1"}]}}`, `{"properties":{"a":[{"name":"x","id":"2"}]}}`},
	} {
		if got := WithoutServerMade(Difference(document(t, test.before), document(t, test.after))); len(got) != 1 {
			t.Errorf("%s: got %+v", test.name, got)
		}
	}
}

// A saved plan must not be applied when somebody has replaced the certificate.
func TestFingerprintsMoveWithWhatPeopleWrite(t *testing.T) {
	g := parse(t, gatewayText(t))
	moved := func(change func(properties map[string]any)) []string {
		d := g.Document()
		change(objectAt(d, "properties"))
		after, err := ParseGateway(d)
		if err != nil {
			t.Fatal(err)
		}
		var parts []string
		prints := after.Fingerprints()
		for part, print := range g.Fingerprints() {
			if prints[part] != print {
				parts = append(parts, part)
			}
		}
		return parts
	}
	state := moved(func(p map[string]any) { p["provisioningState"] = "Updating" })
	if len(state) != 0 {
		t.Errorf("a state moved %v", state)
	}
	certificate := moved(func(p map[string]any) {
		objectAt(listAt(p, "sslCertificates")[0], "properties")["publicCertData"] = "AAAA"
	})
	if diff := cmp.Diff([]string{"properties.sslCertificates[frontendCert]"}, certificate); diff != "" {
		t.Error(diff)
	}
}
