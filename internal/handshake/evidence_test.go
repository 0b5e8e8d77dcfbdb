package handshake

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/egress/proxytest"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

func TestObservationSurvivesJSON(t *testing.T) {
	cert := newWorld(t).good(name)
	looker := Looker{Now: func() time.Time { return noon }}
	seen := looker.Look(t.Context(), loopback(serveTLS(t, with(cert))))
	seen = append(seen, looker.Look(t.Context(), loopback(proxytest.Refusing(t).Port))...)

	data, err := json.Marshal(seen)
	if err != nil {
		t.Fatal(err)
	}
	var read []Observation
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(read, seen) {
		t.Errorf("read\n%+v\nwant\n%+v", read, seen)
	}

	var forReaders []struct {
		ServerName *string
		Leaf       *struct {
			SHA256, Subject string
			NotAfter        time.Time
		}
		Failure string
	}
	if err := json.Unmarshal(data, &forReaders); err != nil {
		t.Fatal(err)
	}
	first, last := forReaders[0], forReaders[3]
	if first.Leaf.SHA256 != pki.Fingerprint(cert.Leaf) || first.Leaf.Subject != "CN="+name || !first.Leaf.NotAfter.Equal(cert.Leaf.NotAfter) {
		t.Errorf("leaf is described as %+v", first.Leaf)
	}
	if last.Leaf != nil || last.Failure == "" || last.ServerName == nil {
		t.Errorf("a failure is written as %+v", last)
	}
}

func TestUnreadableObservations(t *testing.T) {
	root := `"` + base64.StdEncoding.EncodeToString(newWorld(t).root.cert.Raw) + `"`
	for _, text := range []string{
		`{"chainDER":["bm90IGEgY2VydGlmaWNhdGU="]}`, `{"chainDER":["not base64"]}`, `{"target":1}`, `[]`,
		`{"chainDER":[` + strings.Repeat(root+",", maxChain) + root + `]}`,
	} {
		o := Observation{Target: "kept"}
		if err := json.Unmarshal([]byte(text), &o); err == nil || o.Target != "kept" {
			t.Errorf("%.60s was read as %+v, %v", text, o, err)
		}
	}
}
