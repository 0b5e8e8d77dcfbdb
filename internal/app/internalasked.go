package app

import (
	"context"
	"errors"
	"slices"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rollout"
)

// internalFlag is a flag of replacing the certificates of machines, with what it
// belongs to. A password comes from a file on the command line, and by itself
// elsewhere.
type internalFlag struct {
	names []string
	with  string
	fits  func(how rollout.Source, given func(flag string) bool) bool
}

func ofSources(sources ...rollout.Source) func(rollout.Source, func(string) bool) bool {
	return func(how rollout.Source, _ func(string) bool) bool { return slices.Contains(sources, how) }
}

var internalFlags = []internalFlag{
	{[]string{"valid-days", "anew"}, "--internal issue or --internal ca", ofSources(rollout.Fresh, rollout.FromAuthority)},
	{[]string{"keep-old", "undrained"}, "--internal HOW", ofSources(rollout.Fresh, rollout.FromAuthority, rollout.FromPFX)},
	{[]string{"ca-out"}, "--internal issue", ofSources(rollout.Fresh)},
	{[]string{"ca-out-password-file"}, "--ca-out FILE", func(_ rollout.Source, given func(string) bool) bool { return given("ca-out") }},
	{[]string{"ca", "ca-key", "ca-password", "ca-password-file"}, "--internal ca", ofSources(rollout.FromAuthority)},
	{[]string{"internal-pfx", "internal-pfx-password", "internal-pfx-password-file"}, "--internal pfx", ofSources(rollout.FromPFX)},
}

// CheckInternal tells what does not go together: how is where the certificates of
// machines come from, "" when they are not replaced, and given tells which flags
// of it there are.
func CheckInternal(how rollout.Source, validDays int, given func(flag string) bool) error {
	switch how {
	case "", rollout.Fresh, rollout.FromAuthority, rollout.FromPFX:
	default:
		return Usage("--internal issue, --internal ca --ca FILE, or --internal pfx --internal-pfx portal=FILE", "--internal %s is none of issue, ca and pfx", how)
	}
	for _, flag := range internalFlags {
		for _, name := range flag.names {
			if given(name) && !flag.fits(how, given) {
				return Usage("add "+flag.with+", or leave it out", "--%s belongs to %s", name, flag.with)
			}
		}
	}
	switch {
	case validDays < 0:
		return Usage("--valid-days 397", "--valid-days %d: a certificate is good for a day at least", validDays)
	case how == rollout.FromAuthority && !given("ca"):
		return Usage("--internal ca --ca FILE", "say which authority issues: --ca FILE")
	case how == rollout.FromPFX && !given("internal-pfx"):
		return Usage("--internal pfx --internal-pfx portal=FILE --internal-pfx server=FILE", "say which certificate goes where: --internal-pfx PRODUCT=FILE")
	}
	return nil
}

// forClientsOnly are flags that are about the certificate that clients see.
var forClientsOnly = []string{
	"pfx", "password", "password-file", "vault", "certificate", "version", "reference", "inline", "identity", "assume-trusted", "allow-older", "allow-weaker",
}

// CheckOnlyInternal refuses flags that are about the certificate that clients see.
func CheckOnlyInternal(given func(flag string) bool) error {
	for _, name := range forClientsOnly {
		if given(name) {
			return Usage("do one after the other: first --internal, then --pfx, each with its own command", "--%s is about the certificate that clients see, --internal about those of the machines", name)
		}
	}
	return nil
}

// MachinesWithoutLogin says that the certificates of machines are not replaced
// without the site administrator.
func MachinesWithoutLogin() error {
	return Usage("leave --without-portal out", "the certificates of machines are replaced by the site administrator, so its login is needed")
}

// InternalPFXTwice says that two files are for the same machines.
func InternalPFXTwice(where string) error {
	if where == "" {
		where = "all that have none of their own"
	}
	return Usage("name each once", "--internal-pfx: there are two files for %s", where)
}

// UnusableAuthority says what is wrong with the file of an authority.
func UnusableAuthority(file string, err error) error {
	if _, own := errors.AsType[*Failure](err); own || err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if _, ok := errors.AsType[*pki.DefectError](err); ok {
		return RefusedFile(file, err)
	}
	return &Failure{
		Code: "authority-unusable", Message: file + ": " + err.Error(), Serving: NothingChanged, Exit: ExitRefused, Err: err,
		Hint: "--ca needs the certificate of an authority and its private key: as .pfx, or as PEM with --ca-key FILE",
	}
}

// NothingToCleanAtMachines is the result when no run is needed.
func NothingToCleanAtMachines(r *Replacement, cleaning rollout.Cleaning) rollout.Result {
	return rollout.Result{Outcome: "nothing-to-do", Deployment: r.State.Deployment.Name, Machines: []rollout.Changed{}, Soaking: cleaning.Soaking}
}
