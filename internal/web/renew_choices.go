package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
)

// forms and reaches are the radio buttons among the advanced choices.
var (
	forms = []option{
		{Value: string(rotation.FormFitting), Text: "As it fits", Hint: "It refers to Key Vault where the certificate is there and the gateway may read it."},
		{Value: string(rotation.FormReference), Text: "It refers to Key Vault", Hint: "And follows the newest version; or nothing is changed."},
		{Value: string(rotation.FormInline), Text: "It holds the certificate itself", Hint: "With its key, also where it could refer to Key Vault."},
	}
	reaches = []option{
		{Value: "", Text: "Only when it is needed", Hint: "Mostly nothing on them depends on the certificate."},
		{Value: app.ReachNone, Text: "Not at all"},
		{Value: string(reach.Direct), Text: "Directly", Hint: "This computer can dial their administration ports."},
		{Value: string(reach.Agent), Text: "By Azure’s Run Command", Hint: "A small program runs once on each machine and is removed."},
		{Value: string(reach.DSC), Text: "By the machines’ own DSC, as Cloud Builder does", Hint: "It restarts every machine and cannot look at any, and takes more passwords, which are asked for with the logins. For sites whose policy allows nothing else."},
	}
)

// fillChoices fills in the advanced choices as they stand.
func fillChoices(page *certificatePage, renewal *wizard.Renewal, open bool) {
	c := renewal.Choices
	page.Forms, page.Reaches = chosenAmong(forms, string(c.Form)), chosenAmong(reaches, c.Reach)
	page.RootsError, page.IdentityError = renewal.Wrong["roots"], renewal.Wrong["identity"]
	page.ChoicesOpen = open || page.RootsError != "" || page.IdentityError != ""
	if n := choicesMade(c); n > 0 {
		page.ChoicesSaid = app.Count(n, "choice") + " made"
	}
}

func choicesMade(c wizard.Choices) (n int) {
	for _, made := range []bool{len(c.Roots) > 0, c.AssumeTrusted, c.AllowOlder, c.AllowWeaker, c.Form != rotation.FormFitting, c.Identity != "", c.Reach != "", c.NoClaim} {
		if made {
			n++
		}
	}
	return n
}

// chosenAmong marks the chosen one of several options.
func chosenAmong(list []option, value string) []option {
	marked := make([]option, len(list))
	for i, o := range list {
		o.Chosen = o.Value == value
		marked[i] = o
	}
	return marked
}

// among is the value if it is one of the options, else that of the first.
func among(list []option, value string) string {
	for _, o := range list {
		if o.Value == value {
			return value
		}
	}
	return list[0].Value
}

// isIdentity tells whether an id is one of a user-assigned identity.
func isIdentity(id string) bool {
	parsed, err := cloud.ParseResourceID(id)
	return err == nil && strings.EqualFold(parsed.Type, "Microsoft.ManagedIdentity/userAssignedIdentities")
}

// takeRoots takes a file with more authorities, or forgets those that were given.
func takeRoots(form *wizard.Upload, c *wizard.Choices, wrong map[string]string) {
	if form.Value("no-roots") != "" {
		c.Roots, c.RootFiles = nil, nil
	}
	file, given := form.File("roots")
	if !given {
		return
	}
	certs, err := pki.ParseCertificates(file.Data)
	if err != nil {
		wrong["roots"] = file.Name + " holds no certificates (PEM, DER or PKCS#7 is needed): " + err.Error()
		return
	}
	c.Roots, c.RootFiles = append(c.Roots, certs...), append(c.RootFiles, file.Name)
}

// setChoices takes the advanced choices, and judges the file anew by them.
func (s *Server) setChoices(w http.ResponseWriter, r *http.Request, renewal *wizard.Renewal) error {
	back := renewalPath(renewal, wizard.Certificate)
	form, err := s.upload(w, r, renewal, back)
	if form == nil {
		return err
	}
	back += "?" + url.Values{"from": {form.Value("from")}}.Encode()
	renewal.Lock()
	wrong := map[string]string{}
	c := wizard.Choices{
		Roots: renewal.Choices.Roots, RootFiles: renewal.Choices.RootFiles,
		AllowOlder: form.Value("allow-older") != "", AllowWeaker: form.Value("allow-weaker") != "",
		AssumeTrusted: form.Value("assume-trusted") != "", NoClaim: form.Value("no-claim") != "",
		Form: rotation.Form(among(forms, form.Value("form"))), Reach: among(reaches, form.Value("reach")),
		Identity: form.Value("identity"),
	}
	takeRoots(form, &c, wrong)
	if c.Identity != "" && !isIdentity(c.Identity) {
		wrong["identity"] = "That is not the resource id of a user-assigned identity: it has /providers/Microsoft.ManagedIdentity/userAssignedIdentities/ in it."
	}
	renewal.Choices, renewal.Wrong, renewal.Saved = c, wrong, nil
	renewal.Reopen(wizard.Certificate)
	renewal.Seen = nil // they were judged by other choices
	bundle := renewal.Chosen.Bundle
	if len(wrong) == 0 {
		renewal.Notice = "Your choices are used from now on."
	} else {
		back += "&more=1"
	}
	renewal.Unlock()
	if bundle == nil {
		return leadTo(w, r, back)
	}
	return s.judge(w, r, renewal, strings.TrimSuffix(back, "#judged"), func() (*pki.Bundle, error) { return bundle, nil })
}
