package cloud

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/pki"
)

// pfxType is the content type of a secret that gateways can read.
const pfxType = "application/x-pkcs12"

// Unusable says why a gateway cannot use this version, all refusals; none when
// it can, as far as is known. Names and chain are judged by package pki.
func (v VaultCertificate) Unusable(now time.Time) pki.Findings {
	var found pki.Findings
	refuse := func(code, mend, sentence string, args ...any) {
		found = append(found, pki.Finding{Code: code, Severity: pki.Refusal, Sentence: fmt.Sprintf(sentence, args...), Mend: mend})
	}
	read := v.Leaf != nil || v.ContentType != ""
	upload := fmt.Sprintf("cartouche upload --vault %s --certificate %s --pfx FILE.pfx", ShellWord(v.vault()), ShellWord(v.Name))
	switch {
	case v.Kind == VaultKindCertificate && read && v.Leaf == nil:
		refuse("vault-certificate-pending", "Wait until its authority has issued it, or import the .pfx under another name.",
			"%s has no certificate yet: its issue is pending", v.Name)
		return found
	case v.Kind == VaultKindSecret && v.Leaf == nil && v.Unread != "":
		refuse("vault-secret-not-pfx", "Put the .pfx there: "+upload,
			"the secret %s is no .pfx that a gateway can open: %s", v.Name, v.Unread)
	}
	if !v.Enabled {
		refuse("vault-certificate-disabled", "Enable it if it is the right one: "+v.enableCommand(),
			"version %s of %s is disabled", v.Version, v.Name)
	}
	switch {
	case v.NotAfter.IsZero():
	case v.NotAfter.Before(now):
		refuse("expired", "Ask the authority for its successor.", "the certificate %s expired on %s", v.Name, v.NotAfter.UTC().Format(time.DateOnly))
	case now.Before(v.NotBefore):
		refuse("not-yet-valid", "Wait until then, and see that the clock of this computer is right.",
			"the certificate %s is not valid before %s", v.Name, v.NotBefore.UTC().Format(time.RFC3339))
	}
	if !read {
		return found
	}
	importAgain := "Import the .pfx as a new version: " + upload
	switch {
	case v.HSM:
		refuse("vault-key-in-hsm", importAgain, "the key of %s is in a hardware module (%s), which gateways cannot use", v.Name, v.KeyType)
	case v.Kind == VaultKindCertificate && !v.Exportable:
		refuse("vault-key-not-exportable", importAgain, "the key of %s is not exportable, so that its secret holds no key for a gateway", v.Name)
	}
	// A plain secret without a type is known to be a .pfx once it was opened.
	if !strings.EqualFold(v.ContentType, pfxType) && (v.Kind == VaultKindCertificate || v.Leaf == nil) {
		refuse("vault-content-type", importAgain, "the secret of %s has the content type %q, and gateways read %s only", v.Name, v.ContentType, pfxType)
	}
	return found
}

// vault is the name of the vault that it is in.
func (v VaultCertificate) vault() string {
	uri, _, _, _ := SplitSecretID(v.SecretID)
	name, _, _ := strings.Cut(strings.TrimPrefix(uri, "https://"), ".")
	return cmp.Or(name, "VAULT")
}

// enableCommand is for this very version: without one, az takes the newest.
func (v VaultCertificate) enableCommand() string {
	command := fmt.Sprintf("az keyvault %s set-attributes --vault-name %s --name %s", v.Kind, ShellWord(v.vault()), ShellWord(v.Name))
	if v.Version != "" {
		command += " --version " + ShellWord(v.Version)
	}
	return command + " --enabled true"
}

// Judge is everything that can be said of this version: what makes it unusable,
// and what package pki finds in the certificate. public is the certificate with
// the chain that pki.Complete found for it, nil for the certificate alone. It
// needs no key and no network.
func (v VaultCertificate) Judge(public *pki.Bundle, c pki.Criteria) pki.Judgement {
	unusable := v.Unusable(c.Now)
	if public == nil {
		public = &pki.Bundle{Leaf: v.Leaf}
	}
	if public.Leaf == nil {
		return pki.Judgement{Findings: unusable}
	}
	judgement := pki.JudgePublic(public, c)
	for _, finding := range judgement.Findings {
		if !unusable.Has(finding.Code) {
			unusable = append(unusable, finding)
		}
	}
	judgement.Findings = unusable.WorstFirst()
	return judgement
}
