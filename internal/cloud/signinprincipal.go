package cloud

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// ClientCertificate is what an application signs in with instead of a secret.
type ClientCertificate struct {
	chain []*x509.Certificate
	key   crypto.PrivateKey
}

// ReadClientCertificate reads a .pfx, or PEM with the certificate and its
// unencrypted key. A .pfx that cannot be used gives a *pki.DefectError.
func ReadClientCertificate(data []byte, password secret.Secret) (*ClientCertificate, error) {
	if bytes.Contains(data, []byte("-----BEGIN")) {
		if bytes.Contains(data, []byte("ENCRYPTED")) {
			return nil, errors.New("the key is encrypted PEM, which is not read: make a .pfx of it with: openssl pkcs12 -export -in FILE -out FILE.pfx")
		}
		chain, key, err := azidentity.ParseCertificates(data, nil)
		if err != nil || key == nil {
			return nil, errors.New("the PEM does not hold a certificate and its private key")
		}
		return &ClientCertificate{chain: chain, key: key}, nil
	}
	// azidentity's own reader knows only the encryption of old .pfx files.
	bundle, err := pki.ReadPFX(data, password)
	if err != nil {
		return nil, err
	}
	return &ClientCertificate{chain: append([]*x509.Certificate{bundle.Leaf}, bundle.Intermediates...), key: bundle.Key}, nil
}

// String keeps a printed certificate from showing its key.
func (c *ClientCertificate) String() string { return "client certificate" }

// GoString does the same for %#v.
func (c *ClientCertificate) GoString() string { return c.String() }

func newServicePrincipal(options SignInOptions, client policy.ClientOptions) (azcore.TokenCredential, error) {
	switch {
	case options.TenantID == "":
		return nil, errors.New("a service principal needs its tenant id")
	case options.ClientID == "":
		return nil, errors.New("a service principal needs its client id")
	case options.ClientCertificate != nil:
		return azidentity.NewClientCertificateCredential(options.TenantID, options.ClientID,
			options.ClientCertificate.chain, options.ClientCertificate.key,
			// The chain goes along for tenants that trust an issuer and a name
			// rather than this one certificate.
			&azidentity.ClientCertificateCredentialOptions{ClientOptions: client, SendCertificateChain: true})
	case options.ClientSecret.Empty():
		return nil, errors.New("a service principal needs its client secret or its certificate")
	}
	return azidentity.NewClientSecretCredential(options.TenantID, options.ClientID, options.ClientSecret.Reveal(),
		&azidentity.ClientSecretCredentialOptions{ClientOptions: client})
}
