package sim_test

import (
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim"
)

// A world after the first of a process, which has made the keys.
func BenchmarkStart(b *testing.B) {
	for _, name := range sim.Worlds() {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				w, err := sim.Start(b.Context(), sim.Options{World: name})
				if err != nil {
					b.Fatal(err)
				}
				if err := w.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
