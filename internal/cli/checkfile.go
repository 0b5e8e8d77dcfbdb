package cli

import (
	"context"
	"crypto/x509"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// maxRootsFile bounds a file of authorities; pki has its own limit, too.
const maxRootsFile = 4 << 20

func (a *program) checkFile(ctx context.Context, options checkOptions) error {
	network, err := a.Network()
	if err != nil {
		return err
	}
	roots, err := a.rootsWith(network, options.rootFiles)
	if err != nil {
		return err
	}
	bundle, err := a.readPFX(ctx, options.pfx)
	if err != nil {
		return err
	}
	value, f := app.CheckFile(ctx, network, options.pfx.file, bundle, pki.Criteria{
		Now: a.env.Now(), Names: options.names, Roots: roots, AssumeTrusted: options.assumeTrusted,
	})
	if a.ui.json {
		return answer(a.ui, value, f)
	}
	a.ui.say(title(options.pfx.file))
	a.ui.certificateCard(value.Certificate, value.Judged, a.env.Now())
	a.ui.sayFindings(value.Findings)
	return told(f)
}

// rootsWith are the known authorities and those of files.
func (a *program) rootsWith(network *egress.Network, files []string) (*pki.Roots, error) {
	certs, err := readRootFiles(files)
	return app.KnownRoots(network).With(certs...), err
}

// readRootFiles reads the files of --roots.
func readRootFiles(files []string) (all []*x509.Certificate, err error) {
	for _, file := range files {
		certs, err := readRoots("--roots", file)
		if err != nil {
			return nil, err
		}
		all = append(all, certs...)
	}
	return all, nil
}

// readRoots reads a file of authorities.
func readRoots(flag, file string) ([]*x509.Certificate, error) {
	data, err := app.ReadBounded(file, maxRootsFile)
	if err != nil {
		return nil, app.Usage("check the path", "%s %s: %s", flag, file, err)
	}
	certs, err := pki.ParseCertificates(data)
	if err != nil {
		return nil, app.Usage("a file with certificates is needed (PEM, DER or PKCS#7)", "%s %s: %s", flag, file, err)
	}
	return certs, nil
}

// sayFindings shows findings under a heading, or that there are none.
func (u *ui) sayFindings(list pki.Findings) {
	u.heading("Findings")
	if len(list) == 0 {
		u.item(u.outStyle.tick(), "none")
		return
	}
	u.findings(list)
}
