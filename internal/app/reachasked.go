package app

import (
	"context"
	"crypto/x509"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// The ways to the machines that can be asked for.
const (
	ReachAuto   = "auto"
	ReachNone   = "none"
	ReachDirect = "direct"
	ReachAgent  = "agent"
	ReachDSC    = "dsc"
)

// Reach says how the machines inside the virtual network are to be reached.
type Reach struct {
	// Way is auto, none, direct, agent or dsc; "" is auto.
	Way string
	// MachineRoots are authorities that machines may present before a password is sent.
	MachineRoots []*x509.Certificate
	// PFXPassword is that of the .pfx files with which Cloud Builder set the servers
	// or Portal up; only the way dsc asks for it.
	PFXPassword func(ctx context.Context, portal bool) (secret.Secret, error)
}

// Check tells what is no way. looking leaves out what can only change.
func (r Reach) Check(looking bool) error {
	ways := []string{ReachAuto, ReachNone, ReachDirect, ReachAgent, ReachDSC}
	if r.Way != "" && !slices.Contains(ways, r.Way) {
		return Usage("--reach "+strings.Join(ways, ", --reach "), "--reach %s is no way to the machines", r.Way)
	}
	if looking && r.Way == ReachDSC {
		return Usage("--reach agent", "--reach dsc cannot look at machines, it can only change them")
	}
	return nil
}
