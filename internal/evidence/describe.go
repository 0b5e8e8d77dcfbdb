package evidence

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// Sentence says for somebody who knows nothing of certificates how the run ended.
func (d Document) Sentence() string {
	what := "the certificate that visitors of " + d.Site() + " see"
	if d.Run.About == "internal" {
		what = "the certificates of the machines behind " + d.Site()
	}
	made := "was replaced"
	if d.Run.Command == "undo" {
		made = "was put back to the one from before"
	}
	if d.Run.About == "internal" {
		made = strings.Replace(made, "was ", "were ", 1)
		made = strings.Replace(made, "the one from", "those from", 1)
	}
	proof := ""
	if d.After != nil && d.After.Rounds > 0 {
		proof = fmt.Sprintf(", as %d connections in each of %d rounds have shown", d.After.proving(), d.After.Rounds)
	}
	switch word := d.Outcome.Word; word {
	case string(rotation.Verified):
		return strings.ToUpper(what[:1]) + what[1:] + " " + made + ", and every place that could be looked at serves what it should" + proof + "."
	case string(rotation.NothingToDo):
		return "There was nothing to do: " + what + " had been replaced before, and every place that could be looked at serves what it should" + proof + "."
	case string(rotation.Cleaned):
		return "What earlier runs had left was removed, and visitors of " + d.Site() + " are served as before" + proof + "."
	case string(rotation.Unchanged):
		return "The run ended before anything was changed. Visitors of " + d.Site() + " are served as before."
	case string(rotation.Restored):
		return "The run did not reach its goal and was taken back: visitors of " + d.Site() + " are served as before" + proof + "."
	case journal.InDoubt:
		return "The run has no end: it is still going on, or it was cut off. What visitors of " + d.Site() + " get has to be looked at; this file does not say it."
	default:
		if journal.WasFound(word) {
			return "The run was cut off. Somebody looked later what had become of it and found: " + strings.TrimPrefix(word, "found: ") + "."
		}
		return "The run failed, and not everything is as it was before: what is not, or is not known, is listed below."
	}
}

// Site is the name that visitors use, as the handshakes were made with it; that
// of the deployment when there were none.
func (d Document) Site() string {
	for _, look := range []*Look{d.Before, d.After} {
		if look == nil {
			continue
		}
		for _, h := range look.Handshakes {
			if h.ServerName != "" {
				return h.ServerName
			}
		}
	}
	return d.Deployment.Name
}

// Good tells whether the outcome is one that nobody need do anything about.
func (d Document) Good() bool {
	switch rotation.Outcome(d.Outcome.Word) {
	case rotation.Verified, rotation.NothingToDo, rotation.Cleaned:
		return true
	}
	return false
}

// proving counts the handshakes that a proof rests on.
func (l Look) proving() int {
	n := 0
	for _, h := range l.Handshakes {
		if len(h.Expected) > 0 {
			n++
		}
	}
	if n == 0 {
		return len(l.Handshakes)
	}
	return n
}

// certificate is one of those that were seen, nil when it cannot be read.
func (d Document) certificate(fingerprint string) *x509.Certificate {
	block, _ := pem.Decode([]byte(d.Certificates[fingerprint]))
	if block == nil {
		return nil
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return certificate
}

// Served is the certificate that a look showed first under a name, nil for none.
func (d Document) Served(look *Look) *pki.Description {
	chain := served(look)
	if len(chain) == 0 {
		return nil
	}
	certificate := d.certificate(chain[0])
	if certificate == nil {
		return nil
	}
	described := pki.Describe(certificate)
	return &described
}

// served is the chain of the first handshake that was made with a server name.
func served(look *Look) []string {
	if look == nil {
		return nil
	}
	for _, h := range look.Handshakes {
		if h.ServerName != "" && h.leaf() != "" {
			return h.Chain
		}
	}
	return nil
}

// Signer is the kind and the fingerprint of the key that the file names, "" for
// an unsigned one.
func (d Document) Signer() string {
	if d.SignedBy == nil {
		return ""
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(*d.SignedBy))
	if err != nil {
		return "a key that cannot be read"
	}
	return (&Key{public: key}).String()
}
