package evidence

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/cartouche-gis/cartouche/internal/pki"
)

// Given is a file that is to be verified.
type Given struct {
	Name string
	Data []byte
	// Err says why it could not be read, nil when it was.
	Err error
	// Dir is the directory that was given with all its files, "" for a file that
	// was given by itself: of a directory nothing may be missing.
	Dir string
}

// Report is what came of verifying one file.
type Report struct {
	File string `json:"file"`
	// Holds is true when no finding is a refusal.
	Holds      bool      `json:"holds"`
	Run        string    `json:"run"`
	Deployment string    `json:"deployment"`
	Outcome    string    `json:"outcome"`
	Number     int       `json:"number"`
	SHA256     string    `json:"sha256"`
	Signature  Signature `json:"signature"`
	// Findings are worst first.
	Findings pki.Findings `json:"findings"`

	document *Document
	dir      string
}

// Signature is what is known of a signature.
type Signature struct {
	// State is "unsigned", "signed" (nobody said whose key to expect), "known" (by
	// an allowed signer), "stranger" (by another) or "broken".
	State string `json:"state"`
	// Key is its kind and fingerprint, Signer the principals of an allowed signer.
	Key    string `json:"key,omitempty"`
	Signer string `json:"signer,omitempty"`
}

// Verify checks files: the hash and the signature of each, whether what it says
// holds together, and the chain through all of them. allowed is nil when nobody
// said whose keys to expect; program is the version of this program.
func Verify(given []Given, allowed *AllowedSigners, program string) []Report {
	reports := []Report{}
	for _, one := range given {
		reports = append(reports, verifyOne(one, allowed, program))
	}
	verifyChains(reports)
	for i := range reports {
		r := &reports[i]
		r.Findings = r.Findings.WorstFirst()
		r.Holds = !r.Findings.Refused()
	}
	return reports
}

func verifyOne(given Given, allowed *AllowedSigners, program string) Report {
	r := Report{File: given.Name, Findings: pki.Findings{}, Signature: Signature{State: "unsigned"}, dir: given.Dir}
	file, err := File{}, given.Err
	if err == nil {
		file, err = Read(given.Data)
	}
	if err != nil {
		r.refuse("unreadable", "%s", err)
		return r
	}
	d := file.Document
	r.document, r.Number, r.SHA256 = &d, d.Number, file.Hash
	r.Run, r.Deployment, r.Outcome = d.Run.ID, d.Deployment.Name, d.Outcome.Word
	if file.SHA256 != file.Hash {
		r.refuse("changed", "the file was changed: its content has the SHA-256 %.16s…, and it says %.16s…", file.Hash, file.SHA256)
	}
	r.signature(file, allowed)
	r.certificates(d)
	r.plan(d, program)
	r.outcome(d)
	r.steps(d)
	return r
}

func (r *Report) refuse(code, format string, args ...any) { r.add(pki.Refusal, code, format, args...) }
func (r *Report) note(code, format string, args ...any)   { r.add(pki.Note, code, format, args...) }

func (r *Report) add(severity pki.Severity, code, format string, args ...any) {
	r.Findings = append(r.Findings, pki.Finding{Code: code, Severity: severity, Sentence: fmt.Sprintf(format, args...)})
}

func (r *Report) signature(file File, allowed *AllowedSigners) {
	says := file.Document.SignedBy
	switch {
	case says == nil && file.Signature == "":
		if allowed == nil {
			r.note("unsigned", "unsigned: whoever can write the file could have written all of it")
		} else {
			r.refuse("unsigned", "unsigned, and signatures of allowed signers were asked for")
		}
		return
	case says == nil || file.Signature == "":
		r.Signature.State = "broken"
		r.refuse("signature-missing", "the file says who signed it and has no signature, or the other way about: somebody has changed it")
		return
	}
	key, err := checkSignature(file.Signature, file.Message)
	if err == nil {
		if expected, _, _, _, failed := ssh.ParseAuthorizedKey([]byte(*says)); failed != nil || !bytes.Equal(expected.Marshal(), key.Marshal()) {
			err = fmt.Errorf("signed by %s, which is not the key that the file names", ssh.FingerprintSHA256(key))
		}
	}
	if err != nil {
		r.Signature.State = "broken"
		r.refuse("signature-broken", "%s", err)
		return
	}
	r.Signature.State, r.Signature.Key = "signed", key.Type()+" "+ssh.FingerprintSHA256(key)
	if allowed == nil {
		r.note("signer-unknown", "signed by %s; whose key that is was not asked: --allowed-signers FILE", r.Signature.Key)
		return
	}
	who, whyNot := allowed.principal(key, file.Document.MadeAt)
	if whyNot != "" {
		r.Signature.State = "stranger"
		r.refuse("signer-not-allowed", "signed by %s: %s", r.Signature.Key, whyNot)
		return
	}
	r.Signature.State, r.Signature.Signer = "known", who
}

// verifyChains holds each file against the one before it.
func verifyChains(reports []Report) {
	chains := map[string][]*Report{}
	for i := range reports {
		r := &reports[i]
		if d := r.document; d != nil {
			key := strings.Join([]string{r.dir, strings.ToLower(d.Deployment.GatewayID), strings.ToLower(d.Deployment.ID)}, "\n")
			chains[key] = append(chains[key], r)
		}
	}
	for _, chain := range chains {
		slices.SortStableFunc(chain, func(a, b *Report) int { return cmp.Compare(a.Number, b.Number) })
		for i, r := range chain {
			if i == 0 {
				r.first()
			} else {
				r.after(chain[i-1])
			}
		}
	}
}

// first judges the file of the lowest number that was given.
func (r *Report) first() {
	previous := r.document.Previous
	switch {
	case r.Number < 1 || (r.Number == 1) != (previous == nil):
		r.refuse("chain-broken", "number %d in the chain, and it does not name the file before it as such a file does", r.Number)
	case r.Number > 1 && r.dir != "":
		r.refuse("chain-gap", "%s before this one in the chain not here, the last of run %s", are(r.Number-1), previous.Run)
	case r.Number > 1:
		r.note("chain-not-checked", "number %d in the chain; the file before it, of run %s, was not given", r.Number, previous.Run)
	}
}

func are(n int) string {
	if n == 1 {
		return "the file"
	}
	return fmt.Sprintf("the %d files", n)
}

func (r *Report) after(before *Report) {
	previous := r.document.Previous
	switch {
	case r.Number == before.Number && r.SHA256 == before.SHA256:
		r.note("copy", "the same as %s", before.File)
	case r.Number == before.Number:
		r.refuse("chain-fork", "two different files have the number %d in the chain: %s is the other", r.Number, before.File)
	case r.Number > before.Number+1:
		r.refuse("chain-gap", "missing between number %d and number %d of the chain: %d", before.Number, r.Number, r.Number-before.Number-1)
	case previous == nil || previous.SHA256 != before.SHA256 || previous.Run != before.Run:
		r.refuse("chain-broken", "the file before it in the chain, %s, is not the one that was there when this one was written: one of the two was changed", before.File)
	}
}
