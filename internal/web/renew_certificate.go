package web

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
)

// sources are the tabs of Cloud Builder's page.
var sources = []struct {
	source wizard.Source
	text   string
}{
	{wizard.FromFile, "From a file"},
	{wizard.FromVault, "From Key Vault"},
	{wizard.Create, "Create in Key Vault"},
}

// showCertificate is the page with From File, From Key Vault and Create.
func (s *Server) showCertificate(w http.ResponseWriter, r *http.Request, renewal *wizard.Renewal) error {
	query := r.URL.Query()
	renewal.Lock()
	d, chosen, choices := *renewal.Deployment, renewal.Chosen, renewal.Choices
	renewal.Unlock()
	from := wizard.Source(query.Get("from"))
	if from != wizard.FromFile && from != wizard.FromVault && from != wizard.Create {
		from = wizard.FromFile
		if chosen.Source == wizard.FromVault || chosen.Source == wizard.Create {
			from = chosen.Source
		}
	}
	page := certificatePage{Back: renewalPath(renewal, wizard.Deployment), Deployment: d.Name, For: strings.Join(d.Names(), ", "), From: from, Choices: choices}
	for _, t := range sources {
		page.Tabs = append(page.Tabs, tab{t.source, t.text, t.source == from})
	}
	if from != wizard.FromFile {
		page.Vault = query.Get("vault")
		if from == wizard.FromVault && page.Vault != "" {
			page.Certificate = query.Get("name")
		}
		if page.Vault == "" && chosen.Source == from && !query.Has("from") {
			page.Vault = chosen.Vault
		}
		if sent, err := s.fillVaults(w, r, renewal, &page); sent || err != nil {
			return err
		}
	}
	if from == wizard.FromFile {
		renewed, sent, err := seen(s, w, r, renewal, "renewed", "Looking whether it was renewed in Key Vault", func(ctx context.Context, session *app.Session) (*app.Renewed, error) {
			found, ok := session.RenewedInVault(ctx, d)
			if !ok {
				return nil, nil
			}
			return &found, nil
		})
		if sent || err != nil {
			return err
		}
		page.Renewed = offer(renewed)
	}
	page.Upload = from == wizard.FromFile || from == wizard.Create && page.Vault != ""
	renewal.Lock()
	defer renewal.Unlock()
	fillJudged(&page, renewal, s.options.App.Now())
	fillChoices(&page, renewal, query.Has("more"))
	page.step = s.stepOf(renewal, wizard.Certificate)
	return s.write(w, http.StatusOK, "renew-certificate", pages.Page{Title: "The new certificate", Active: "deployments", Scripts: []string{"drop.js", "forget.js"}, Data: page})
}

// offer is the renewal that waits in the vault, nil when none does.
func offer(found *app.Renewed) *renewedInVault {
	if found == nil {
		return nil
	}
	text := found.Name + " in the vault " + found.Vault + " has a newer version, good until " + pages.Day(found.Certificate.NotAfter)
	if found.Pinned {
		return &renewedInVault{wizard.Follow, text + ". The listener refers to one version; it can follow the newest from now on.", "Follow the newest version from now on"}
	}
	return &renewedInVault{wizard.Again, text + ". One write makes the gateway look there again.", "Let the gateway look again"}
}

// fillJudged fills in what was found out about the file, and what was wrong with
// what was typed.
func fillJudged(page *certificatePage, renewal *wizard.Renewal, now time.Time) {
	chosen, wrong := renewal.Chosen, renewal.Wrong
	page.FileError, page.PasswordError, page.NameError, page.VersionError, page.VaultError = wrong["pfx"], wrong["password"], wrong["name"], wrong["version"], cmp.Or(page.VaultError, wrong["vault"])
	page.Name = chosen.Name
	if chosen.Source != page.From {
		return
	}
	if chosen.Bundle == nil {
		if chosen.File.Data != nil {
			page.Kept = chosen.File.Name
		}
		return
	}
	fresh := pki.Describe(chosen.Bundle.Leaf)
	var served *pki.Description
	if renewal.Deployment != nil {
		served = servedBy(renewal.Deployment)
	}
	compared := compare(served, &fresh, now)
	page.Compare, page.About, page.Usable = &compared, abouts(chosen.Judged), chosen.Usable()
	switch {
	case !page.Usable:
		page.Judged = chosen.File.Name + " cannot be used"
	case chosen.Judged.Refused():
		page.Judged = chosen.File.Name + " can be used if the machines know its authority, or are told of it first"
	case compared.Same:
		page.Judged = chosen.File.Name + " is served already"
	default:
		page.Judged = chosen.File.Name + " can be used"
	}
}

