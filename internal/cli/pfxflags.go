package cli

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// maxPFX bounds a .pfx file before pki looks at it, which has its own, smaller limit.
const maxPFX = 4 << 20

// pfxFlags name a .pfx file and its password.
type pfxFlags struct {
	file         string
	passwordFile string
}

func (f *pfxFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.file, "pfx", "", "the new certificate with its key and its chain `FILE`")
	f.addPassword(flags)
}

func (f *pfxFlags) addPassword(flags *pflag.FlagSet) {
	flags.StringVar(&f.passwordFile, "password-file", "", "file with the password of the .pfx, - for standard input (CARTOUCHE_PFX_PASSWORD) `FILE`")
}

func (f pfxFlags) password() secretSource {
	return secretSource{
		what: "password of " + filepath.Base(f.file), flag: "--password-file", file: f.passwordFile, variable: "CARTOUCHE_PFX_PASSWORD",
	}
}

// readPFX reads the file. A password is asked for only when the file has one.
func (a *program) readPFX(ctx context.Context, f pfxFlags) (*pki.Bundle, error) {
	data, err := app.ReadBounded(f.file, maxPFX)
	if err != nil {
		return nil, app.WhileServing(app.Usage("check the path", "%s: %s", f.file, err), app.NothingChanged, "")
	}
	bundle, err := withPassword(ctx, a, f.password(), func(password secret.Secret) (*pki.Bundle, error) { return pki.ReadPFX(data, password) })
	if _, defect := errors.AsType[*pki.DefectError](err); defect {
		return nil, app.RefusedFile(f.file, err)
	}
	return bundle, app.WhileServing(err, app.NothingChanged, "")
}
