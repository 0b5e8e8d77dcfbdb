package browser

import (
	"bytes"
	"context"
	"io"
	"maps"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cli"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim"
)

// pages runs `cartouche serve` and gives the addresses that the browser gets;
// enter presses Enter in its terminal.
func pages(t *testing.T, args ...string) (addresses <-chan string, enter func()) {
	t.Helper()
	return pagesIn(t, nil, args...)
}

// pagesOf are the pages of a world that the test has started itself.
func pagesOf(t *testing.T, world *sim.World, args ...string) (address string) {
	t.Helper()
	addresses, _ := pagesIn(t, environment(world), args...)
	return <-addresses
}

func environment(world *sim.World) map[string]string {
	variables := map[string]string{}
	for _, variable := range world.Environment() {
		variables[variable.Name] = variable.Value
	}
	return variables
}

// quick is for worlds whose time goes fast.
var quick = rotation.Patience{
	Write: time.Minute, Proof: 30 * time.Second, Recovery: 90 * time.Second,
	Interval: 30 * time.Millisecond, Backoff: 50 * time.Millisecond, Drain: time.Second, Rounds: 3,
}

func pagesIn(t *testing.T, environment map[string]string, args ...string) (addresses <-chan string, enter func()) {
	t.Helper()
	return pagesThatWait(t, quick, environment, args...)
}

// pagesThatWait are pages with a patience of their own.
func pagesThatWait(t *testing.T, patience rotation.Patience, environment map[string]string, args ...string) (addresses <-chan string, enter func()) {
	t.Helper()
	variables := map[string]string{"CARTOUCHE_STATE_DIR": t.TempDir(), "LANG": "C.UTF-8"}
	maps.Copy(variables, environment)
	opened, status := make(chan string, 8), make(chan int, 1)
	typed, keys := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	var said bytes.Buffer
	go func() {
		status <- cli.Run(ctx, cli.Environment{
			Args: append([]string{"serve"}, args...), Stdin: typed, StdinIsTerminal: true, Stdout: io.Discard, Stderr: &said,
			Lookup:      func(name string) string { return variables[name] },
			OpenBrowser: func(_ context.Context, address string) error { opened <- address; return nil },
			Patience:    patience, PollInterval: 30 * time.Millisecond,
		})
	}()
	t.Cleanup(func() {
		stop()
		if got := <-status; got != 0 {
			t.Errorf("serve ended with %d: %s", got, said.String())
		}
	})
	return opened, func() { _, _ = io.WriteString(keys, "\n") }
}
