package cli

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// pinnedAlias is where Cloud Builder puts the external leaf in the trust store of
// each machine; products show it in lower case.
const pinnedAlias = "AppGW-ExternalDNSCerCert"

// trustStores shows what the keystores hold of the external certificate, and
// what nobody needs in them. Machines of which the same is true share a row.
func (u *ui) trustStores(state rotation.State) {
	chain := externalChain(state)
	type group struct {
		names []string
		row   []line
	}
	var groups []group
	for _, m := range state.Machines {
		if m.Report == nil {
			continue
		}
		for _, seen := range m.Report.Components {
			if !seen.HasKeystore() || len(seen.Entries) == 0 {
				continue
			}
			row := []line{
				nil, words(products[seen.Product]), u.chainIn(seen, chain), u.pinnedIn(seen, chain, state.At),
				words(strconv.Itoa(trustedIn(seen))), words(caution(strings.Join(staleIn(seen, state.At), ", "))),
			}
			same := slices.IndexFunc(groups, func(g group) bool { return slices.EqualFunc(g.row, row, sameText) })
			if same < 0 {
				groups = append(groups, group{row: row})
				same = len(groups) - 1
			}
			groups[same].names = append(groups[same].names, machineName(m))
		}
	}
	if len(groups) == 0 {
		return
	}
	u.heading("Trust stores of the machines")
	rows := make([][]line, len(groups))
	for i, g := range groups {
		rows[i] = append([]line{words(strings.Join(g.names, ", "))}, g.row[1:]...)
	}
	u.table([]string{"machine", "what", "external chain", "pinned leaf", "trusts", "stale"}, rows)
}

func sameText(a, b line) bool { return text(a) == text(b) }

// externalChain is what clients of the deployment get, leaf first.
func externalChain(state rotation.State) []*x509.Certificate {
	for _, o := range state.Wire {
		if o.Leaf() != nil {
			return o.Chain
		}
	}
	return nil
}

// chainIn tells which of the external authorities are in a keystore. A public
// one need not be: Java has a list of its own, which no admin API shows.
func (u *ui) chainIn(seen machine.Seen, chain []*x509.Certificate) line {
	if len(chain) == 0 {
		return words(faint("not seen"))
	}
	found := 0
	for _, authority := range chain[1:] {
		if holds(seen, authority) != nil {
			found++
		}
	}
	issuer := lastOf(chain).Issuer.CommonName
	root := slices.ContainsFunc(seen.Entries, func(e machine.Entry) bool {
		return e.Trusted && issuer != "" && commonName(pki.Description{Subject: e.Subject}) == issuer
	})
	switch {
	case found == len(chain)-1 && found > 0 || root:
		return words(u.outStyle.tick(), " imported")
	case found > 0:
		return words(caution("in part"))
	}
	return words(faint("not imported"))
}

func lastOf(chain []*x509.Certificate) *x509.Certificate { return chain[len(chain)-1] }

// pinnedIn tells what is under the alias where Cloud Builder pins the leaf.
func (u *ui) pinnedIn(seen machine.Seen, chain []*x509.Certificate, now time.Time) line {
	entry := entryOf(seen, pinnedAlias)
	switch {
	case entry == nil:
		return words(faint("none"))
	case len(chain) > 0 && sameLeaf(*entry, chain[0]):
		return words(u.outStyle.tick(), " the one served")
	}
	return words(caution("another one"), faint(", "), daysLeft(entry.NotAfter, now))
}

// holds finds a certificate in a keystore, under whatever alias.
func holds(seen machine.Seen, cert *x509.Certificate) *machine.Entry {
	i := slices.IndexFunc(seen.Entries, func(e machine.Entry) bool { return sameLeaf(e, cert) })
	if i < 0 {
		return nil
	}
	return &seen.Entries[i]
}

func trustedIn(seen machine.Seen) int {
	n := 0
	for _, entry := range seen.Entries {
		if entry.Trusted {
			n++
		}
	}
	return n
}

// staleIn are the aliases of entries that have expired, or that were left by
// Esri's DSC in the middle of a replacement, and that nothing serves.
func staleIn(seen machine.Seen, now time.Time) []string {
	var stale []string
	for _, entry := range seen.Entries {
		switch {
		case strings.EqualFold(entry.Alias, seen.Alias):
		case !entry.NotAfter.IsZero() && entry.NotAfter.Before(now):
			stale = append(stale, fmt.Sprintf("%s (until %s)", entry.Alias, app.Day(entry.NotAfter)))
		case strings.HasSuffix(strings.ToLower(entry.Alias), "-temp"):
			stale = append(stale, entry.Alias+" (left over)")
		}
	}
	return stale
}
