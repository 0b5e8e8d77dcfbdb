package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/rehearse"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// HoldLock takes the lock of a gateway as another run would have it.
func HoldLock(lookup func(string) string, gatewayID string) (unlock func(), err error) {
	return newProgram(Environment{Lookup: lookup}.withDefaults()).Lock(gatewayID, "test")
}

// WriteOwn writes a file that is its owner's alone.
func WriteOwn(path string, content []byte) error { return writeOwn(path, content) }

// Escape is for tests of what reaches a terminal.
func Escape(text string, ascii bool) string { return escape(text, ascii) }

// EscapeJSON is the same for JSON documents.
func EscapeJSON(document []byte) []byte { return escapeJSON(document) }

// Progress is the display of progress; done takes its last line away.
func Progress(env Environment, asJSON bool) (event func(rotation.Event), done func()) {
	u := newUI(env.withDefaults(), asJSON, false)
	return u.progress.Event, u.progress.Done
}

// ErrorCodes are the codes of the table of errors with their exit statuses.
func ErrorCodes() map[string]int {
	return app.Codes()
}

// Statuses are the exit statuses with their meanings.
func Statuses() map[int]string {
	meanings := map[int]string{}
	for _, status := range app.Statuses() {
		meanings[status.Code] = status.Meaning
	}
	return meanings
}

// ChooseSignIn tells in words how flags, environment and login say to sign in:
// way, what decided it, cloud, tenant, subscriptions.
func ChooseSignIn(ctx context.Context, lookup func(string) string, args ...string) (string, error) {
	var flags azureFlags
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	flags.add(set)
	if err := set.Parse(args); err != nil {
		return "", err
	}
	a := newProgram(Environment{Lookup: lookup}.withDefaults())
	c, err := a.chooseSignIn(ctx, flags)
	words := []string{string(c.Options.Kind), string(c.Origin), c.Options.Cloud.Name, c.Options.TenantID, strings.Join(c.Subscriptions, ",")}
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " "), err
}

// MatchSubscription gives the id, or what is wrong.
func MatchSubscription(visible []cloud.Subscription, given string) string {
	found, err := app.MatchSubscription(visible, given)
	if err != nil {
		return err.Error()
	}
	return found.ID
}

// TenantNamed gives the id, or what is wrong.
func TenantNamed(tenants []cloud.Tenant, given string) string {
	found, err := app.TenantNamed(tenants, given)
	if err != nil {
		return err.Error()
	}
	return found.ID
}

// Terminal is a terminal of that many columns, as commands write to it.
func Terminal(width int, write func(table func(headings []string, rows ...[]string), advice func(string))) string {
	var out strings.Builder
	u := newUI(Environment{Stdout: &out, Width: width, Lookup: func(string) string { return "" }}.withDefaults(), false, true)
	write(func(headings []string, rows ...[]string) {
		lines := make([][]line, len(rows))
		for i, row := range rows {
			for _, cell := range row {
				lines[i] = append(lines[i], words(cell))
			}
		}
		u.table(headings, lines)
	}, func(text string) { u.advice(u.out, u.outStyle, 4, "mend: ", text) })
	return out.String()
}

// CountVault is how `vaults` counts what was listed.
func CountVault(certificates []cloud.VaultCertificate, now time.Time) string {
	return fmt.Sprintf("%+v", app.NewVaultCount(certificates, now))
}

// Machines is what `show` says of the machines of a state.
func Machines(width int, state rotation.State) string {
	var out strings.Builder
	u := newUI(Environment{Stdout: &out, Width: width, Lookup: func(string) string { return "C.UTF-8" }}.withDefaults(), false, true)
	u.machines(state.Machines, state.At)
	u.trustStores(state)
	return out.String()
}

// InternalFlags tells what is wrong with these flags, "" when nothing is.
func InternalFlags(args ...string) string {
	var flags internalFlags
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	flags.add(set)
	err := set.Parse(args)
	if err == nil {
		err = flags.check()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// Commands are the commands that can be run, by their words; "" is the guide.
func Commands() []string {
	var words []string
	var walk func(*cobra.Command)
	walk = func(command *cobra.Command) {
		if command.Runnable() {
			words = append(words, wordsOf(command))
		}
		for _, inner := range command.Commands() {
			walk(inner)
		}
	}
	walk(newRootCommand(newProgram(Environment{}.withDefaults())))
	return words
}

// CommandOf are the words of the command that these arguments run.
func CommandOf(args []string) string {
	command, _, err := newRootCommand(newProgram(Environment{}.withDefaults())).Find(args)
	if err != nil {
		return err.Error()
	}
	return wordsOf(command)
}

func wordsOf(command *cobra.Command) string {
	return strings.TrimSpace(strings.TrimPrefix(command.CommandPath(), "cartouche"))
}

// RehearsalValues are what `rehearse` writes as JSON.
func RehearsalValues() []any {
	return []any{rehearse.Rehearsal{}, rehearse.Step{}, rehearse.Restarted{}, rehearse.Visitors{}, shapeValue{}}
}

// HistoryOf is what `history RUN` says of a run, as text or as JSON.
func HistoryOf(run journal.Run, asJSON bool, now time.Time) (string, error) {
	var out strings.Builder
	u := newUI(Environment{Stdout: &out, Lookup: func(string) string { return "C.UTF-8" }}.withDefaults(), asJSON, true)
	if asJSON {
		err := u.value(run)
		return out.String(), err
	}
	u.run(run, now)
	return out.String(), nil
}
