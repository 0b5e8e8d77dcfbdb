package rotation

import (
	"fmt"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/pki"
)

// followedAnyway warns where a plan refuses what a listener follows: the gateway
// takes it all the same, at its next look. To disable that version is no way
// out, see disabledNewest.
func followedAnyway(state State, targets []target, moves []Move) pki.Findings {
	var found pki.Findings
	told := map[string]bool{}
	for _, goes := range targets {
		in, refers := ParseInVault(goes.secret)
		v, _ := state.vaulted(in)
		follows := refers && in.Version == "" && strings.EqualFold(goes.entry, goes.listener.Entry)
		if !follows || !goes.moves(moves) || !state.staged(goes) || !v.chosen.Enabled {
			continue
		}
		which := strings.ToLower(in.SecretID())
		if told[which] {
			continue // of another listener
		}
		told[which] = true
		mend := "make the right one the newest: " + applyAgain(state) + " --pfx FILE"
		if old, known := v.holding(state.now(goes.listener).Thumbprint); known {
			mend += fmt.Sprintf("; or hold what is served now: %s --vault %s --certificate %s --version %s", applyAgain(state), in.vaultName(), in.Name, old.Version)
		}
		found = append(found, pki.Finding{
			Code: "followed-anyway", Severity: pki.Warning, Mend: mend,
			Sentence: fmt.Sprintf("%s is followed, so the gateway takes its version %s by itself within four hours, though this plan refuses it", in, v.chosen.Version),
		})
	}
	return found
}
