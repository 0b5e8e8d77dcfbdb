package portrait

import (
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/topology"
)

// Of is the page of a deployment. id is how it is called in paths, at the day
// that was asked for, zero for the moment of the look.
func Of(seen Seen, id string, at time.Time) Page {
	state, d, path := seen.State, seen.State.Deployment, pathOf(id)
	p := Page{
		ID: id, Path: path, Name: d.Name, Names: d.Names(), CannotRenew: d.CannotUpdate, Judged: judgedBy(state.At, at),
		MachinesWhy: howReached(seen.MachinesWhy), LookedAt: len(state.Machines) > 0,
		Claims: seen.Claims, ClaimsUnread: seen.ClaimsUnread, InDoubt: seen.InDoubt, Removable: seen.Removable, Soaking: seen.Soaking, LastRun: seen.LastRun,
	}
	at = p.Judged.At
	v := view{seen, path, at, gather(seen)}
	obstacles := state.Obstacles
	if state.Gateway != nil { // the first layout has none, and then there is little to draw
		drawn := topology.Of(state, v.page)
		p.Wide, p.Narrow = drawn.SVG(at, topology.Wide), drawn.SVG(at, topology.Narrow)
		obstacles = append(state.OutOfPools(), obstacles...)
	}
	p.Facts = v.facts()
	p.Dark, p.GoneBy = v.dark()
	p.First = v.first(p.Dark)
	p.Obstacles = v.findings(obstacles)
	p.Blocked = slices.ContainsFunc(p.Obstacles, func(f Finding) bool { return f.Severity == pki.Refusal })
	p.Findings = v.findings(rotation.MachineFindings(state, seen.Roots, at).WorstFirst())
	for _, problem := range d.Problems {
		p.Findings = append(p.Findings, Finding{pki.Finding{Code: problem.Code, Sentence: problem.Sentence}, "info"})
	}
	p.Listeners, p.Wire, p.Backends = v.listeners(), v.wire(), v.backends()
	p.Machines, p.Vaults, p.Sites = v.machines(), v.vaults(), v.sites()
	p.Certificates = v.table()
	if len(state.Machines) > topology.Crowded {
		all := len(p.Certificates)
		p.Certificates = slices.DeleteFunc(p.Certificates, Certificate.ofOneMachine)
		p.WithMachines = all - len(p.Certificates)
	}
	return p
}

func pathOf(id string) string { return "/deployments/" + id }

func judgedBy(seen, asked time.Time) Day {
	d := Day{Seen: seen, At: seen, First: seen.UTC().Format(time.DateOnly), Last: seen.UTC().AddDate(0, 0, Horizon).Format(time.DateOnly)}
	if !asked.IsZero() {
		d.At, d.Other = asked, true
	}
	d.Text, d.Said = d.At.UTC().Format(time.DateOnly), d.At.UTC().Format("2 January 2006")
	d.In = min(max(pki.DaysUntil(d.At, seen.UTC().Truncate(24*time.Hour)), 0), Horizon)
	return d
}

// view makes parts of the page.
type view struct {
	Seen
	path string
	at   time.Time
	all  []*certificate
}

// page is where a certificate is told about, "" of one that is not known whole. Its
// address has the beginning of its SHA-256: whole ones are a fifth of a page with
// many machines.
func (v view) page(sha256 string) string {
	if find(v.all, sha256) == nil {
		return ""
	}
	return v.path + "/certificates/" + strings.ToLower(sha256[:min(shortest, len(sha256))])
}

func (v view) findings(list pki.Findings) []Finding {
	kinds := map[pki.Severity]string{pki.Refusal: "error", pki.Warning: "warning", pki.Note: "info"}
	var shown []Finding
	for _, f := range list {
		f.Mend = strings.ReplaceAll(f.Mend, " DEPLOYMENT", " "+v.State.Deployment.Name)
		f.Sentence = pages.Sentences(f.Sentence)
		shown = append(shown, Finding{f, kinds[f.Severity]})
	}
	return shown
}

// dark is what goes dark, what is alike on one day together, and how much of it
// has gone by the day.
func (v view) dark() (list []Dark, gone int) {
	for _, one := range rotation.Darkening(v.State, v.at) {
		if one.Gone {
			gone++
		}
		if n := len(list); n > 0 && one.Kind != "external" && list[n-1].Kind == one.Kind && sameDay(list[n-1].At, one.At) {
			list[n-1].More = append(list[n-1].More, one.Where)
			continue
		}
		row := Dark{Dark: one, Due: due(one.At, v.at), Certificate: v.page(one.SHA256)}
		if one.Kind == "trusted-root" { // the others say in it where it is
			row.What = one.Where + ": " + one.What
		}
		row.What = pages.Sentences(row.What)
		list = append(list, row)
	}
	return list, gone
}

func sameDay(a, b time.Time) bool {
	return a.UTC().Format(time.DateOnly) == b.UTC().Format(time.DateOnly)
}

// first is what people must know first: when clients are turned away, else what
// goes dark first.
func (v view) first(list []Dark) Due {
	for _, d := range list {
		if d.Kind == "external" {
			return d.Due
		}
	}
	if len(list) > 0 {
		return list[0].Due
	}
	return due(time.Time{}, v.at)
}

func (v view) facts() []Fact {
	d := v.State.Deployment
	var sites []string
	for _, site := range d.Sites {
		sites = append(sites, site.Role+" ("+strings.Trim(site.ServerContext+", "+site.SecondContext, ", ")+")")
	}
	var facts []Fact
	subscription := d.SubscriptionID
	if v.Subscription != "" && subscription != "" {
		subscription = v.Subscription + " (" + d.SubscriptionID + ")"
	}
	gateway := ""
	if v.State.Gateway != nil {
		gateway = v.State.Gateway.Name() + ", " + v.State.Gateway.ProvisioningState()
	}
	for _, f := range []Fact{
		{"Layout", d.Layout()}, {"ArcGIS Enterprise", d.Version}, {"Resource group", d.ResourceGroup}, {"Region", d.Location},
		{"Subscription", subscription}, {"Gateway", gateway},
		{"Managed by", d.ManagedBy}, {"Federated sites", strings.Join(sites, "; ")}, {"Id", d.ID},
	} {
		if f.Value != "" {
			facts = append(facts, f)
		}
	}
	return facts
}

// howReached is the reason of a way to the machines as a sentence: the name of the
// way before it is for a command line.
func howReached(why string) string {
	for _, kind := range []string{"agent: ", "direct: "} {
		why = strings.TrimPrefix(why, kind)
	}
	return pages.Sentences(why)
}
