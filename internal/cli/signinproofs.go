package cli

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// principalProof takes a certificate or a secret: by flag before by variable,
// and of two variables the secret, as azidentity does.
func (a *program) principalProof(ctx context.Context, f azureFlags, options *cloud.SignInOptions) (err error) {
	clientSecret := secretSource{
		what: "client secret of " + options.ClientID, flag: "--client-secret-file", file: f.clientSecretFile, variable: "AZURE_CLIENT_SECRET",
	}
	file := f.clientCertificate
	if file == "" && f.clientSecretFile == "" && a.env.Lookup("AZURE_CLIENT_SECRET") == "" {
		file = a.env.Lookup("AZURE_CLIENT_CERTIFICATE_PATH")
	}
	if file != "" {
		options.ClientCertificate, err = a.readClientCertificate(ctx, file, f.clientCertificatePasswordFile)
		return err
	}
	options.ClientSecret, err = a.ask(ctx, clientSecret)
	return err
}

// readClientCertificate asks for a password only when the file has one.
func (a *program) readClientCertificate(ctx context.Context, file, passwordFile string) (*cloud.ClientCertificate, error) {
	data, err := app.ReadBounded(file, maxPFX)
	if err != nil {
		return nil, app.Usage("check the path", "%s: %s", file, err)
	}
	source := secretSource{
		what: "password of " + filepath.Base(file), flag: "--client-certificate-password-file", file: passwordFile, variable: "AZURE_CLIENT_CERTIFICATE_PASSWORD",
	}
	password, err := a.given(source)
	var read *cloud.ClientCertificate
	switch {
	case err == nil:
		read, err = cloud.ReadClientCertificate(data, password)
	case errors.Is(err, errNotGiven):
		read, err = cloud.ReadClientCertificate(data, secret.Secret{})
		if app.IsWrongPassword(err) {
			if password, err = a.ask(ctx, source); err == nil {
				read, err = cloud.ReadClientCertificate(data, password)
			}
		}
	}
	if defect, ok := errors.AsType[*pki.DefectError](err); ok {
		return nil, app.Usage(defect.Mend, "client certificate %s: %s", file, defect.Sentence)
	}
	if _, told := errors.AsType[*app.Failure](err); err != nil && !told && ctx.Err() == nil {
		return nil, app.Usage("", "client certificate %s: %s", file, err)
	}
	return read, err
}
