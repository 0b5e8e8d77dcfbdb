package cli

import (
	"context"
	"errors"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// source is where the new certificate comes from.
type source struct {
	text, name string
	ask        func(*guide, context.Context) error
}

// askCertificate is the page with From File, From Key Vault and Create.
func (g *guide) askCertificate(ctx context.Context, again bool) error {
	if !again && (g.options.pfx.file != "" || g.options.vault.Vault != "") {
		return g.givenCertificate(ctx)
	}
	given := g.options.vault
	for {
		g.step("Certificate")
		sources := []source{
			{"from a file (.pfx)", "file", (*guide).fromFile},
			{"from Key Vault", "vault", (*guide).fromVault},
			{"create in Key Vault: put a file there, as a new certificate or a new version", "create", (*guide).create},
		}
		sources = append(g.renewedInVault(ctx), sources...)
		options := make([]option, len(sources))
		for i, s := range sources {
			options[i] = option{text: words(s.text), names: []string{s.name}}
		}
		i, err := g.choose(ctx, "certificate", options, 0)
		if err != nil {
			return err
		}
		g.options.pfx.file, g.bundle = "", nil
		g.options.vault.Vault, g.options.vault.Certificate, g.options.vault.Version = "", "", ""
		g.options.vault.Reference = given.Reference
		if err = sources[i].ask(g, ctx); !errors.Is(err, errBack) {
			return err
		}
	}
}

func (g *guide) givenCertificate(ctx context.Context) error {
	if g.options.pfx.file != "" {
		bundle, err := g.readGood(ctx, g.options.pfx)
		if err != nil {
			return err
		}
		g.bundle = bundle
		g.answered("file", g.options.pfx.file, "given", flagWord("pfx", g.options.pfx.file))
	}
	if g.options.vault.Vault != "" {
		g.answered("Key Vault", g.options.vault.Certificate+" in "+g.options.vault.Vault, "given", g.options.vault.words())
	}
	return nil
}

// readGood reads a file and judges it at once, by what is known of the deployment.
func (g *guide) readGood(ctx context.Context, file pfxFlags) (*pki.Bundle, error) {
	bundle, err := g.readPFX(ctx, file)
	if _, missing := g.given(file.password()); app.IsWrongPassword(err) && missing == nil {
		g.tell(0, caution("? "), "the password that was given beforehand (--password-file or CARTOUCHE_PFX_PASSWORD) does not open "+file.file)
		bundle, err = g.readTyped(ctx, file)
	}
	if err != nil {
		return nil, err
	}
	criteria, err := g.criteria()
	if err != nil {
		return nil, err
	}
	_, err = g.login.JudgeFile(ctx, bundle, criteria)
	return bundle, err
}

// readTyped reads a file with a password that is typed, whatever was given.
func (g *guide) readTyped(ctx context.Context, file pfxFlags) (*pki.Bundle, error) {
	password, err := g.password(ctx, file.password().what)
	if err != nil {
		return nil, err
	}
	data, err := app.ReadBounded(file.file, maxPFX)
	if err != nil {
		return nil, err
	}
	bundle, err := pki.ReadPFX(data, password)
	return bundle, app.RefusedFile(file.file, err)
}

// criteria are what a certificate for the chosen deployment is judged by.
func (g *guide) criteria() (pki.Criteria, error) {
	roots, err := g.rootsWith(g.login.Network, g.options.rootFiles)
	if err != nil {
		return pki.Criteria{}, err
	}
	return g.login.CriteriaOf(g.chosen, app.Renewal{AssumeTrusted: g.options.assumeTrusted, AllowOlder: g.options.allowOlder, AllowWeaker: g.options.allowWeaker}, roots), nil
}

// renewedInVault offers what a listener refers to and was renewed in its vault.
func (g *guide) renewedInVault(ctx context.Context) []source {
	renewed, found := g.login.RenewedInVault(ctx, g.chosen)
	text := renewed.Name + " in vault " + renewed.Vault + ", renewed there: " + app.SummaryText(renewed.Certificate)
	switch {
	case !found:
		return nil
	case renewed.Pinned:
		return []source{{"follow its newest version from now on: " + text, "follow", (*guide).follow}}
	}
	return []source{{"look again at " + text, "again", (*guide).lookAgain}}
}

// lookAgain needs no flag: it is what `apply` does with none.
func (g *guide) lookAgain(context.Context) error {
	g.answered("certificate", "what the listener follows in Key Vault", "", "")
	return nil
}

// follow frees listeners that refer to one version.
func (g *guide) follow(context.Context) error {
	g.options.vault.Reference = true
	g.answered("certificate", "the newest version in Key Vault, always", "", switchWord("reference", true))
	return nil
}
