package matrix_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/agent"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rehearsal"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/vault"
	"github.com/cartouche-gis/cartouche/internal/sim/witness"
)

// setting is what is broken: a world, a source of the certificate, and a way
// to the machines.
type setting struct{ world, source, way string }

func (s setting) String() string { return s.world + ", " + s.source + ", " + s.way }

// The sources.
const (
	fromFile  = "file"       // a PFX file, as a copy on the gateway
	newCA     = "new CA"     // the same, of an authority that nobody has heard of
	lookAgain = "look again" // the listener follows a vault, which was renewed
	intoVault = "import"     // the listener follows a vault, and there is a file
	refer     = "reference"  // a certificate in a vault, referred to from now on
	copied    = "copy"       // a certificate in a vault, as a copy on the gateway
)

// settings are all that make sense: vaults where the world has one that can be
// read from outside, ways where there is something to do at machines.
var settings = []setting{
	{"single", fromFile, "none"}, {"ha", fromFile, "none"}, {"gov", fromFile, "none"}, {"sites", fromFile, "none"},
	{"multi", fromFile, "none"}, {"twin", fromFile, "none"}, {"private", fromFile, "none"},
	{"ha", lookAgain, "none"}, {"ha", intoVault, "none"}, {"ha", refer, "none"}, {"ha", copied, "none"},
	{"gov", lookAgain, "none"}, {"gov", intoVault, "none"}, {"gov", refer, "none"}, {"gov", copied, "none"},
	{"gitops", lookAgain, "none"}, {"gitops", intoVault, "none"},
	{"single", fromFile, "direct"}, {"gov", fromFile, "agent"}, {"ha", fromFile, "dsc"},
	{"single", newCA, "direct"}, {"gov", newCA, "agent"},
	{"ha", newCA, "direct"}, {"ha", newCA, "agent"}, {"ha", intoVault, "agent"},
	{"private", fromFile, "direct"},
	{"single", fromFile, "none" + claimed}, {"ha", intoVault, "none" + claimed}, {"gov", lookAgain, "none" + claimed},
	{"single", newCA, "direct" + claimed}, {"gov", fromFile, "agent" + claimed}, {"ha", fromFile, "dsc" + claimed},
}

// claimed is said of a way when runs claim the deployment, as the command does
// unless it is told not to, and others who come do so, too, from elsewhere.
const claimed = ", claimed"

func (s setting) claimed() bool { return strings.HasSuffix(s.way, claimed) }

// by is the way to the machines alone.
func (s setting) by() string { return strings.TrimSuffix(s.way, claimed) }

// heavy settings take seconds of work for each case: seven machines restart. They
// are for -full, -soak and -case.
func (s setting) heavy() bool { return s.world == "ha" && s.by() != "none" }

func (s setting) options() sim.Options {
	o := sim.Options{World: s.world}
	if s.by() == "agent" {
		o.Scripts, o.Known = true, rehearsal.Known()
	}
	if s.by() == "dsc" {
		o.Version = "12.0" // before, its configurations take certificates from a file share
	}
	return o
}

// touch is what the setting's rotation may touch beside the usual.
func (s setting) touch() []string {
	switch {
	case s.by() == "dsc":
		return witness.DSC
	case s.source == newCA: // machines restart one by one, out of their pools
		return []string{"microsoft.network/applicationgateways properties/backendAddressPools/*/properties/backendAddresses/**"}
	}
	return nil
}

// job is what is to be done in a scene: old is served before, renewed after.
type job struct {
	setting      setting
	goal         func(*process) rotation.Goal
	old, renewed string
}

// prepare makes the scene as the setting wants it.
func (s setting) prepare(sc *scene) job {
	sc.t.Helper()
	j := job{setting: s}
	fromBundle := func(issued *authority.Issued, root bool) func(*process) rotation.Goal {
		j.renewed = pki.Fingerprint(issued.Leaf)
		return func(p *process) rotation.Goal {
			bundle := &pki.Bundle{Leaf: issued.Leaf, Key: issued.Key, Intermediates: issued.Chain}
			if root {
				bundle.Intermediates, bundle.Root = issued.Chain[:1], issued.Chain[1]
			}
			return rotation.Goal{Bundle: bundle, File: "new.pfx"}
		}
	}
	switch s.source {
	case fromFile:
		issued, _, _ := sc.world.NewCertificate()
		j.renewed = pki.Fingerprint(issued.Leaf)
		j.goal = sc.fileGoal
	case newCA:
		j.goal = fromBundle(worldtest.NeverSeen(sc.t, sc.world, sc.found.Names()), true)
	case lookAgain:
		sc.follow()
		issued := sc.renew()
		j.renewed = pki.Fingerprint(issued.Leaf)
		j.goal = func(*process) rotation.Goal { return rotation.Goal{} }
	case intoVault:
		sc.follow()
		j.goal = fromBundle(sc.issue(), false)
	case refer, copied:
		issued := sc.renew()
		j.renewed = pki.Fingerprint(issued.Leaf)
		j.goal = func(*process) rotation.Goal {
			g := rotation.Goal{Vault: rotation.InVault{Vault: sc.vaultURI(), Name: sc.followed()}, Form: rotation.FormInline}
			if s.source == refer {
				g.Identity, g.Form = sc.world.Identities()[0].ID, rotation.FormReference
			}
			return g
		}
	}
	j.old = sc.served()
	return j
}

