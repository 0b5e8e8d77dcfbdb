package evidence

import (
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/pki"
)

type pairRow struct {
	Name, Before, After string
	Mono                bool
}

// Changed tells whether a row is worth a look.
func (r pairRow) Changed() bool { return r.Before != r.After }

func pairRows(before, after *shownCertificate) []pairRow {
	cell := func(of *shownCertificate, say func(pki.Description) string) string {
		if of == nil {
			return "not known"
		}
		return say(of.Description)
	}
	var rows []pairRow
	for _, row := range []struct {
		name string
		mono bool
		say  func(pki.Description) string
	}{
		{"Issued to", false, func(d pki.Description) string { return d.Subject }},
		{"Names", false, func(d pki.Description) string { return strings.Join(d.Names, ", ") }},
		{"Issued by", false, func(d pki.Description) string { return d.Issuer }},
		{"Valid from", false, func(d pki.Description) string { return moment(d.NotBefore) }},
		{"Valid until", false, func(d pki.Description) string { return moment(d.NotAfter) }},
		{"Key", false, func(d pki.Description) string { return d.KeyAlgorithm }},
		{"Signature", false, func(d pki.Description) string { return d.SignatureAlgorithm }},
		{"Serial number", true, func(d pki.Description) string { return d.SerialNumber }},
		{"SHA-256", true, func(d pki.Description) string { return d.SHA256 }},
		{"SHA-1", true, func(d pki.Description) string { return d.Thumbprint }},
	} {
		rows = append(rows, pairRow{row.name, cell(before, row.say), cell(after, row.say), row.mono})
	}
	return rows
}

// beforeAfter is one place as it was seen before and after. One of the two may be
// nil, not both.
type beforeAfter[T any] struct{ Before, After *T }

// Any is the one of the two that there is.
func (b beforeAfter[T]) Any() T {
	if b.After != nil {
		return *b.After
	}
	return *b.Before
}

// sideBySide joins what was seen before and after, by place, in the order in
// which places come up.
func sideBySide[T any](before, after []T, place func(T) string) []beforeAfter[T] {
	var list []beforeAfter[T]
	at := map[string]int{}
	row := func(seen T) *beforeAfter[T] {
		n, known := at[place(seen)]
		if !known {
			n = len(list)
			at[place(seen)] = n
			list = append(list, beforeAfter[T]{})
		}
		return &list[n]
	}
	for i := range before {
		row(before[i]).Before = &before[i]
	}
	for i := range after {
		row(after[i]).After = &after[i]
	}
	return list
}

// verdict says in a word whether the handshake afterwards showed what was wanted.
func verdict(after *Handshake) string {
	switch {
	case after == nil:
		return "not looked at"
	case len(after.Expected) == 0 && after.leaf() == "":
		return "no answer"
	case len(after.Expected) == 0:
		return "seen"
	case slices.Contains(after.Expected, after.leaf()):
		return "as wanted"
	}
	return "not as wanted"
}

// Leaf is the fingerprint of what the port sent.
func (p Port) Leaf() string {
	if len(p.Chain) == 0 {
		return ""
	}
	return p.Chain[0]
}

// Leaf is the fingerprint of what the endpoint sent.
func (h Handshake) Leaf() string { return h.leaf() }

// pair is anything that has a word for how it is, before and after.
type pair struct {
	What, Detail, Before, After string
	Bad                         bool
	Note                        string
}

func backendPairs(d Document) []pair {
	return pairs(d, func(l Look) []pair {
		var list []pair
		for _, b := range l.Backends {
			list = append(list, pair{What: b.Address, Detail: b.Pool + ", " + b.Setting, After: b.Health, Bad: !b.Up(), Note: b.Log})
		}
		return list
	})
}

func sitePairs(d Document) []pair {
	return pairs(d, func(l Look) []pair {
		var list []pair
		for _, s := range l.Sites {
			one := pair{What: s.Name, Detail: strings.TrimSpace(s.URL + " " + s.Version), After: "healthy"}
			if s.Trouble != "" {
				one.After, one.Bad, one.Note = "not healthy", true, s.Trouble
			}
			list = append(list, one)
		}
		return list
	})
}

func validationPairs(d Document) []pair {
	return pairs(d, func(l Look) []pair {
		var list []pair
		for _, v := range l.Validations {
			list = append(list, pair{
				What: v.Name, Detail: strings.TrimSpace(v.Kind + " " + v.URL), After: v.Status, Bad: !strings.HasPrefix(strings.ToLower(v.Status), "success"), Note: strings.Join(v.Messages, " "),
			})
		}
		return list
	})
}

// pairs joins what a look says before and after, by what and detail.
func pairs(d Document, say func(Look) []pair) []pair {
	var list []pair
	find := func(p pair) int {
		return slices.IndexFunc(list, func(other pair) bool { return other.What == p.What && other.Detail == p.Detail })
	}
	if d.Before != nil {
		for _, p := range say(*d.Before) {
			p.Before, p.After, p.Bad, p.Note = p.After, "not looked at", false, ""
			list = append(list, p)
		}
	}
	if d.After != nil {
		for _, p := range say(*d.After) {
			if i := find(p); i >= 0 {
				list[i].After, list[i].Bad, list[i].Note = p.After, p.Bad, p.Note
				continue
			}
			p.Before = "not looked at"
			list = append(list, p)
		}
	}
	return list
}
