package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"software.sslmate.com/src/go-pkcs12"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cartouche": func() { os.Exit(run()) }})
}

// TestScripts runs the real program in processes of its own: what only the
// operating system can show, terminals above all. All else is in package cli.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Vars = append(env.Vars, "LANG=C.UTF-8", "TERM=xterm", "CARTOUCHE_STATE_DIR="+env.WorkDir)
			return writePFX(filepath.Join(env.WorkDir, "site.pfx"), "open sesame")
		},
	})
}

// writePFX writes a self-signed certificate with its key.
func writePFX(path, password string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "gis.example.com"}, DNSNames: []string{"gis.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, 90),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	file, err := pkcs12.Modern.Encode(key, leaf, nil, password)
	if err != nil {
		return err
	}
	return os.WriteFile(path, file, 0o600)
}
