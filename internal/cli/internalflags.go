package cli

import (
	"strconv"

	"github.com/spf13/pflag"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/rollout"
)

// The values of --internal: where the certificates of the machines come from.
const (
	internalIssue = "issue"
	internalCA    = "ca"
	internalPFX   = "pfx"
)

// internalText is the help's part about the machines' certificates.
const internalText = `

With --internal the certificates of the machines are replaced instead, one machine at a
time, by those of
  issue        an authority that is made for it; its key is forgotten, or kept (--ca-out)
  ca           an authority of yours (--ca)
  pfx          a file for each product or site (--internal-pfx)`

// internalFlags say that the certificates of the machines are replaced, instead
// of the one that clients see, and by what.
type internalFlags struct {
	how       string
	validDays int
	anew      bool
	keepOld   bool
	undrained bool
	caOut     string
	caOutPass string
	ca, caKey string
	caPass    string
	files     []string
	filesPass string
}

func (f *internalFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.how, "internal", "", "replace the certificates of the machines: issue, ca or pfx (docs/internal.md) `HOW`")
	flags.IntVar(&f.validDays, "valid-days", 0, "of issue and ca: how long the machines' certificates are good; without: 397 `N`")
	flags.BoolVar(&f.anew, "anew", false, "of issue and ca: issue new ones also where a run that was cut off has left usable ones on the machines")
	flags.StringVar(&f.caOut, "ca-out", "", "of issue: keep the new authority with its key in this .pfx; without, the key is forgotten `FILE`")
	flags.StringVar(&f.caOutPass, "ca-out-password-file", "", "file with the password that it gets (CARTOUCHE_CA_OUT_PASSWORD) `FILE`")
	flags.StringVar(&f.ca, "ca", "", "of ca: the authority, as .pfx, or as PEM with --ca-key `FILE`")
	flags.StringVar(&f.caKey, "ca-key", "", "its private key, when that is not in --ca `FILE`")
	flags.StringVar(&f.caPass, "ca-password-file", "", "file with the password of the authority's key (CARTOUCHE_CA_PASSWORD) `FILE`")
	flags.StringArrayVar(&f.files, "internal-pfx", nil, "of pfx: a certificate for all machines of a product or a site, repeatable `portal=FILE`")
	flags.StringVar(&f.filesPass, "internal-pfx-password-file", "", "file with the password of all of them (CARTOUCHE_INTERNAL_PFX_PASSWORD) `FILE`")
	flags.BoolVar(&f.keepOld, "keep-old", false, "never replace an entry in place: machines of 12.1 restart like older ones, and the run can be taken back")
	flags.BoolVar(&f.undrained, "undrained", false, "leave machines in the gateway's pools while they restart: fewer writes, and some requests fail")
	groupFlags(flags, "Internal certificates", "internal", "valid-days", "anew", "ca-out", "ca-out-password-file", "ca", "ca-key", "ca-password-file", "internal-pfx", "internal-pfx-password-file", "keep-old", "undrained")
}

// asked tells whether this is about the machines' certificates.
func (f internalFlags) asked() bool { return f.how != "" }

// check tells what does not go together.
func (f internalFlags) check() error {
	given := map[string]bool{
		"valid-days": f.validDays != 0, "keep-old": f.keepOld, "undrained": f.undrained, "anew": f.anew,
		"ca-out": f.caOut != "", "ca-out-password-file": f.caOutPass != "", "ca": f.ca != "", "ca-key": f.caKey != "", "ca-password-file": f.caPass != "",
		"internal-pfx": len(f.files) > 0, "internal-pfx-password-file": f.filesPass != "",
	}
	return app.CheckInternal(rollout.Source(f.how), f.validDays, func(flag string) bool { return given[flag] })
}

// words are the flags as they are typed.
func (f internalFlags) words() string {
	days := ""
	if f.validDays != 0 {
		days = flagWord("valid-days", strconv.Itoa(f.validDays))
	}
	return flagWord("internal", f.how) + days + switchWord("anew", f.anew) + switchWord("keep-old", f.keepOld) + switchWord("undrained", f.undrained) + flagWord("ca-out", f.caOut) + flagWord("ca-out-password-file", f.caOutPass) +
		flagWord("ca", f.ca) + flagWord("ca-key", f.caKey) + flagWord("ca-password-file", f.caPass) +
		flagWords("internal-pfx", f.files) + flagWord("internal-pfx-password-file", f.filesPass)
}
