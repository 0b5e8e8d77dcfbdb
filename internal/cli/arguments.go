package cli

import (
	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
)

// noArguments is for commands that take none.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return app.Usage(cmd.CommandPath()+" --help", "%s takes no argument, but got %q", cmd.CommandPath(), args[0])
	}
	return nil
}

// oneArgument is for commands that take exactly one; what says which, and hint
// is the command that lists the possible ones.
func oneArgument(what, hint string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return app.Usage(hint, "say %s: %s", what, cmd.UseLine())
		case len(args) > 1:
			return app.Usage(cmd.CommandPath()+" --help", "%s takes one argument, but got %d (a name with spaces needs quotes)", cmd.CommandPath(), len(args))
		}
		return nil
	}
}

// first is the argument of a command that can do without, "" when it does.
func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// atMostOneArgument is for commands that can do without.
func atMostOneArgument(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return app.Usage(cmd.CommandPath()+" --help", "%s takes one argument at most, but got %d", cmd.CommandPath(), len(args))
	}
	return nil
}
