package pki

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// seed gives the whole corpus to a fuzz target.
func seed(f *testing.F, add func(data []byte)) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		add(data)
	}
}

// Whatever the bytes: a bundle that holds together, or a defect. Nothing else
// may come out, and it must not take long (go test -fuzz watches that).
func FuzzReadPFX(f *testing.F) {
	seed(f, func(data []byte) { f.Add(data, usualPassword) })
	f.Fuzz(func(t *testing.T, data []byte, password string) {
		bundle, err := ReadPFX(data, secret.New(password))
		var defect *DefectError
		switch {
		case err != nil && !errors.As(err, &defect):
			t.Fatalf("%T instead of a *DefectError: %v", err, err)
		case err != nil && (defect.Severity != Refusal || defect.Sentence == "" || defect.Mend == ""):
			t.Fatalf("a defect that explains nothing: %+v", defect)
		case err == nil && !sameKey(bundle.Key.Public(), bundle.Leaf.PublicKey):
			t.Fatal("the key is not the leaf's")
		case err == nil:
			Judge(bundle, Criteria{Now: today, Names: []string{"gis.example.com"}})
		}
	})
}

// Normalising twice is normalising once, nothing is read twice or skipped, and
// the result is no longer than its lengths explain.
func FuzzNormaliseBER(f *testing.F) {
	seed(f, func(data []byte) { f.Add(data) })
	f.Add(bytes.Repeat([]byte{0x30, 0x80}, 40))
	f.Fuzz(func(t *testing.T, data []byte) {
		der, rest, err := normaliseBER(data)
		if err != nil {
			return
		}
		if !bytes.HasSuffix(data, rest) {
			t.Fatal("what follows is not the end of the input")
		}
		if len(der) > 2*(len(data)-len(rest)) {
			t.Fatalf("%d bytes became %d", len(data)-len(rest), len(der))
		}
		again, surplus, err := normaliseBER(der)
		if err != nil || len(surplus) > 0 || !bytes.Equal(again, der) {
			t.Fatalf("normalised again: %x, %x, %v", again, surplus, err)
		}
	})
}

func FuzzParseCertificates(f *testing.F) {
	seed(f, func(data []byte) { f.Add(data) })
	f.Fuzz(func(t *testing.T, data []byte) {
		certs, err := ParseCertificates(data)
		if (err == nil) == (len(certs) == 0) {
			t.Fatalf("%d certificates, %v", len(certs), err)
		}
		for _, cert := range certs {
			Describe(cert)
		}
		if len(certs) > 0 {
			JudgeChain(certs, Criteria{Now: today, Names: []string{"gis.example.com"}, Serving: certs[0]})
		}
	})
}
