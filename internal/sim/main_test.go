package sim_test

import (
	"testing"

	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
)

func TestMain(m *testing.M) { worldtest.Main(m, "") }
