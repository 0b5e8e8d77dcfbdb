package cli

import (
	"context"
	"runtime"

	"github.com/spf13/cobra"
)

// versionValue is the JSON of `version`.
type versionValue struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func newVersionCommand(a *program) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "say which version this is",
		Example: "  cartouche version --json",
		Args:    noArguments,
		RunE: a.run(func(context.Context, []string) error {
			value := versionValue{a.env.Version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			if a.ui.json {
				return a.ui.value(value)
			}
			a.ui.say(title("cartouche "+value.Version), faint(" "+value.Go+" "+value.Platform))
			return nil
		}),
	}
}
