package rollout

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// NewPlan says what to do to reach the goal from the state, which must hold the
// machines as they were seen. It is pure. What must be refused, and a
// deployment that does not allow the change, still give a plan.
func NewPlan(state rotation.State, goal Goal) (Plan, error) {
	switch {
	case state.Gateway == nil:
		return Plan{}, fmt.Errorf("plan %s: its gateway was not read", state.Deployment.Name)
	case len(state.Machines) == 0:
		return Plan{}, fmt.Errorf("plan %s: its machines were not looked at", state.Deployment.Name)
	case goal.Source == FromPFX && len(goal.Bundles) == 0:
		return Plan{}, errors.New("plan: no .pfx was given")
	case goal.Source == FromAuthority && goal.Authority == nil:
		return Plan{}, errors.New("plan: no authority was given")
	case goal.Source != FromPFX && goal.Source != FromAuthority && goal.Source != Fresh:
		return Plan{}, fmt.Errorf("plan: no source %q", goal.Source)
	}
	out := state.OutOfPools()
	state = state.Whole()
	plan := newPlan(state, goal.Source, goal.Now)
	plan.Ports, plan.Obstacles = candidates(state, goal)
	plan.Obstacles = slices.Concat(out, state.Obstacles, state.ShapeObstacles(), unready(state), ahead(state, goal), plan.Obstacles)
	var authorities []trusted
	switch goal.Source {
	case FromPFX:
		authorities = plan.give(state, goal)
	default:
		authorities = plan.issue(state, goal)
	}
	plan.Ports = inOrder(plan.Ports, state.Deployment.ServerContext, portalsFirst(state))
	roots, obstacles := gatewayRoots(state, plan.Ports, authorities, goal)
	plan.Roots, plan.Obstacles = roots, append(plan.Obstacles, obstacles...)
	plan.Trusts = trusts(state, plan, authorities)
	plan.Key = whoSeesTheKey(goal, plan)
	plan.finish(state)
	return plan, nil
}

// ahead refuses to issue what would not be valid yet: certificates begin pki.ClockSkew
// before this computer's time, and gateways and machines go by the true one.
func ahead(state rotation.State, goal Goal) pki.Findings {
	if goal.Source == FromPFX || state.Ahead <= pki.ClockSkew {
		return nil
	}
	return pki.Findings{{
		Code: "clock-ahead", Severity: pki.Refusal,
		Sentence: fmt.Sprintf("the clock of this computer is %s ahead of Azure's: the certificates that it issues would not be valid yet, and the gateway would take no machine for well that serves one", state.Ahead.Round(time.Minute)),
		Mend:     "set the clock, and run the same command again",
	}}
}

func newPlan(state rotation.State, source Source, now time.Time) Plan {
	return Plan{
		Format: planFormat, Kind: PlanKind, MadeAt: now.UTC().Truncate(time.Second),
		Cloud: state.Cloud, Deployment: state.Deployment.Name, DeploymentID: state.Deployment.ID,
		GatewayID: state.Gateway.ID(), Source: source, Way: state.Way,
	}
}

// finish adds what follows from the rest of the plan.
func (p *Plan) finish(state rotation.State) {
	p.Findings = dedupe(p.Findings.WorstFirst())
	p.Downtime = downtime(*p)
	p.Steps = steps(*p)
	p.Proofs = proofs(state)
	p.Operations = operations(*p, state)
	p.Obstacles = dedupe(append(p.Obstacles, state.AccessFindings(p.Operations)...).WorstFirst())
	p.Basis = basis(state)
	p.Hash = p.computeHash()
}

