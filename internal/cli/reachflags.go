package cli

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// reachFlags say how the machines inside the virtual network are reached.
type reachFlags struct {
	reach      string
	machineCAs []string
	// The .pfx files that machines were set up with have passwords, which the
	// way dsc needs.
	serverPFXPass, portalPFXPass string
}

func (f *reachFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.reach, "reach", app.ReachAuto, "how to get to the machines: auto, none, direct, agent or dsc (docs/reach.md) `WAY`")
	flags.StringArrayVar(&f.machineCAs, "machine-ca", nil, "authorities that machines may present before a password is sent (PEM, DER or PKCS#7), repeatable `FILE`")
	groupFlags(flags, "Machines", "reach", "machine-ca")
}

// addDSC adds what the way dsc needs, for commands that change.
func (f *reachFlags) addDSC(flags *pflag.FlagSet) {
	flags.StringVar(&f.serverPFXPass, "server-pfx-password-file", "", "of dsc: file with the password of the .pfx that Cloud Builder set the servers up with (CARTOUCHE_SERVER_PFX_PASSWORD) `FILE`")
	flags.StringVar(&f.portalPFXPass, "portal-pfx-password-file", "", "of dsc: the same for Portal (CARTOUCHE_PORTAL_PFX_PASSWORD) `FILE`")
	groupFlags(flags, "Machines", "server-pfx-password-file", "portal-pfx-password-file")
}

func (f reachFlags) serverPFX() secretSource {
	return secretSource{what: "password of the .pfx that Cloud Builder set the servers up with", flag: "--server-pfx-password-file", file: f.serverPFXPass, variable: "CARTOUCHE_SERVER_PFX_PASSWORD"}
}

func (f reachFlags) portalPFX() secretSource {
	return secretSource{what: "password of the .pfx that Cloud Builder set Portal up with", flag: "--portal-pfx-password-file", file: f.portalPFXPass, variable: "CARTOUCHE_PORTAL_PFX_PASSWORD"}
}

// check tells what is no way. looking leaves out what can only change.
func (f reachFlags) check(looking bool) error {
	if err := (app.Reach{Way: f.reach}).Check(false); err != nil {
		return err
	}
	if given := f.serverPFXPass + f.portalPFXPass; given != "" && f.reach != app.ReachDSC && f.reach != app.ReachAuto {
		return app.Usage("leave it out, or add --reach dsc", "--server-pfx-password-file and --portal-pfx-password-file belong to --reach dsc")
	}
	return (app.Reach{Way: f.reach}).Check(looking)
}

// reachAsked are the flags as they are asked for.
func (a *program) reachAsked(f reachFlags) (app.Reach, error) {
	asked := app.Reach{Way: f.reach, PFXPassword: func(ctx context.Context, portal bool) (secret.Secret, error) {
		if portal {
			return a.ask(ctx, f.portalPFX())
		}
		return a.ask(ctx, f.serverPFX())
	}}
	for _, file := range f.machineCAs {
		certs, err := readRoots("--machine-ca", file)
		if err != nil {
			return asked, err
		}
		asked.MachineRoots = append(asked.MachineRoots, certs...)
	}
	return asked, nil
}

// words are the flags as they are typed.
func (f reachFlags) words() string {
	text := ""
	if f.reach != "" && f.reach != app.ReachAuto {
		text = " --reach " + f.reach
	}
	for _, file := range f.machineCAs {
		text += " --machine-ca " + app.Quote(file)
	}
	return text + flagWord("server-pfx-password-file", f.serverPFXPass) + flagWord("portal-pfx-password-file", f.portalPFXPass)
}
