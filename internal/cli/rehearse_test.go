package cli_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/cli"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// reading are the requests to Azure that change nothing although they are no GET.
// Source: Azure REST reference, Resource Graph and Application Gateways - Backend
// Health.
var reading = regexp.MustCompile(`(?i)^POST https://(login\.[^/]+/.*|[^/]+/providers/Microsoft\.ResourceGraph/resources.*|[^/]+/subscriptions/.*/backendhealth.*)$`)

// changing are operations of ArcGIS' admin APIs that change something: looking is
// done with POST there, too, so that no token is in an address.
var changing = regexp.MustCompile(`(?i)/(update|edit|delete|upload|import[A-Za-z]*|generateCertificate|exportCertificate|restart|register|unregister|start|stop|updateCertificate)([/?]|$)`)

var azure = regexp.MustCompile(`(?i)^[A-Z]+ https://([^/]+\.)?(management\.azure\.com|vault\.azure\.net|core\.windows\.net|login\.[^/]+)/`)

// writes tells whether a request could change something.
func writes(method, address string) bool {
	request := method + " " + address
	switch {
	case method == "GET" || method == "HEAD":
		return false
	case azure.MatchString(request):
		return !reading.MatchString(request)
	}
	return changing.MatchString(address)
}

// A rehearsal only reads: the deployment that it is about gets no request that
// could change anything, neither when it goes well nor when it does not.
func TestARehearsalOnlyReadsTheDeployment(t *testing.T) {
	t.Parallel()
	world := worldtest.Start(t, sim.Options{World: "ha", Scale: 300, Current: sim.CurrentCertificate{Key: "p256"}, Machines: sim.MachineState{Key: "p256"}})
	dir := t.TempDir()
	if err := world.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var written []string
	asked := 0
	remove := world.Ground().Watchers.Add(func(s ground.Sight) {
		if r, ok := s.(ground.RequestCame); ok {
			mu.Lock()
			defer mu.Unlock()
			asked++
			if writes(r.Method, r.URL) {
				written = append(written, r.Method+" "+r.URL)
			}
		}
	})
	defer remove()
	before := len(world.Ground().Ledger.Events())
	for _, args := range [][]string{
		{"rehearse", "maps.example.com", "--pfx", filepath.Join(dir, "new.pfx"), "--password-file", filepath.Join(dir, "new.pfx.password"), "--scale", "300", "--json"},
		{"rehearse", "maps.example.com", "--pfx", filepath.Join(dir, "new.pfx"), "--password-file", filepath.Join(dir, "new.pfx.password"), "--scale", "300", "--fault", "wrong-leaf@edge", "--json"},
		{"rehearse", "maps.example.com", "--internal", "issue", "--scale", "300", "--save", filepath.Join(dir, "shape.json"), "--json"},
	} {
		variables := map[string]string{"CARTOUCHE_STATE_DIR": t.TempDir()}
		for _, variable := range world.InsideEnvironment() {
			variables[variable.Name] = variable.Value
		}
		var stdout, stderr bytes.Buffer
		status := cli.Run(context.Background(), cli.Environment{Args: args, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
			Lookup: func(name string) string { return variables[name] }, Patience: quick, Keys: worldtest.RSAKeys, MachinePatience: quickAtMachines, Version: "v0.0.0-test"})
		if want := map[bool]int{true: 5, false: 0}[slices.Contains(args, "--fault")]; status != want {
			t.Errorf("%q: exit status %d, want %d\n%s\n%s", args, status, want, stdout.String(), stderr.String())
		}
		if entries, _ := os.ReadDir(variables["CARTOUCHE_STATE_DIR"]); len(entries) > 0 {
			t.Errorf("%q: it is in the history: %v", args, entries)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if asked == 0 {
		t.Fatal("the deployment was not even read")
	}
	if len(written) > 0 {
		t.Errorf("%d requests could have changed something: %q", len(written), written)
	}
	for _, event := range world.Ground().Ledger.Events()[before:] {
		if event.Kind != ground.Federation { // Portal's own judgement, which was asked for
			t.Errorf("it happened to the deployment: %+v", event)
		}
	}
}
