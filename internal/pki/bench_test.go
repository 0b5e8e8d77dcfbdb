package pki

import (
	"testing"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// BenchmarkReadAndJudge is what "cartouche check FILE.pfx" costs beside its
// start, with Mozilla's list parsed.
func BenchmarkReadAndJudge(b *testing.B) {
	MozillaRoots()
	for _, file := range []string{"aes256.pfx", "3des.pfx", "nss.pfx"} {
		data := readFile(b, file)
		b.Run(file, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bundle, err := ReadPFX(data, secret.New(usualPassword))
				if err != nil {
					b.Fatal(err)
				}
				Judge(bundle, Criteria{Now: today, Names: []string{"gis.example.com"}})
			}
		})
	}
}
