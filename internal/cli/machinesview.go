package cli

import (
	"cmp"
	"crypto/x509"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// machinesOf shows the machines and their trust stores, or says why it cannot.
func (u *ui) machinesOf(state rotation.State, reached app.Access) {
	u.heading("Machines")
	if reached.Way == nil {
		u.notLookedAt(state, reached)
		return
	}
	u.fields(field{"reached", words(reached.Why)})
	u.machines(state.Machines, state.At)
	u.trustStores(state)
}

// notLookedAt says what nobody has seen, and what would show it.
func (u *ui) notLookedAt(state rotation.State, reached app.Access) {
	text := "not looked at: " + cmp.Or(reached.Why, "nobody asked")
	if reached.Closed {
		u.item(u.outStyle.bullet(), text) // what would open a way has been said
		return
	}
	login := " --site-admin NAME"
	if state.Sites.SignedIn {
		login = ""
	}
	u.advice(u.out, u.outStyle, 2, "", text+"; a program that Azure runs on each would look: cartouche show "+app.CallDeployment(state.Deployment)+login+" --reach agent")
}

// machines shows what the machines serve beside what they are configured to
// serve, one row for each port. Why something is not known stands below, since
// that takes a sentence.
func (u *ui) machines(list []rotation.Machine, now time.Time) {
	var rows [][]line
	troubles := troubleList{}
	for _, m := range list {
		if len(m.Components) == 0 {
			continue // a file server has no certificate
		}
		name := machineName(m)
		if m.Report == nil || m.Report.Trouble != "" || m.Off != "" || m.Trouble != "" {
			troubles.add(name, whyUnseen(m))
		}
		if m.Report == nil {
			rows = append(rows, []line{words(name), words(strings.Join(m.Roles, "+")), words("-"), words(caution("not seen"))})
			continue
		}
		for i, seen := range m.Report.Components {
			row := []line{words(name), words(roleOf(seen)), words(portOf(seen)), u.servedBy(seen, m.Host, now), u.configuredBy(seen, now)}
			if i > 0 {
				row[0] = nil
			}
			rows = append(rows, row)
			for _, trouble := range troublesOf(seen) {
				troubles.add(name+":"+portOf(seen), trouble)
			}
		}
		for _, binding := range m.Report.Bindings {
			rows = append(rows, []line{nil, words("IIS"), words(binding.At), bindingLine(binding, now, u.outStyle)})
		}
	}
	if len(rows) == 0 {
		return
	}
	u.table([]string{"machine", "what", "port", "serves", "configured"}, rows)
	for _, trouble := range troubles.list {
		u.item(caution("!"), strings.Join(trouble.where, ", "), faint(": "), trouble.text)
	}
}

// troubleList is what is wrong, each sentence once with all places of which it
// is true.
type troubleList struct{ list []placedTrouble }

type placedTrouble struct {
	text  string
	where []string
}

func (l *troubleList) add(where, text string) {
	i := slices.IndexFunc(l.list, func(t placedTrouble) bool { return t.text == text })
	if i < 0 {
		l.list = append(l.list, placedTrouble{text: text})
		i = len(l.list) - 1
	}
	l.list[i].where = append(l.list[i].where, where)
}

// machineName is the short name that people know. Esri's Terraform modules give
// all virtual machines of a role one name, so theirs is the host's.
func machineName(m rotation.Machine) string {
	if m.Name != "" {
		return m.Name
	}
	name, _, _ := strings.Cut(m.Host, ".")
	return name
}

// whyUnseen says why a machine was not seen, or not wholly.
func whyUnseen(m rotation.Machine) string {
	switch {
	case m.Off != "":
		return m.Off
	case m.Trouble != "":
		return m.Trouble
	case m.Report != nil && m.Report.Trouble != "":
		return m.Report.Trouble
	}
	return "not looked at"
}

// products are what people call what listens at a port.
var products = map[machine.Product]string{
	machine.Portal: "Portal", machine.Server: "Server", machine.Notebook: "Notebook Server",
	machine.Mission: "Mission Server", machine.Video: "Video Server", machine.DataStore: "Data Store",
	machine.GeoEvent: "GeoEvent", machine.WorkflowManager: "Workflow Manager", machine.WebAdaptor: "Web Adaptor",
}

// roleOf names a component, and which of a portal's machines it is.
func roleOf(seen machine.Seen) string {
	name := products[seen.Product]
	if name == "" {
		name = string(seen.Product)
	}
	if seen.Role != "" {
		name += ", " + seen.Role
	}
	return name
}

func portOf(seen machine.Seen) string { return strconv.Itoa(seen.Port) }

// servedBy is what a port served, in few words: its name only when that is not
// the machine's own, its issuer only when it is not itself.
func (u *ui) servedBy(seen machine.Seen, host string, now time.Time) line {
	leaf := leafOf(seen)
	if leaf == nil {
		return words(bad("no answer"))
	}
	d := pki.Describe(leaf)
	l := words(daysLeft(d.NotAfter, now), faint(", "+issuedBy(d)+", "+brief(d.SHA256, u.outStyle)))
	if name := commonName(d); !namesHost(d, host) {
		return words(name, ", ", l)
	}
	return l
}

// namesHost tells whether a certificate is for a machine, by its whole or its
// first name.
func namesHost(d pki.Description, host string) bool {
	short, _, _ := strings.Cut(host, ".")
	name := commonName(d)
	return strings.EqualFold(name, host) || strings.EqualFold(name, short) || contains(d.Names, host)
}

// issuedBy is who issued a certificate, in few words.
func issuedBy(d pki.Description) string {
	if d.SelfSigned {
		return "self-signed"
	}
	for part := range strings.SplitSeq(d.Issuer, ",") {
		if name, ok := strings.CutPrefix(part, "CN="); ok {
			return "by " + shortIssuer(name)
		}
	}
	return "by " + shortIssuer(d.Issuer)
}

// shortIssuer keeps a long name from filling a column: what matters is whether
// machines have the same.
func shortIssuer(name string) string {
	const most = 36
	if runes := []rune(name); len(runes) > most {
		return strings.TrimSpace(string(runes[:most-3])) + "..."
	}
	return name
}

// leafOf is what a component served, nil when that is nothing.
func leafOf(seen machine.Seen) *x509.Certificate {
	if len(seen.Chain) == 0 {
		return nil
	}
	leaf, err := x509.ParseCertificate(seen.Chain[0])
	if err != nil {
		return nil
	}
	return leaf
}

// configuredBy compares the active alias of a component with what it serves.
func (u *ui) configuredBy(seen machine.Seen, now time.Time) line {
	if !seen.HasKeystore() {
		return words(faint(app.FollowedText(seen.Product)))
	}
	if seen.Alias == "" {
		if seen.Trouble != "" {
			return words(caution("not read"))
		}
		return words(faint("not asked"))
	}
	entry, leaf := entryOf(seen, seen.Alias), leafOf(seen)
	switch {
	case entry == nil:
		return words(u.outStyle.cross(), " "+seen.Alias+", which is not in the keystore")
	case entry.SHA256 == "" && entry.SHA1 == "":
		return words(seen.Alias, faint(", fingerprint not told"))
	case leaf == nil:
		return words(seen.Alias, faint(", "), daysLeft(entry.NotAfter, now))
	case sameLeaf(*entry, leaf):
		return words(u.outStyle.tick(), " "+seen.Alias)
	}
	return words(u.outStyle.cross(), " "+seen.Alias, faint(": another one, "+brief(fingerprintOf(*entry), u.outStyle)+", "), daysLeft(entry.NotAfter, now))
}

// entryOf finds an entry of a keystore by its alias, which has no case.
func entryOf(seen machine.Seen, alias string) *machine.Entry {
	i := slices.IndexFunc(seen.Entries, func(e machine.Entry) bool { return strings.EqualFold(e.Alias, alias) })
	if i < 0 {
		return nil
	}
	return &seen.Entries[i]
}

// sameLeaf compares by SHA-256 where the product tells it, else by SHA-1.
func sameLeaf(entry machine.Entry, leaf *x509.Certificate) bool {
	if entry.SHA256 != "" {
		return strings.EqualFold(entry.SHA256, pki.Fingerprint(leaf))
	}
	return strings.EqualFold(entry.SHA1, pki.Thumbprint(leaf))
}

func fingerprintOf(entry machine.Entry) string {
	if entry.SHA256 != "" {
		return entry.SHA256
	}
	return entry.SHA1
}

// bindingLine is a certificate that IIS serves.
func bindingLine(binding machine.Binding, now time.Time, p palette) line {
	name := commonName(pki.Description{Subject: binding.Subject})
	l := words(faint(brief(strings.ToLower(binding.Thumbprint), p)))
	if !binding.NotAfter.IsZero() {
		l = words(daysLeft(binding.NotAfter, now), faint(", "), l)
	}
	if name != "" {
		l = words(name, ", ", l)
	}
	return l
}

// troublesOf are the sentences about a component.
func troublesOf(seen machine.Seen) []string {
	var list []string
	for _, text := range []string{seen.WireTrouble, seen.Trouble} {
		if text != "" && !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return list
}
