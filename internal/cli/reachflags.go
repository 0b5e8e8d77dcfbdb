package cli

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// The values of --reach.
const (
	reachAuto   = "auto"
	reachNone   = "none"
	reachDirect = "direct"
	reachAgent  = "agent"
	reachDSC    = "dsc"
)

// reachFlags say how the machines inside the virtual network are reached.
type reachFlags struct {
	reach      string
	machineCAs []string
}

func (f *reachFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.reach, "reach", reachAuto, "how to get to the machines: auto, none, direct, agent or dsc (docs/reach.md) `WAY`")
	flags.StringArrayVar(&f.machineCAs, "machine-ca", nil, "authorities that machines may present before a password is sent (PEM, DER or PKCS#7), repeatable `FILE`")
	groupFlags(flags, "Machines", "reach", "machine-ca")
}

// check tells what is no way. looking leaves out what can only change.
func (f reachFlags) check(looking bool) error {
	ways := []string{reachAuto, reachNone, reachDirect, reachAgent, reachDSC}
	if !slices.Contains(ways, f.reach) {
		return usage("--reach "+strings.Join(ways, ", --reach "), "--reach %s is no way to the machines", f.reach)
	}
	if looking && f.reach == reachDSC {
		return usage("--reach agent", "--reach dsc cannot look at machines, it can only change them")
	}
	return nil
}

// words are the flags as they are typed.
func (f reachFlags) words() string {
	text := ""
	if f.reach != "" && f.reach != reachAuto {
		text = " --reach " + f.reach
	}
	for _, file := range f.machineCAs {
		text += " --machine-ca " + quote(file)
	}
	return text
}
