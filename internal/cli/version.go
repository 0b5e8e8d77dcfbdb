package cli

import (
	"context"

	"github.com/spf13/cobra"
)

func newVersionCommand(a *program) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "say which version this is",
		Example: "  cartouche version --json",
		Args:    noArguments,
		RunE: a.run(func(context.Context, []string) error {
			value := a.VersionValue()
			if a.ui.json {
				return a.ui.value(value)
			}
			a.ui.say(title("cartouche "+value.Version), faint(" "+value.Go+" "+value.Platform))
			return nil
		}),
	}
}
