package worldtest

import (
	"flag"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// Main runs the tests of a package, more of them side by side than there are
// processors where they wait most of their time, for an operation of a world or
// for the next look; "" is one for each. Whoever gives -parallel has it their own
// way.
func Main(m *testing.M, parallel string) {
	flag.Parse()
	Cheap()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "test.parallel" })
	if !asked && parallel != "" {
		_ = flag.Set("test.parallel", parallel)
	}
	os.Exit(m.Run())
}

// Cheap saves what a process with worlds in it would spend on nothing that is
// tried: collecting garbage soon, finding primes, a hybrid key exchange.
func Cheap() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400) // a fifth of these tests' time was the collector's
	}
	// The hybrid key exchange, which worlds do not take part in, would be a tenth.
	if err := os.Setenv("GODEBUG", strings.TrimPrefix(os.Getenv("GODEBUG")+",tlsmlkem=0", ",")); err != nil {
		panic(err)
	}
	ground.KeysFrom(worldKeys.next)
}

// All tells whether every test is to run, as in CI, and not only those that
// leave go test ./... within its three minutes.
func All() bool { return os.Getenv("CARTOUCHE_TESTS") == "all" }

// Long leaves a test out, by name, unless All.
func Long(t testing.TB) {
	t.Helper()
	if !All() {
		t.Skip("takes long: CARTOUCHE_TESTS=all runs it, as .ci/run does")
	}
}
