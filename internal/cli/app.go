package cli

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/spf13/cobra"
)

// app is one run of the program.
type app struct {
	env Environment
	ui  *ui
	// flags are those that every command has.
	flags struct {
		json, verbose, noColor bool
	}
	// started means that cobra understood the arguments and a command runs; an
	// error before is one of usage.
	started bool
	// stdinTaken means that a secret was read from standard input.
	stdinTaken bool
	// changing is the name of the deployment whose gateway is being changed,
	// for who leaves in the middle.
	changing atomic.Pointer[string]
}

func newApp(env Environment) *app {
	a := &app{env: env}
	// Until the flags are parsed, so that their own errors have the right form.
	a.ui = newUI(env, slices.Contains(env.Args, "--json"), slices.Contains(env.Args, "--no-color"))
	return a
}

// execute runs the command that the arguments name.
func (a *app) execute(ctx context.Context) int {
	root := newRootCommand(a)
	root.SetArgs(a.env.Args)
	root.SetIn(a.env.Stdin)
	root.SetOut(a.env.Stdout)
	root.SetErr(a.env.Stderr)
	err := root.ExecuteContext(ctx)
	a.ui.progress.done()
	if err == nil {
		return exitDone
	}
	f := explain(err)
	if !a.started {
		f = misused(err, f)
	}
	if f.told {
		return f.exit
	}
	if a.ui.json {
		err := a.ui.value(failed[struct{}]{Error: &f, Exit: f.exit})
		if err != nil {
			return exitUnexpected
		}
		return f.exit
	}
	a.ui.showFailure(f)
	return f.exit
}

// misused is for the errors of cobra, which are about the arguments.
func misused(err error, f failure) failure {
	if f.exit == exitUsage {
		return f
	}
	return *usage("cartouche --help", "%s", err)
}

// run makes a command's RunE.
func (a *app) run(command func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.started = true
		a.ui = newUI(a.env, a.flags.json, a.flags.noColor)
		return command(cmd.Context(), args)
	}
}

// failed is a command's value together with its failure: the fields of the
// value, and after them error and exit. A success has neither.
type failed[T any] struct {
	Value T
	Error *failure
	Exit  int
}

// MarshalJSON joins the fields of the value with error and exit.
func (f failed[T]) MarshalJSON() ([]byte, error) { return joinFailure(f.Value, f.Error, f.Exit) }

// stopInOrder says that the first Ctrl-C was heard.
func (a *app) stopInOrder() {
	text := "stopping; press Ctrl-C again to leave at once"
	if a.changing.Load() != nil {
		text = "stopping in order: what was changed goes back and is proved; press Ctrl-C again to leave at once"
	}
	a.ui.progress.note(words(caution(text)), "interrupted", text)
}

// leaveAtOnce is the second Ctrl-C.
func (a *app) leaveAtOnce() int {
	f := failure{Code: "left", Message: "left at once", exit: exitInterrupted}
	if name := a.changing.Load(); name != nil {
		f.Message = "left at once, in the middle of a change: the gateway may still be changing"
		f.Serving = "the old or the new certificate"
		f.Hint = "cartouche verify " + quote(*name)
	}
	a.ui.progress.done()
	if a.ui.json {
		_ = a.ui.value(failed[struct{}]{Error: &f, Exit: f.exit})
	} else {
		a.ui.showFailure(f)
	}
	return f.exit
}

// quote makes a name fit for a command line, and leaves out what no shell
// would take in the same way.
func quote(name string) string {
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		case r == '-', r == '_', r == '.', r == '/', r == ':', r == '\\', r == '~', r == '@', r == '+':
		default:
			return fmt.Sprintf("%q", name)
		}
	}
	if name == "" {
		return `""`
	}
	return name
}
