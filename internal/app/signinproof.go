package app

import (
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// maxClientCertificate bounds the file of a service principal's certificate.
const maxClientCertificate = 4 << 20

// proofOfEnvironment takes a secret or a certificate from where the variables
// say it is, and of two the secret, as azidentity does.
func (a *App) proofOfEnvironment(options *cloud.SignInOptions) error {
	if value := a.Lookup("AZURE_CLIENT_SECRET"); value != "" {
		options.ClientSecret = secret.New(value)
		return nil
	}
	path := a.Lookup("AZURE_CLIENT_CERTIFICATE_PATH")
	if path == "" {
		return Usage("set AZURE_CLIENT_SECRET, or AZURE_CLIENT_CERTIFICATE_PATH", "the client secret of %s is not given", options.ClientID)
	}
	data, err := ReadBounded(path, maxClientCertificate)
	if err == nil {
		options.ClientCertificate, err = cloud.ReadClientCertificate(data, secret.New(a.Lookup("AZURE_CLIENT_CERTIFICATE_PASSWORD")))
	}
	if err != nil {
		return Usage("correct AZURE_CLIENT_CERTIFICATE_PATH or AZURE_CLIENT_CERTIFICATE_PASSWORD", "client certificate %s: %s", path, err)
	}
	return nil
}
