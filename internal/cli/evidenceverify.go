package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

func newEvidenceVerifyCommand(a *program) *cobra.Command {
	var signers string
	cmd := &cobra.Command{
		Use:   "verify [FILE | DIR]...",
		Short: "check evidence: hash, chain, signature, and whether it holds together",
		Long: `Checks files of evidence: that each has the hash that it says, that its signature is good,
that each file of a chain names the one before it, and that what it says holds together: a run
that says "verified" must show the certificate of its plan in the handshakes afterwards.

Of a directory nothing may be missing, at the beginning or in the middle. Without arguments
your own evidence is checked, and held against the journal as well, which knows how many files
there must be.

--allowed-signers names a file as for ssh-keygen: "me@example.com ssh-ed25519 AAAA...", one key
a line. With it a file that is not signed by one of these keys does not hold. Without it a
signature is checked, and whose key it is stays open; an unsigned file is said to be unsigned.`,
		Example: `  cartouche evidence verify
  cartouche evidence verify run.json --allowed-signers signers
  cartouche evidence verify /srv/audit/gis --json`,
		RunE: a.run(func(ctx context.Context, args []string) error { return a.verifyEvidence(ctx, args, signers) }),
	}
	cmd.Flags().StringVar(&signers, "allowed-signers", "", "the keys that may have signed, as ssh-keygen reads them `FILE`")
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitPreflight, app.ExitFindings)
}

// evidenceVerified is the JSON of `evidence verify`.
type evidenceVerified struct {
	OK    bool              `json:"ok"`
	Files []evidence.Report `json:"files"`
	// Findings are about no single file.
	Findings pki.Findings `json:"findings"`
}

func (a *program) verifyEvidence(ctx context.Context, args []string, signers string) error {
	var allowed *evidence.AllowedSigners
	if signers != "" {
		data, err := app.ReadBounded(signers, evidence.MaxAllowedSigners)
		if err == nil {
			allowed, err = evidence.ParseAllowedSigners(data)
		}
		if err != nil {
			return app.Usage("a line of it: me@example.com ssh-ed25519 AAAA...", "--allowed-signers %s: %s", signers, err)
		}
	}
	own := len(args) == 0
	if own {
		store, err := a.EvidenceStore()
		if err != nil {
			return err
		}
		args = []string{store.Dir}
	}
	var given []evidence.Given
	for _, name := range args {
		more, err := evidenceIn(name)
		if own && errors.Is(err, fs.ErrNotExist) {
			break // no run has ended yet
		}
		if err != nil {
			return app.Usage("name a file or a directory", "%s: %s", name, app.PlainPathError(err))
		}
		given = append(given, more...)
	}
	value := evidenceVerified{Files: evidence.Verify(given, allowed, a.env.Version), Findings: pki.Findings{}}
	if own {
		missing, err := a.MissingEvidence(ctx, value.Files)
		if err != nil {
			return err
		}
		value.Findings = missing
	}
	if len(given) == 0 && len(value.Findings) == 0 {
		none := pki.Finding{Code: "no-evidence", Severity: pki.Note, Sentence: "there is no evidence here"}
		if !own { // whoever names a directory believes that there is some
			none.Severity = pki.Refusal
		}
		value.Findings = pki.Findings{none}
	}
	f := a.evidenceFailure(value)
	value.OK = f == nil
	if a.ui.json {
		return answer(a.ui, value, f)
	}
	a.ui.evidenceReports(value.Files)
	if len(value.Findings) > 0 {
		a.ui.findings(value.Findings)
	}
	return told(f)
}

func (a *program) evidenceFailure(value evidenceVerified) *app.Failure {
	bad := 0
	for _, r := range value.Files {
		if !r.Holds {
			bad++
		}
	}
	switch {
	case bad > 0:
		return &app.Failure{Code: "findings", Message: fmt.Sprintf("%d of %s of evidence do not hold", bad, app.Count(len(value.Files), "file")), Exit: app.ExitFindings}
	case value.Findings.Refused():
		return &app.Failure{Code: "findings", Message: "evidence is missing", Exit: app.ExitFindings}
	}
	return nil
}

// evidenceIn reads a file, or all of a directory and of those in it.
func evidenceIn(name string) ([]evidence.Given, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		data, err := evidence.ReadFile(name)
		return []evidence.Given{{Name: name, Data: data, Err: err}}, nil
	}
	var given []evidence.Given
	err = filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".json") {
			return err
		}
		data, err := evidence.ReadFile(path)
		given = append(given, evidence.Given{Name: path, Data: data, Err: err, Dir: filepath.Dir(path)})
		return nil
	})
	return given, err
}
