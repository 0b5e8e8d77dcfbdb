package cli_test

import (
	"os"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(program())
	}
	worldtest.Main(m, "10")
}
