package cli

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/cartouche-gis/cartouche/internal/lease"
)

// leaseFlags say whether a run claims the deployment.
type leaseFlags struct{ none bool }

func (f *leaseFlags) add(flags *pflag.FlagSet) {
	flags.BoolVar(&f.none, "no-lease", false, "go on without claiming the deployment, where tags may not be written: runs on other computers are not kept away")
}

// whoWorks says it for people.
func whoWorks(claims []lease.Claim) line {
	var list []any
	for i, claim := range claims {
		if i > 0 {
			list = append(list, "; ")
		}
		if claim.Unreadable {
			list = append(list, caution("somebody"), faint(" (the tag "+claim.Tag()+" cannot be read)"))
			continue
		}
		list = append(list, caution(claim.Holder()), fmt.Sprintf(", since %s", claim.Since.Local().Format("2 January 15:04")),
			faint(fmt.Sprintf(" (its claim %s ends %s unless it is renewed)", claim.Run, claim.Until.Local().Format("15:04"))))
	}
	return words(list...)
}
