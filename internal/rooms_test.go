// Package internal_test holds the imports between our packages against the
// design: they point one way, and the simulator knows nothing of the clients.
package internal_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const ours = "github.com/cartouche-gis/cartouche/internal/"

// may lists what each room may import of ours. A room within a room (sim/arm)
// counts as the outer one, which may import itself.
var may = map[string][]string{
	"secret":     {},
	"traffic":    {},
	"journal":    {},
	"pause":      {},
	"pki":        {"secret"},
	"egress":     {"secret"},
	"handshake":  {"egress", "pki"},
	"cloud":      {"pause", "pki", "secret"},
	"account":    {"cloud", "secret"}, // remembers a sign-in, keeps its tokens for cloud
	"arcgis":     {"secret"},
	"machine":    {"arcgis", "egress", "handshake", "pause", "pki", "secret"}, // nothing of Azure: the agent links it
	"agent":      {"machine", "secret"},
	"deployment": {"cloud", "pki"},
	"reach":      {"agent", "cloud", "deployment", "egress", "machine", "pause", "secret"},
	"lease":      {"cloud", "pause"}, // one run at a time on all computers: a tag in Azure
	"rotation":   {"arcgis", "cloud", "deployment", "egress", "handshake", "journal", "machine", "pause", "pki", "reach", "secret"},
	"rollout":    {"arcgis", "cloud", "journal", "machine", "pause", "pki", "reach", "rotation", "secret"},
	"shape":      {"arcgis", "cloud", "deployment", "machine", "pki", "rotation", "secret"}, // a deployment without secrets, to rehearse with
	"evidence":   {"handshake", "journal", "pki", "rollout", "rotation", "secret"},          // of a run, what somebody else can check
	// What people can do, whichever way they ask:
	"app":       {"account", "arcgis", "cloud", "deployment", "egress", "evidence", "handshake", "journal", "lease", "machine", "pki", "reach", "rollout", "rotation", "secret"},
	"sim":       {},
	"rehearsal": {"agent", "cloud", "deployment", "egress", "machine", "pki", "secret", "shape", "sim"},                                             // makes a world of a shape, and runs the agent at its machines
	"rehearse":  {"app", "cloud", "deployment", "journal", "pki", "reach", "rehearsal", "rollout", "rotation", "secret", "shape", "sim", "traffic"}, // rehearses a change in such a world
	"cli":       {"account", "app", "arcgis", "cloud", "deployment", "egress", "evidence", "handshake", "journal", "lease", "machine", "pki", "reach", "rehearsal", "rollout", "rotation", "rehearse", "secret", "shape", "sim", "traffic", "web"},
	"web":       {"app", "cloud", "deployment", "evidence", "handshake", "journal", "lease", "machine", "pki", "reach", "rollout", "rotation", "secret", "rehearse", "shape", "sim", "traffic"}, // pages in a browser: they ask app, and show the values of the others; they dial nobody and keep no sign-in
	"onlooker":  {"cloud", "deployment", "handshake", "pki", "reach", "rehearsal", "rotation", "secret", "sim"},                                                                                 // looks at worlds, for tests alone
	"strangers": {},
	"matrix":    {}, // tests alone: whole rotations, broken everywhere
}

func TestImportsPointOneWay(t *testing.T) {
	imported := map[string]map[string]string{} // room to room to the file that does it
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		source, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		room := roomOf(filepath.ToSlash(path.Dir(filepath.ToSlash(file))))
		if imported[room] == nil {
			imported[room] = map[string]string{}
		}
		for _, spec := range source.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if inner, isOurs := strings.CutPrefix(name, ours); isOurs && roomOf(inner) != room {
				imported[room][roomOf(inner)] = file
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for room, others := range imported {
		allowed, known := may[room]
		if !known {
			t.Errorf("internal/%s is a room that the design does not know", room)
			continue
		}
		for other, file := range others {
			if !slices.Contains(allowed, other) {
				t.Errorf("internal/%s imports internal/%s, which it may not", file, other)
			}
		}
	}
	for room := range may {
		if _, exists := imported[room]; !exists {
			t.Errorf("internal/%s is gone; mend this table", room)
		}
	}
}

func roomOf(inner string) string {
	room, _, _ := strings.Cut(inner, "/")
	return room
}