// giveCertificate takes what was said on the page: a file, or where in a vault.
func (s *Server) giveCertificate(w http.ResponseWriter, r *http.Request, renewal *wizard.Renewal) error {
	back := renewalPath(renewal, wizard.Certificate)
	form, err := s.upload(w, r, renewal, back, "password")
	if form == nil {
		return err
	}
	from := wizard.Source(form.Value("from"))
	address := url.Values{"from": {string(from)}, "vault": {form.Value("vault")}}
	if from == wizard.FromVault && (form.Value("versions") != "" || form.Value("version") != "") {
		address.Set("name", form.Value("name"))
	}
	back += "?" + address.Encode()
	renewal.Lock()
	renewal.Wrong = wrongCertificate(from, form, renewal.Chosen)
	if from == wizard.FromVault && form.Value("version") != "" && renewal.Choices.Form == rotation.FormReference {
		renewal.Wrong["version"] = "Under “More choices” it says that the gateway follows the newest version, which excludes this. Choose “As it fits” there, or the newest version here."
	}
	if len(renewal.Wrong) == 0 && form.Value("versions") != "" {
		renewal.Unlock()
		return leadTo(w, r, back)
	}
	wrong := len(renewal.Wrong) > 0
	if wrong {
		renewal.Chosen.Name = cmp.Or(form.Value("name"), renewal.Chosen.Name)
		renewal.Unlock()
		return leadTo(w, r, back)
	}
	renewal.Reopen(wizard.Certificate)
	if before := renewal.Chosen; from != wizard.FromFile && from != wizard.Create || from != before.Source || form.Value("vault") != before.Vault || form.Value("name") != before.Name {
		renewal.Saved = nil // the same file again is no other plan
	}
	chosen := wizard.Chosen{Source: from, Vault: form.Value("vault"), Name: form.Value("name")}
	if from == wizard.FromVault {
		chosen.Version = form.Value("version")
	}
	if from != wizard.FromFile && from != wizard.Create {
		renewal.Chosen = chosen
		renewal.Unlock()
		return s.useCertificate(w, r, renewal)
	}
	var chosenNow bool
	if chosen.File, chosenNow = form.File("pfx"); !chosenNow {
		chosen.File = renewal.Chosen.File
	}
	renewal.Chosen = chosen
	file := bytes.Clone(chosen.File.Data) // the renewal's own is wiped when the pages are locked
	renewal.Unlock()
	password := form.Secret("password")
	return s.judge(w, r, renewal, back+"#judged", func() (*pki.Bundle, error) {
		defer clear(file)
		return pki.ReadPFX(file, password)
	})
}

// wrongCertificate says by field what is missing.
func wrongCertificate(from wizard.Source, form *wizard.Upload, before wizard.Chosen) map[string]string {
	wrong := map[string]string{}
	_, uploaded := form.File("pfx")
	if (from == wizard.FromFile || from == wizard.Create) && !uploaded && before.File.Data == nil {
		wrong["pfx"] = "Choose a file: a .pfx with the certificate, its key and its chain."
	}
	if from == wizard.FromVault || from == wizard.Create {
		if form.Value("vault") == "" {
			wrong["vault"] = "Choose a vault."
		}
		if !cloud.IsVaultName(form.Value("name")) {
			wrong["name"] = "A name in Key Vault has 1 to 127 letters, digits and hyphens, as in gis-2027."
		}
	}
	return wrong
}

// useCertificate answers the step with what was chosen.
func (s *Server) useCertificate(w http.ResponseWriter, r *http.Request, renewal *wizard.Renewal) error {
	renewal.Lock()
	chosen := renewal.Chosen
	if !chosen.Usable() {
		renewal.Unlock()
		return leadTo(w, r, renewalPath(renewal, wizard.Certificate))
	}
	renewal.Reopen(wizard.Certificate)
	renewal.Answers[wizard.Certificate] = chosenTitle(chosen)
	renewal.Wrong = nil
	renewal.Unlock()
	return leadTo(w, r, renewalPath(renewal, wizard.Credentials))
}

// chosenTitle is what a certificate is called in a few words.
func chosenTitle(c wizard.Chosen) string {
	switch c.Source {
	case wizard.FromFile:
		return c.File.Name
	case wizard.FromVault:
		if c.Version != "" {
			return c.Name + " in " + c.Vault + ", version " + c.Version
		}
		return c.Name + " in " + c.Vault
	case wizard.Create:
		return c.File.Name + " into " + c.Vault
	case wizard.Follow:
		return "the newest in Key Vault, always"
	}
	return "what the listeners follow in Key Vault"
}

// servedBy is the one certificate that a deployment serves, as far as the list of
// deployments tells; nil when it serves several, or nobody knows.
func servedBy(d *deployment.Deployment) *pki.Description {
	if served := d.Served(); len(served) == 1 && len(served[0].Chain) > 0 {
		described := pki.Describe(served[0].Chain[0])
		return &described
	}
	return nil
}
