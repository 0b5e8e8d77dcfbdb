package egress

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	// maxRootsFile is far above the 220 KiB of a whole system's list.
	maxRootsFile = 8 << 20
	maxRootsDir  = 5000
)

// namedRoots reads the authorities that SSL_CERT_FILE (one PEM file) and
// SSL_CERT_DIR (directories, separated as in PATH) name.
//
// A file is meant: that it cannot be read, or holds no certificate, is an
// error. A directory is often only a candidate, or is set to nowhere to switch
// the system's own off; it is an error only if the variable stands alone and
// nothing at all is found.
func namedRoots(lookup func(string) string) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	file := lookup("SSL_CERT_FILE")
	if file != "" {
		found, err := readRootsFile(file)
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("%s holds no certificate in PEM form", file)
		}
		if err != nil {
			return nil, fmt.Errorf("SSL_CERT_FILE: %w", err)
		}
		certs = found
	}
	if dirs := lookup("SSL_CERT_DIR"); dirs != "" {
		for _, dir := range filepath.SplitList(dirs) {
			found, err := readRootsDir(dir)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("SSL_CERT_DIR: %w", err)
			}
			certs = append(certs, found...)
		}
		if len(certs) == 0 {
			return nil, fmt.Errorf("SSL_CERT_DIR: no certificate in PEM form in %s", dirs)
		}
	}
	return distinct(certs), nil
}

// readRootsDir reads every PEM file in dir. Anything else in it is passed over:
// such directories also hold key stores, scripts and revocation lists.
func readRootsDir(dir string) ([]*x509.Certificate, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	if len(entries) > maxRootsDir {
		return nil, fmt.Errorf("%s has more than %d entries", dir, maxRootsDir)
	}
	var certs []*x509.Certificate
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		// Stat, not the entry: "c_rehash" directories consist of links. And a
		// pipe in the directory must not be opened, since that would block.
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		found, err := readRootsFile(path)
		if err != nil {
			continue
		}
		certs = append(certs, found...)
	}
	return certs, nil
}

// readRootsFile reads the certificates of a PEM file. Those that Go cannot
// parse are left out, as crypto/x509 does it: the lists of operating systems
// keep a few relics, and one of them must not make the others useless.
func readRootsFile(path string) ([]*x509.Certificate, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxRootsFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxRootsFile {
		return nil, fmt.Errorf("%s is larger than %d MiB", path, maxRootsFile>>20)
	}
	var certs []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
			certs = append(certs, cert)
		}
	}
	return certs, nil
}

func distinct(certs []*x509.Certificate) []*x509.Certificate {
	seen := map[string]bool{}
	var kept []*x509.Certificate
	for _, cert := range certs {
		if !seen[string(cert.Raw)] {
			seen[string(cert.Raw)] = true
			kept = append(kept, cert)
		}
	}
	return kept
}
