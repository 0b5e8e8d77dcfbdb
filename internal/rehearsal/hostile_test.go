package rehearsal_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/rehearsal"
	"github.com/cartouche-gis/cartouche/internal/shape"
	"github.com/cartouche-gis/cartouche/internal/sim"
)

// A shape's file may come from anybody: what is none ends in an error, and what
// is one becomes a world's file or an error, never a panic.
func FuzzShape(f *testing.F) {
	seed, err := os.ReadFile(filepath.Join("testdata", "shape.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`{"format":1}`))
	f.Add([]byte(strings.Repeat("[", 1000)))
	for _, change := range [][2]string{{`"issuer": "certificate-1"`, `"issuer": "certificate-9"`}, {`"port": 6443`, `"port": -1`}, {`"properties"`, `"propertie"`}, {`"cloud": "public"`, `"cloud": "moon"`}} {
		f.Add(bytes.Replace(seed, []byte(change[0]), []byte(change[1]), 1))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := shape.Read(bytes.NewReader(data))
		if err != nil {
			if err.Error() == "" {
				t.Error("an error that says nothing")
			}
			return
		}
		if _, err := rehearsal.CopyOf(s); err != nil && err.Error() == "" {
			t.Error("an error that says nothing")
		}
		if masked, err := shape.Masked(s); err == nil && !masked.Masked {
			t.Error("a masked shape does not say so")
		}
	})
}

// A world's file is bounded, and says what is wrong with it.
func TestAWorldsFileThatIsNone(t *testing.T) {
	t.Parallel()
	for what, file := range map[string]struct{ text, want string }{
		"nothing":         {"", "subscription"},
		"no YAML":         {"a: [", "cannot be used"},
		"an unknown word": {"subscription: x\nnonsense: 1\n", "nonsense"},
		"aliases":         {"subscription: &a x\nlocation: *a\n", "anchors"},
		"a deep one":      {"subscription: x\ndeployments: " + strings.Repeat("[", 100) + strings.Repeat("]", 100), "nests deeper"},
		"no deployment":   {"subscription: x\n", "0 deployments"},
		"a wrong id":      {"subscription: x\nsubscription-ids: {x: me}\ndeployments: [{prefix: a}]\n", "is no id"},
		"half a copy":     {"subscription: x\ndeployments: [{kind: copy, prefix: a}]\n", "belong together"},
		"issuers in a circle": {"tenant: {name: T, domain: t.example}\nsubscription: x\nlocation: here\ncertificates: [{id: a, issuer: b, key: p256}, {id: b, issuer: a, key: p256}]\n" +
			"deployments: [{kind: copy, prefix: a, gateway: g, group: r, copy: {gateway: {id: x}}}]\n", "lead nowhere"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			world, err := sim.Start(t.Context(), sim.Options{File: []byte(file.text)})
			if err == nil {
				_ = world.Close()
				t.Fatal("it became a world")
			}
			if !strings.Contains(err.Error(), file.want) {
				t.Errorf("got %v, want something about %s", err, file.want)
			}
		})
	}
}

// A copy's file is JSON, so that nobody who reads it must know YAML's corners.
func TestACopysFileIsJSON(t *testing.T) {
	t.Parallel()
	seed, err := os.ReadFile(filepath.Join("testdata", "shape.json"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := shape.Read(bytes.NewReader(seed))
	if err != nil {
		t.Fatal(err)
	}
	copied, err := rehearsal.CopyOf(s)
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(copied.File) {
		t.Error("it is none")
	}
}
