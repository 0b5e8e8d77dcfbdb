package rotation

import (
	"context"
	"fmt"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// stage imports the certificate into Key Vault, wherever the plan says so. It is
// convergent: what is there already is not imported again, and after a lost
// answer the vault is asked.
func (r *Runner) stage(ctx context.Context, entry *runEntry, plan Plan, bundle *pki.Bundle, result *Result) error {
	for _, in := range plan.Imports {
		title := "import the certificate into " + in.InVault.String()
		entry.started(StepStage, title, in)
		r.tell(PhaseStage, title)
		version, err := r.importOne(ctx, in, bundle)
		entry.finished(StepStage, version, err)
		// What a listener follows will reach it by itself within hours, and an
		// import whose answer was lost may have come through.
		if err == nil || cloud.Uncertain(err) {
			result.imported = append(result.imported, in.at(version.Version))
		}
		if err != nil {
			return err
		}
		r.tell(PhaseStage, "it is version "+version.Version)
	}
	return nil
}

func (r *Runner) importOne(ctx context.Context, in Import, bundle *pki.Bundle) (VaultVersion, error) {
	if err := ctx.Err(); err != nil {
		return VaultVersion{}, err
	}
	if err := r.Permitted(ctx); err != nil {
		return VaultVersion{}, err
	}
	client, err := r.vault(in.Vault)
	if err != nil {
		return VaultVersion{}, fmt.Errorf("import into %s: %w", in.InVault, err)
	}
	// Once it is sent its answer is waited for, Ctrl-C or not: a version that
	// appears after we have looked would be served one day.
	sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer cancel()
	imported, err := client.Import(sending, in.Name, bundle)
	if err != nil {
		return VaultVersion{}, err
	}
	return VaultVersion{
		Version: imported.Version, Thumbprint: imported.Thumbprint, Enabled: imported.Enabled, NotAfter: imported.NotAfter,
	}, nil
}