// rotate is one run of the job by a process, as the command does it.
func (j job) rotate(ctx context.Context, p *process) (rotation.Result, error) {
	goal := j.goal(p)
	goal.Roots, goal.Now = pki.MozillaRoots().With(p.network.NamedRoots()...), p.now()
	if root := p.scene.world.PrivateRoot(); root != nil {
		goal.Roots = goal.Roots.With(root) // the company's, on the computers of its people
	}
	runner := j.runner(ctx, p)
	if runner.Way != nil {
		defer func() { p.closing = runner.Way.Close(context.WithoutCancel(ctx)) }()
	}
	if j.setting.claimed() && p.holder.State == "" {
		p.holder = here
	}
	return p.rotate(ctx, runner, goal)
}

// runner is the process's, with the setting's way to the machines.
func (j job) runner(ctx context.Context, p *process) *rotation.Runner {
	runner := p.runner()
	runner.Report = p.report
	login := reach.Login{User: p.visitor.Variables["CARTOUCHE_SERVICE_ACCOUNT"], Password: secret.New(p.visitor.Variables["CARTOUCHE_SERVICE_ACCOUNT_PASSWORD"])}
	storage := func() cloud.StorageAccount {
		account, err := reach.StorageOf(ctx, p.visitor.Azure, p.scene.found)
		if err != nil {
			return cloud.StorageAccount{}
		}
		return account
	}
	switch j.setting.by() {
	case "direct":
		runner.Way = reach.NewDirect(p.inner, nil)
	case "agent":
		runner.Way = reach.NewAgent(reach.AgentOptions{Azure: p.visitor.Azure, Storage: storage(), RunAs: login, Build: program})
	case "dsc":
		password := secret.New(p.scene.world.InternalPassword())
		runner.Way = reach.NewDSC(reach.DSCOptions{Azure: p.visitor.Azure, Deployment: p.scene.found, Storage: storage(), ServerPassword: password, PortalPassword: password, Service: login})
	}
	return runner
}

// program stands for the agent's: Windows machines of a world run its code in
// this process, after they have fetched it and checked its hash.
func program(context.Context, string, string) (agent.Program, error) {
	content := []byte("the agent")
	sum := sha256.Sum256(content)
	return agent.Program{Name: "cartouche-agent-windows-amd64.exe", Content: content, SHA256: hex.EncodeToString(sum[:])}, nil
}

// issue makes a certificate for the deployment.
func (s *scene) issue() *authority.Issued {
	s.t.Helper()
	issued, err := s.world.Authority().Issue(authority.Spec{Names: s.found.Names(), Key: "p256", NotAfter: time.Now().AddDate(0, 0, 198)})
	if err != nil {
		s.t.Fatal(err)
	}
	issued.Chain = issued.Chain[:1]
	return issued
}

// vaultURI is the vault that the deployment's gateway may read.
func (s *scene) vaultURI() string { return strings.TrimSuffix(s.world.Vaults()[0].URI, "/") }

// followed is the name of the certificate in it.
func (s *scene) followed() string {
	gateway := s.gateway()
	entry, _ := gateway.Certificate(gateway.HTTPSListeners()[0].CertificateName)
	if in, ok := rotation.ParseInVault(entry.KeyVaultSecretID); ok {
		return in.Name
	}
	return "live"
}

// renew makes a certificate the newest version in the vault.
func (s *scene) renew() *authority.Issued {
	s.t.Helper()
	issued := s.issue()
	if _, err := s.world.Vault().Put(s.world.Vaults()[0].Name, s.followed(), vault.Seed{Pair: issued.TLS()}); err != nil {
		s.t.Fatal(err)
	}
	return issued
}

// follow makes the deployment's listeners follow the vault, as a person would
// do with az. Those of GitOps do already.
func (s *scene) follow() {
	s.t.Helper()
	gateway := s.gateway()
	if entry, _ := gateway.Certificate(gateway.HTTPSListeners()[0].CertificateName); entry.KeyVaultSecretID != "" {
		return
	}
	s.renew()
	document, err := gateway.WithReference("followed", s.vaultURI()+"/secrets/"+s.followed(), []string{gateway.HTTPSListeners()[0].Name})
	if err != nil {
		s.t.Fatal(err)
	}
	document["identity"] = map[string]any{"type": "UserAssigned", "userAssignedIdentities": map[string]any{s.world.Identities()[0].ID: map[string]any{}}}
	s.put(document)
	s.settled()
}