// give takes the certificates of files.
func (p *Plan) give(state rotation.State, goal Goal) []trusted {
	var used []*pki.Bundle
	var kept []Port
	for _, port := range p.Ports {
		bundle := goal.bundleOf(port)
		if bundle == nil {
			p.Obstacles = append(p.Obstacles, pki.Finding{
				Code: "port-without-file", Severity: pki.Note,
				Sentence: fmt.Sprintf("no file was given for %s, which keeps its certificate", port.called()),
			})
			continue
		}
		port.Names, port.NotAfter, port.SHA256 = pki.Names(bundle.Leaf), pki.UTC(bundle.Leaf.NotAfter), pki.Fingerprint(bundle.Leaf)
		p.Findings = append(p.Findings, judge(bundle, port, goal.Now)...)
		if o, _ := find(state, port.Machine, port.Port); o.HasKeystore() {
			p.Findings = append(p.Findings, judgeKey(bundle, port, o.Seen)...)
		}
		if !slices.ContainsFunc(used, func(b *pki.Bundle) bool { return b.Leaf.Equal(bundle.Leaf) }) {
			used = append(used, bundle)
		}
		kept = append(kept, port)
	}
	p.Ports = kept
	slices.SortFunc(used, func(a, b *pki.Bundle) int {
		return strings.Compare(pki.Fingerprint(a.Leaf), pki.Fingerprint(b.Leaf))
	})
	p.Alias = aliasOfFiles(used)
	for i := range p.Ports {
		bundle := goal.bundleOf(p.Ports[i])
		p.Obstacles = append(p.Obstacles, p.Ports[i].settle(state, p.Alias, pki.Thumbprint(bundle.Leaf))...)
	}
	authorities := trustedBy(p.Alias, used)
	var roots []*x509.Certificate
	for _, authority := range authorities {
		if authority.root {
			roots = append(roots, authority.certificate)
		}
	}
	if len(roots) == 1 {
		p.Authority = described(roots[0])
	}
	return authorities
}

// issue says what is issued when the plan is applied, or takes up what a run
// that was cut off has left on every machine.
func (p *Plan) issue(state rotation.State, goal Goal) []trusted {
	p.LeafDays = goal.leafDays()
	end := goal.Now.AddDate(0, 0, p.LeafDays).UTC().Truncate(time.Second)
	if goal.Source == Fresh {
		p.RootDays = goal.rootDays()
		p.Findings = append(p.Findings, shortRoot(p.LeafDays, p.RootDays)...)
	} else {
		p.Findings = append(p.Findings, judgeAuthority(goal.Authority, goal.Now, p.LeafDays)...)
		if last := goal.Authority.Certificate.NotAfter.UTC(); last.Before(end) {
			end = last
		}
	}
	var authorities []trusted
	if left, found := leftBehind(state, *p, goal); found {
		p.Alias, p.Resumed = left.alias, true
		authorities = left.authorities
		p.takeUp(state, goal)
	} else {
		p.Alias = aliasOfRun(*p, goal)
		authorities = authoritiesToIssueUnder(p.Alias, goal)
	}
	for i := range p.Ports {
		port := &p.Ports[i]
		if port.SHA256 == "" {
			port.Names, port.NotAfter = namesFor(state, port.Machine), end
		}
		p.Obstacles = append(p.Obstacles, port.settle(state, p.Alias, "")...)
	}
	root := authorities[len(authorities)-1]
	if root.certificate != nil {
		p.Authority = described(root.certificate)
	} else {
		p.Authority = &pki.Description{
			Subject: "CN=" + rootSubject(p.Deployment, p.Alias) + ",O=Cartouche", Names: []string{}, SelfSigned: true,
			NotBefore: goal.Now.UTC().Truncate(time.Second), NotAfter: goal.Now.AddDate(0, 0, p.RootDays).UTC().Truncate(time.Second),
			KeyAlgorithm: fmt.Sprintf("RSA %d", pki.RootKeyBits),
		}
	}
	return authorities
}

func authoritiesToIssueUnder(alias string, goal Goal) []trusted {
	if goal.Source == Fresh {
		return []trusted{{name: rootName(alias), root: true}}
	}
	var list []trusted
	for i, certificate := range slices.Concat([]*x509.Certificate{goal.Authority.Certificate}, goal.Authority.Chain) {
		one := trusted{name: chainName(alias, i), certificate: certificate, root: isSelfSigned(certificate)}
		if one.root {
			one.name = rootName(alias)
		}
		list = append(list, one)
	}
	return list
}

// rootSubject is the common name of a root that is made: which deployment it is
// of, and which run made it.
func rootSubject(deployment, alias string) string {
	name := "Cartouche " + deployment + " " + alias
	if len(name) > 64 { // ub-common-name, RFC 5280
		name = "Cartouche " + alias
	}
	return name
}

// aliasOfFiles is the same whenever the same files are given, so that a run
// that was cut off finds its entries again.
func aliasOfFiles(bundles []*pki.Bundle) string {
	if len(bundles) == 0 {
		return ""
	}
	sum := sha256.New()
	begins := bundles[0].Leaf.NotBefore
	for _, bundle := range bundles {
		sum.Write(bundle.Leaf.Raw)
		if bundle.Leaf.NotBefore.After(begins) {
			begins = bundle.Leaf.NotBefore
		}
	}
	return alias(begins, sum.Sum(nil))
}

