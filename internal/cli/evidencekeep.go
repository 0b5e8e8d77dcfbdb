package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/spf13/pflag"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// signFlags name the key that evidence is signed with.
type signFlags struct {
	file, passphraseFile string
	key                  *evidence.Key
}

func (f *signFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.file, "sign-key", "", "sign the run's evidence with this SSH key; a .pub uses the ssh-agent (also: CARTOUCHE_SIGN_KEY) `FILE`")
	flags.StringVar(&f.passphraseFile, "sign-passphrase-file", "", "file with the passphrase of the SSH key, - for standard input (also: CARTOUCHE_SIGN_PASSPHRASE) `FILE`")
}

// signingKey opens the key to sign evidence with, nil when none is named. It is
// asked for before anything is changed, so that nobody is kept waiting at the end.
func (a *program) signingKey(ctx context.Context) (*evidence.Key, error) {
	f := &a.sign
	if f.key != nil {
		return f.key, nil
	}
	source, file := "--sign-key", f.file
	if file == "" {
		source, file = "CARTOUCHE_SIGN_KEY", a.env.Lookup("CARTOUCHE_SIGN_KEY")
	}
	if file == "" {
		return nil, nil
	}
	data, err := readBounded(file, evidence.MaxKeyFile)
	if err == nil {
		f.key, err = evidence.OpenKey(data, func() (secret.Secret, error) {
			return a.ask(ctx, secretSource{
				what: "passphrase of " + file, flag: "--sign-passphrase-file", file: f.passphraseFile, variable: "CARTOUCHE_SIGN_PASSPHRASE",
			})
		}, a.env.Lookup("SSH_AUTH_SOCK"))
	}
	if f, ok := errors.AsType[*app.Failure](err); ok {
		return nil, f
	}
	if err != nil {
		return nil, app.Usage("name an SSH key, or leave it out: then evidence is unsigned", "%s %s: %s", source, file, err)
	}
	a.atEnd(func(context.Context) { _ = f.key.Close() })
	return f.key, nil
}

// evidenceStore is where evidence is kept: beside the journal.
func (a *program) evidenceStore() (evidence.Store, error) {
	path, err := journal.DefaultPath(a.env.Lookup, runtime.GOOS)
	if err != nil {
		return evidence.Store{}, app.Usage("set CARTOUCHE_STATE_DIR to a directory of yours", "%s", err)
	}
	return evidence.Store{Dir: filepath.Join(filepath.Dir(path), "evidence")}, nil
}

// keepEvidence writes what the runs of a deployment have no evidence of. The lock
// of the deployment is held.
func (a *program) keepEvidence(ctx context.Context, memory *journal.Journal, gatewayID, deploymentID string, key *evidence.Key) ([]evidence.Kept, error) {
	store, err := a.evidenceStore()
	if err != nil {
		return nil, err
	}
	runs, err := runsOfDeployment(ctx, memory, gatewayID, deploymentID)
	if err != nil {
		return nil, err
	}
	kept, err := store.Keep(runs, func(id string) (journal.Run, error) { return memory.Run(ctx, id) }, key, a.env.Now())
	for _, one := range kept {
		// The journal knows what was written, so that a file that is taken away is missed.
		note := fmt.Appendf(nil, `{"number":%d,"sha256":%q}`, one.File.Document.Number, one.File.Hash)
		err = errors.Join(err, memory.Evidence(ctx, one.File.Document.Run.ID, evidenceWritten, note, a.env.Now()))
	}
	return kept, err
}

// evidenceWritten is the kind of the journal's note of a file.
const evidenceWritten = "evidence file"

// afterRun keeps the evidence of a run that has just ended. It is no part of the
// run: what fails here is told, and can be done later.
func (a *program) afterRun(ctx context.Context, memory *journal.Journal, state rotation.State, key *evidence.Key) {
	kept, err := a.keepEvidence(context.WithoutCancel(ctx), memory, state.Gateway.ID(), state.Deployment.ID, key)
	if err != nil {
		a.ui.warn("the evidence of the run could not be written: " + err.Error() + "; once more: cartouche evidence RUN")
	}
	if n := len(kept); n > 0 {
		last := kept[n-1]
		text := last.Path + ", " + signedWords(last.File.Document)
		a.ui.progress.Note(app.NoteEvidence, text)
	}
}

// signedWords say whose signature a file has, plainly that it has none.
func signedWords(document evidence.Document) string {
	if signer := document.Signer(); signer != "" {
		return "signed by " + signer
	}
	return "unsigned"
}
