package cli

import (
	"context"
	"fmt"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// fromVault asks for a vault and for a certificate in it. What a gateway cannot
// use stays in the list with the reason.
func (g *guide) fromVault(ctx context.Context) error {
	client, err := g.askVault(ctx, func(c app.VaultCount) string {
		if c.Usable+c.Unopened == 0 {
			return "it holds no certificate that a gateway can use"
		}
		return ""
	})
	if err != nil {
		return err
	}
	list, err := g.inVault(ctx, client)
	if err != nil {
		return err
	}
	options := make([]option, len(list))
	for i, v := range list {
		options[i] = option{text: g.certificateLine(v), names: []string{v.Name}, refused: v.WhyNot()}
	}
	i, err := g.choose(ctx, "certificate", options, -1)
	if err != nil {
		return err
	}
	g.options.vault.Vault, g.options.vault.Certificate = client.Name(), list[i].Name
	g.answered("Key Vault", list[i].Name+" in "+client.Name(), "", g.options.vault.words())
	return nil
}

// create asks for a vault, a name in it, and a file. The file goes there with
// the plan, not before: until the yes nothing is changed.
func (g *guide) create(ctx context.Context) error {
	client, err := g.askVault(ctx, func(app.VaultCount) string { return "" })
	if err != nil {
		return err
	}
	list, err := g.inVault(ctx, client)
	if err != nil {
		return err
	}
	for _, v := range list {
		if v.Kind == cloud.VaultKindCertificate {
			g.tell(4, g.certificateLine(v))
		}
	}
	for {
		name, err := g.reply(ctx, "name of the certificate: a new one, or an existing one for a new version", "")
		if err != nil {
			return err
		}
		if cloud.IsVaultName(name) {
			g.options.vault.Vault, g.options.vault.Certificate = client.Name(), name
			break
		}
		g.tell(0, caution("? "), "a name in Key Vault has 1 to 127 letters, digits and hyphens, as in gis-2027")
	}
	g.answered("Key Vault", g.options.vault.Certificate+" in "+client.Name(), "", g.options.vault.words())
	return g.fromFile(ctx)
}

// askVault lists the vaults that may be seen, those that cannot be read with
// the reason, and takes any other by its name.
func (g *guide) askVault(ctx context.Context, refuse func(app.VaultCount) string) (*cloud.VaultClient, error) {
	s := g.login.Session
	values, err := s.VaultValues(ctx)
	if err != nil {
		return nil, err
	}
	options := make([]option, len(values))
	for i, v := range values {
		options[i] = option{text: words(title(v.Name), faint(", "+v.ResourceGroup)), names: []string{v.Name, v.URI, v.ID}}
		if v.Unread != nil {
			options[i].refused = v.Unread.Message
			continue
		}
		c := *v.Certificates
		options[i].text = words(options[i].text, fmt.Sprintf(", %d usable of %d", c.Usable, c.Usable+c.Unusable))
		if c.Unopened > 0 {
			options[i].text = words(options[i].text, faint(fmt.Sprintf(", %d in plain secrets", c.Unopened)))
		}
		options[i].refused = refuse(c)
	}
	options = append(options, option{text: words("another vault, by its name")})
	i, err := g.choose(ctx, "vault", options, -1)
	if err != nil {
		return nil, err
	}
	if i < len(values) {
		return s.Vault(values[i].URI)
	}
	for {
		name, err := g.reply(ctx, "name or address of the vault", "")
		if err != nil {
			return nil, err
		}
		client, err := s.Vault(name)
		if err == nil {
			return client, nil
		}
		g.tell(0, caution("? "), err.Error())
	}
}

// inVault lists what is in a vault, judged for the chosen deployment.
func (g *guide) inVault(ctx context.Context, client *cloud.VaultClient) ([]app.VaultCertificateValue, error) {
	criteria, err := g.criteria()
	if err != nil {
		return nil, err
	}
	value, err := g.login.VaultCertificates(ctx, client, criteria)
	return value.Certificates, err
}

func (g *guide) certificateLine(v app.VaultCertificateValue) line {
	if v.Certificate == nil {
		return words(title(v.Name), faint(", kept as "+string(v.Kind)+" and not opened: what it holds shows in the plan"))
	}
	return words(title(v.Name), ": ", app.OrDash(covers(v)), ", ", until(v, g.env.Now()), faint(", kept as "+string(v.Kind)))
}