// aliasOfRun is another one for each plan: its leafs are issued only when it is
// applied, so nothing of them can be in their alias.
func aliasOfRun(plan Plan, goal Goal) string {
	text := strings.ToLower(plan.GatewayID) + "\n" + plan.DeploymentID + "\n" + goal.Now.UTC().Format(time.RFC3339Nano)
	sum := sha256.Sum256([]byte(text))
	return alias(goal.Now, sum[:])
}

// alias is lower-case and without blanks, as keystores want it: they lower the
// case themselves, and a portal of several machines stores one alias for all.
func alias(at time.Time, sum []byte) string {
	return "tls-" + at.UTC().Format("20060102") + "-" + hex.EncodeToString(sum[:4])
}

func described(c *x509.Certificate) *pki.Description {
	description := pki.Describe(c)
	return &description
}

// gatewayRoots are the roots that backend settings lack.
func gatewayRoots(state rotation.State, ports []Port, authorities []trusted, goal Goal) (roots []Root, obstacles pki.Findings) {
	settings := map[string]cloud.BackendSetting{}
	for _, setting := range state.Gateway.Settings() {
		settings[strings.ToLower(setting.Name)] = setting
	}
	roots = []Root{}
	for _, authority := range authorities {
		if !authority.root {
			continue
		}
		entry := root(state.Gateway, authority)
		for _, port := range ports {
			if goal.Source == FromPFX && !endsIn(goal.bundleOf(port), authority.certificate) {
				continue
			}
			for _, way := range waysTo(state, port) {
				setting, known := settings[strings.ToLower(way.Setting)]
				switch {
				case !known || !strings.EqualFold(setting.Protocol, "Https") || slices.Contains(entry.Settings, setting.Name):
				case slices.ContainsFunc(setting.Roots, func(name string) bool { return strings.EqualFold(name, entry.Name) }):
				case len(setting.Roots) == 0 && authority.certificate != nil && pki.MozillaRoots().Contains(authority.certificate):
				case len(setting.Roots) == 0:
					obstacles = append(obstacles, pki.Finding{
						Code: "setting-without-roots", Severity: pki.Refusal,
						Sentence: fmt.Sprintf("backend setting %s of the gateway trusts well-known authorities; with a root of its own it would no longer, and %s would be lost until it serves the new certificate", setting.Name, port.called()),
						Mend:     "give the setting the root of what the machine serves now, or use a certificate of a well-known authority",
					})
				default:
					entry.Settings = append(entry.Settings, setting.Name)
				}
			}
		}
		if len(entry.Settings) > 0 {
			roots = append(roots, entry)
		}
	}
	return roots, dedupe(obstacles)
}

func endsIn(bundle *pki.Bundle, root *x509.Certificate) bool {
	return slices.ContainsFunc(authoritiesOf(bundle), root.Equal)
}

// root is the gateway's entry for a root: the one that has it already, if any.
func root(gateway *cloud.Gateway, authority trusted) Root {
	entry := Root{Name: authority.name, Settings: []string{}}
	if authority.certificate == nil {
		return entry
	}
	entry.SHA256, entry.Data = pki.Fingerprint(authority.certificate), authority.certificate.Raw
	for _, there := range gateway.TrustedRoots() {
		if len(there.Chain) == 1 && there.Chain[0].Equal(authority.certificate) {
			entry.Name = there.Name
		}
	}
	return entry
}

// trusts are the authorities that keystores lack. Every Portal and every server
// gets all of them: which of them verifies which is decided by addresses that
// administrators enter, and trust does no harm.
func trusts(state rotation.State, plan Plan, authorities []trusted) []Trust {
	list := []Trust{}
	for _, o := range ports(state) {
		if !o.HasKeystore() || o.Trouble != "" {
			continue
		}
		for _, authority := range authorities {
			one := Trust{Machine: o.at.Name, Port: o.Component.Port, Alias: authority.name}
			if authority.certificate != nil {
				if o.trusts(authority.certificate) {
					continue
				}
				one.SHA256, one.Data = pki.Fingerprint(authority.certificate), authority.certificate.Raw
			}
			list = append(list, one)
		}
	}
	return list
}
