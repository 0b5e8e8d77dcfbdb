package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/app"
)

func newVaultsCommand(a *program) *cobra.Command {
	var azure azureFlags
	cmd := &cobra.Command{
		Use:     "vaults",
		GroupID: groupLook,
		Short:   "list Key Vaults: who may read them, from where, how many certificates",
		Long: `Lists every Key Vault that this sign-in may see, and looks into each as far as it may:
how many certificates a gateway can use. A vault that keeps this computer out is listed
with the reason. No key is read.`,
		Example: `  cartouche vaults
  cartouche vaults --subscription 00000000-0000-0000-0000-000000000000 --json
  cartouche certificates --vault entvault`,
		Args: noArguments,
		RunE: a.run(func(ctx context.Context, _ []string) error { return a.vaults(ctx, azure) }),
	}
	azure.add(cmd.Flags())
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitPreflight, app.ExitInterrupted)
}

func (a *program) vaults(ctx context.Context, flags azureFlags) error {
	session, err := a.connect(ctx, flags)
	if err != nil {
		return err
	}
	values, err := session.VaultValues(ctx)
	if err != nil {
		return err
	}
	if a.ui.json {
		return a.ui.value(values)
	}
	a.ui.vaultTable(values)
	return nil
}

func (u *ui) vaultTable(values []app.VaultValue) {
	if len(values) == 0 {
		u.say("no vault was found in what this sign-in may read")
		return
	}
	var rows [][]line
	for _, v := range values {
		inside := words(caution("not read"))
		if c := v.Certificates; c != nil {
			inside = words(fmt.Sprintf("%d usable of %d", c.Usable, c.Usable+c.Unusable))
			if c.Unopened > 0 {
				inside = append(inside, words(faint(fmt.Sprintf(", %d in plain secrets", c.Unopened)))...)
			}
			if c.Unread > 0 {
				inside = append(inside, words(caution(fmt.Sprintf(", %d not read", c.Unread)))...)
			}
		}
		rows = append(rows, []line{words(title(v.Name)), words(v.ResourceGroup), words(v.Access), words(v.Network.Explanation), inside})
	}
	u.table([]string{"name", "group", "access by", "reached from", "certificates"}, rows)
	first := true
	for _, v := range values {
		if v.Unread == nil {
			continue
		}
		if first {
			u.heading("Not read")
			first = false
		}
		u.item(caution("!"), title(v.Name), ": ", v.Unread.Message)
		if v.Unread.Hint != "" {
			u.advice(u.out, u.outStyle, 4, "mend: ", v.Unread.Hint)
		}
	}
}
