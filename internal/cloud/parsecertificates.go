package cloud

import (
	"crypto/x509"
	"errors"

	"github.com/smallstep/pkcs7"
)

// parseCertificates reads one DER certificate or a PKCS#7 bundle of them.
func parseCertificates(der []byte) ([]*x509.Certificate, error) {
	if certificate, err := x509.ParseCertificate(der); err == nil {
		return []*x509.Certificate{certificate}, nil
	}
	bundle, err := pkcs7.Parse(der)
	if err != nil {
		return nil, err
	}
	if len(bundle.Certificates) == 0 {
		return nil, errors.New("there is no certificate in it")
	}
	return bundle.Certificates, nil
}
