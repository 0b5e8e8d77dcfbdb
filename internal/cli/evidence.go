package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

func newEvidenceCommand(a *program) *cobra.Command {
	var page string
	cmd := &cobra.Command{
		Use:     "evidence [RUN]",
		GroupID: groupLook,
		Short:   "the file that proves a run to somebody who was not there",
		Long: `At the end of each run that changes something, its evidence is written into the directory
evidence beside the journal: the plan, the handshakes before and after with all certificates,
health, federation, Azure's operation ids, and the outcome. Each file names the hash of the one
before it, and is signed when --sign-key names an SSH key. How to check one without this
program: docs/evidence.md.

Without RUN the files are listed. With RUN, an id or its beginning, what is in it is said; a run
that has no file yet, because it was cut off or an older version made it, gets one. --html writes
a page to print, with the certificates from before and after side by side.

An age key cannot sign: it only encrypts.`,
		Example: `  cartouche evidence
  cartouche evidence 20261123-0815-7f3a --html run.html
  cartouche evidence 20261123-0815-7f3a --json
  cartouche apply gis.example.com --pfx new.pfx --sign-key ~/.ssh/id_ed25519
  cartouche evidence verify run.json --allowed-signers signers`,
		Args:              atMostOneArgument,
		ValidArgsFunction: a.completeRun,
		RunE: a.run(func(ctx context.Context, args []string) error {
			switch {
			case len(args) == 1:
				return a.evidenceOf(ctx, args[0], page)
			case page != "":
				return app.Usage("cartouche history", "say of which run: cartouche evidence RUN --html FILE")
			}
			return a.evidenceList(ctx)
		}),
	}
	cmd.Flags().StringVar(&page, "html", "", "write a page to read and to print `FILE`")
	a.sign.add(cmd.Flags())
	cmd.AddCommand(newEvidenceVerifyCommand(a))
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitPreflight, app.ExitLocked)
}

func (a *program) evidenceList(ctx context.Context) error {
	list, err := a.EvidenceRows(ctx)
	if err != nil {
		return err
	}
	if a.ui.json {
		return a.ui.value(list)
	}
	if len(list) == 0 {
		a.ui.say("no runs yet")
		return nil
	}
	var rows [][]line
	for _, row := range list {
		number, signer := words(faint("no evidence yet")), words("-")
		if row.File != "" {
			number = words(fmt.Sprint(row.Number))
			signer = words(orElse(row.Signer, "unsigned"))
		}
		rows = append(rows, []line{words(title(row.Run)), words(app.Minute(row.StartedAt)), words(row.Deployment), words(outcomeSpan(row.Outcome)), number, signer})
	}
	a.ui.table([]string{"run", "began", "deployment", "outcome", "number", "signed by"}, rows)
	return nil
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func (a *program) evidenceOf(ctx context.Context, id, page string) error {
	run, err := a.WholeRun(ctx, id)
	if err != nil {
		return err
	}
	held, err := a.EvidenceKept(ctx, run, a.signingKey)
	if err != nil {
		return err
	}
	if page != "" {
		html, err := evidence.Page(held.File, held.Report)
		if err == nil {
			err = evidence.WriteFile(page, html)
		}
		if err != nil {
			return app.Usage("name a file that can be written", "--html %s: %s", page, app.PlainPathError(err))
		}
	}
	if a.ui.json {
		return a.ui.raw(held.Data)
	}
	a.ui.evidence(held.Kept, held.Report, page, a.env.Now())
	return nil
}

// evidence shows what is in a file.
func (u *ui) evidence(kept evidence.Kept, report evidence.Report, page string, now time.Time) {
	d := kept.File.Document
	u.say(title("Evidence of run "+d.Run.ID), "  ", outcomeSpan(d.Outcome.Word))
	u.say(d.Sentence())
	before, after := d.Served(d.Before), d.Served(d.After)
	if before != nil || after != nil {
		fmt.Fprintln(u.out)
		u.certificatePair(before, after, now)
	}
	u.fields(
		field{"file", words(kept.Path)},
		field{"number", words(fmt.Sprint(d.Number), faint(" of this deployment on this computer"))},
		field{"sha-256", words(kept.File.Hash)},
		field{"signature", words(app.SignedWords(d))},
		field{"plan", words(d.PlanHash)},
		field{"made", words(app.Minute(d.MadeAt))},
		field{"page", words(page)},
	)
	if worse := app.Troubling(report.Findings); len(worse) > 0 {
		u.heading("It does not hold")
		u.findings(worse)
	}
	u.advice(u.out, u.outStyle, 0, "to check it: ", "cartouche evidence verify "+app.Quote(kept.Path))
	if page == "" {
		u.advice(u.out, u.outStyle, 0, "as a page: ", "cartouche evidence "+d.Run.ID+" --html "+d.Run.ID+".html")
	}
}

// raw writes a JSON value that is one already.
func (u *ui) raw(value []byte) error {
	if u.answered.Swap(true) {
		return nil
	}
	_, err := u.out.Write(escapeJSON(value))
	return err
}

// evidenceReports shows what came of verifying files.
func (u *ui) evidenceReports(reports []evidence.Report) {
	for i, r := range reports {
		if i > 0 {
			fmt.Fprintln(u.out)
		}
		sign, says := u.outStyle.tick(), good("holds")
		if !r.Holds {
			sign, says = u.outStyle.cross(), bad("does not hold")
		}
		u.say(sign, " ", title(r.File), "  ", says)
		signature := map[string]line{
			"unsigned": words(caution("unsigned")), "broken": words(bad("broken")),
			"signed":   words("by ", r.Signature.Key, caution(", a key that nobody has vouched for")),
			"known":    words("by ", good(r.Signature.Signer), faint(" with "+r.Signature.Key)),
			"stranger": words("by ", r.Signature.Key, bad(", which is not an allowed signer")),
		}[r.Signature.State]
		if r.Run == "" {
			signature = nil
		}
		u.fields(
			field{"run", words(r.Run)}, field{"deployment", words(r.Deployment)}, field{"outcome", words(r.Outcome)},
			field{"signature", signature}, field{"sha-256", words(r.SHA256)},
		)
		var told pki.Findings // the signature is said above
		for _, finding := range r.Findings {
			if finding.Severity != pki.Note || finding.Code != "unsigned" && finding.Code != "signer-unknown" {
				told = append(told, finding)
			}
		}
		u.findings(told)
	}
}
