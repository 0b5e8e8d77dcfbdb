package worldtest

import (
	"flag"
	"os"
	"testing"
)

// Main runs the tests of a package, more of them side by side than there are
// processors: most of their time they wait, for an operation of a world or for
// the next look. Whoever gives -parallel has it their own way.
func Main(m *testing.M, parallel string) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "test.parallel" })
	if !asked {
		_ = flag.Set("test.parallel", parallel)
	}
	os.Exit(m.Run())
}
