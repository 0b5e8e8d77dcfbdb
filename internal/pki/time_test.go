package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"math/big"
	"testing"
	"time"
)

// A certificate may say when it ends in a zone of its own, and mean the year
// 10000. What is told of it is JSON all the same.
func TestACertificateUntilTheYear10000(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now(), NotAfter: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	// Four bytes more in the time, and so in the lengths of what is around it.
	before, after := []byte("\x30\x20\x17\x0d"), []byte("\x30\x24\x17\x0d")
	der = bytes.Replace(der, before, after, 1)
	der = bytes.Replace(der, []byte("\x18\x0f99991231235959Z"), []byte("\x18\x1399991231235959-1200"), 1)
	for _, at := range []int{0, sequence(der)} {
		der[at+sequence(der[at:])-1] += 4
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if year := certificate.NotAfter.UTC().Year(); year != 10000 {
		t.Fatalf("crypto/x509 reads the year %d now: is this test needed still?", year)
	}
	described := Describe(certificate)
	if _, err := json.Marshal(described); err != nil {
		t.Error(err)
	}
	if described.NotAfter.Year() != 9999 || described.NotAfter.Location() != time.UTC {
		t.Errorf("it ends %s", described.NotAfter)
	}
}

// sequence is how long the head of a SEQUENCE is.
func sequence(der []byte) int {
	if der[1] < 0x80 {
		return 2
	}
	return 2 + int(der[1]&0x7f)
}
