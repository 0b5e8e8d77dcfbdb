package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"sync/atomic"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cartouche-gis/cartouche/internal/app"
)

// program is one run of the program.
type program struct {
	*app.App
	env Environment
	ui  *ui
	// flags are those that every command has.
	flags struct {
		json, noColor, accessible bool
	}
	// started means that cobra understood the arguments and a command runs; an
	// error before is one of usage.
	started bool
	// stdinTaken means that a secret was read from standard input.
	stdinTaken bool
	// answers reads what is typed; use lines.
	answers *bufio.Reader
	// sign says with which key evidence is signed.
	sign signFlags
	// changing is what is typed for the deployment whose gateway is being changed,
	// for who leaves in the middle.
	changing atomic.Pointer[string]
	// atMachines tells that a program was put at machines and is yet to be removed.
	atMachines atomic.Bool
	// ends are what is done when the command has ended; use atEnd.
	ends []func(context.Context)
}

func newProgram(env Environment) *program {
	asJSON, noColor, accessible := formOf(env.Args)
	u := newUI(env, asJSON, noColor)
	a := &program{env: env, ui: u, App: &app.App{
		Lookup: env.Lookup, Now: env.Now, Keychain: env.Keychain, Version: env.Version, Tell: u.progress,
		Patience: env.Patience, MachinePatience: env.MachinePatience, PollInterval: env.PollInterval, Keys: env.Keys,
	}}
	a.AtMachines = a.atMachines.Store
	a.Changing = func(name string) {
		if name == "" {
			a.changing.Store(nil)
			return
		}
		a.changing.Store(&name)
	}
	if accessible {
		a.ui.progress.beAccessible()
	}
	return a
}

// formOf finds out how to speak before the arguments are parsed, so that errors
// of parsing have the right form, too.
func formOf(args []string) (asJSON, noColor, accessible bool) {
	flags := pflag.NewFlagSet("form", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.SetOutput(io.Discard)
	flags.BoolVar(&asJSON, "json", false, "")
	flags.BoolVar(&noColor, "no-color", false, "")
	flags.BoolVar(&accessible, "accessible", false, "")
	_ = flags.Parse(args) // whatever is wrong will be said by the real parser
	return asJSON, noColor, accessible
}

// execute runs the command that the arguments name.
func (a *program) execute(ctx context.Context) (status int) {
	defer func() {
		// Go's own exit status after a panic is 2, which here means usage.
		if trouble := recover(); trouble != nil {
			a.ui.progress.close()
			fmt.Fprintf(a.env.Stderr, "%s", debug.Stack())
			status = a.broken(trouble)
		}
	}()
	root := newRootCommand(a)
	root.SetArgs(a.env.Args)
	root.SetIn(a.env.Stdin)
	root.SetOut(a.env.Stdout)
	root.SetErr(a.env.Stderr)
	defer a.tidy(ctx) // after a panic, too
	err := root.ExecuteContext(ctx)
	a.tidy(ctx)
	a.ui.progress.Done()
	if err == nil {
		return app.ExitDone
	}
	f := app.Explain(err)
	if !a.started {
		f = misused(err, f)
	}
	if _, said := errors.AsType[*toldError](err); !said {
		a.fail(f)
	}
	return f.Exit
}

// misused is for the errors of cobra, which are about the arguments.
func misused(err error, f app.Failure) app.Failure {
	if f.Exit == app.ExitUsage {
		return f
	}
	return *app.Usage("cartouche --help", "%s", err)
}

// run makes a command's RunE.
func (a *program) run(command func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.started = true
		return command(cmd.Context(), args)
	}
}

// broken is for a panic, which is a mistake in the program. What it panicked
// with is shown only when Go's runtime made it (an index out of range, a nil
// pointer): anything else may quote what it was working on, and nobody knows what
// that is. The stack before it has places and addresses, no content.
func (a *program) broken(trouble any) int {
	what := fmt.Sprintf("a value of type %T, which is not shown, since it may hold a secret", trouble)
	if known, ok := trouble.(runtime.Error); ok {
		what = known.Error()
	}
	f := app.Failure{Code: "panic", Message: "a mistake in the program: " + what, Hint: "please report it, with the lines above; cartouche history tells of the last runs", Exit: app.ExitUnexpected}
	if name := a.changing.Load(); name != nil {
		f.Serving, f.Hint = "the old or the new certificate", "cartouche verify "+*name
	}
	a.fail(f)
	return f.Exit
}

// fail says a failure in the form that was asked for.
func (a *program) fail(f app.Failure) {
	if a.ui.json {
		_ = a.ui.value(app.Failed[struct{}]{Error: &f, Exit: f.Exit})
		return
	}
	a.ui.showFailure(f)
}

// stopInOrder says that the first Ctrl-C was heard.
func (a *program) stopInOrder() {
	text := "stopping; press Ctrl-C again to leave at once"
	if a.changing.Load() != nil {
		text = "stopping in order: what was changed goes back and is proved; press Ctrl-C again to leave at once"
	}
	a.ui.progress.note(words(caution(text)), "interrupted", text)
}

// leaveAtOnce is the second Ctrl-C.
func (a *program) leaveAtOnce() int {
	f := app.Failure{Code: "left", Message: "left at once", Exit: app.ExitInterrupted}
	if name := a.changing.Load(); name != nil {
		f.Message = "left at once, in the middle of a change: the gateway may still be changing"
		f.Serving = "the old or the new certificate"
		f.Hint = "cartouche verify " + *name
	}
	if a.atMachines.Load() {
		f.Message += "; the program at the machines may still be there: the next run that reaches them removes it"
	}
	a.ui.progress.close()
	a.fail(f)
	return f.Exit
}
