package evidence

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/cartouche-gis/cartouche/internal/pki"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"when":    func(t time.Time) string { return moment(t) },
	"clock":   func(t time.Time) string { return t.UTC().Format("15:04:05.000") },
	"short":   short,
	"up":      func(b Backend) bool { return b.Up() },
	"verdict": verdict,
	"add":     func(a, b int) int { return a + b },
}).Parse(pageText))

// Page makes a page of a file, to read and to print: no script, nothing fetched,
// everything from outside escaped. report is what Verify said of the file.
func Page(file File, report Report) ([]byte, error) {
	document, err := visible(file)
	if err != nil {
		return nil, err
	}
	view := pageView{File: file, D: document, Report: report, Chains: map[string]string{}}
	original := file.Document
	view.Before, view.After = certificateOf(original, original.Before), certificateOf(original, original.After)
	view.Rows = pairRows(view.Before, view.After)
	before, after := orNothing(document.Before), orNothing(document.After)
	view.Handshakes = sideBySide(before.Handshakes, after.Handshakes, Handshake.spot)
	view.Ports = sideBySide(before.Ports, after.Ports, func(p Port) string { return fmt.Sprintf("%s:%d", p.Machine, p.Port) })
	view.Backends = backendPairs(document)
	view.Sites = sitePairs(document)
	view.Validations = validationPairs(document)
	view.Steps, view.Took = timeline(document)
	view.Plan = planView(document.Plan)
	view.certificates(original)
	var page bytes.Buffer
	if err := pageTemplate.Execute(&page, view); err != nil {
		return nil, fmt.Errorf("page of run %s: %w", document.Run.ID, err)
	}
	return page.Bytes(), nil
}

// orNothing is a look, or one that saw nothing.
func orNothing(look *Look) Look {
	if look == nil {
		return Look{}
	}
	return *look
}

type pageView struct {
	File        File
	D           Document
	Report      Report
	Before      *shownCertificate
	After       *shownCertificate
	Rows        []pairRow
	Handshakes  []beforeAfter[Handshake]
	Ports       []beforeAfter[Port]
	Backends    []pair
	Sites       []pair
	Validations []pair
	Steps       []shownStep
	Took        string
	Plan        []shownPlanStep
	// Listed are all certificates that were seen, by letters that the tables use.
	Listed []listedCertificate
	Chains map[string]string
}

// Letter is how a table calls a certificate.
func (v pageView) Letter(fingerprint string) string { return v.Chains[fingerprint] }

type listedCertificate struct {
	Letter string
	pki.Description
}

type shownCertificate struct {
	pki.Description
	Chain []pki.Description
}

func certificateOf(d Document, look *Look) *shownCertificate {
	described := d.Served(look)
	if described == nil {
		return nil
	}
	shown := &shownCertificate{Description: *described}
	for _, fingerprint := range served(look) {
		shown.Chain = append(shown.Chain, pki.Describe(d.certificate(fingerprint)))
	}
	return shown
}

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

type shownStep struct {
	Step
	Took string
	// From and Width are percents of the run, for the bar.
	From, Width float64
}

// timeline puts the steps on the time of the run.
func timeline(d Document) (steps []shownStep, took string) {
	end := d.Run.FinishedAt
	for _, step := range d.Steps {
		if step.FinishedAt.After(end) {
			end = step.FinishedAt
		}
	}
	whole := end.Sub(d.Run.StartedAt)
	for _, step := range d.Steps {
		shown := shownStep{Step: step, Took: "no end"}
		if !step.FinishedAt.IsZero() {
			shown.Took = lasted(step.FinishedAt.Sub(step.StartedAt))
		}
		if whole > 0 {
			percent := func(d time.Duration) float64 {
				return min(100, max(0, float64(int(1000*float64(d)/float64(whole)))/10))
			}
			shown.From = percent(step.StartedAt.Sub(d.Run.StartedAt))
			to := end
			if !step.FinishedAt.IsZero() {
				to = step.FinishedAt
			}
			shown.Width = min(100-shown.From, max(0.6, percent(to.Sub(step.StartedAt))))
		}
		steps = append(steps, shown)
	}
	if !d.Run.FinishedAt.IsZero() {
		took = lasted(d.Run.FinishedAt.Sub(d.Run.StartedAt))
	}
	return steps, took
}

func lasted(d time.Duration) string {
	if d > time.Minute {
		return d.Round(time.Second).String()
	}
	return d.Round(time.Millisecond).String()
}

type shownPlanStep struct {
	Title   string   `json:"title"`
	Touches string   `json:"touches"`
	Changes []string `json:"changes"`
}

func planView(data json.RawMessage) []shownPlanStep {
	var plan struct {
		Steps []shownPlanStep `json:"steps"`
	}
	_ = json.Unmarshal(data, &plan) // a plan that cannot be read shows none
	return plan.Steps
}

// certificates lists what was seen, leafs of clients first, in the order of the looks.
func (v *pageView) certificates(d Document) {
	for _, look := range d.looks() {
		for _, chain := range look.chains() {
			for _, fingerprint := range chain {
				if _, known := v.Chains[fingerprint]; known {
					continue
				}
				v.Chains[fingerprint] = fmt.Sprintf("C%d", len(v.Listed)+1)
				v.Listed = append(v.Listed, listedCertificate{v.Chains[fingerprint], pki.Describe(d.certificate(fingerprint))})
			}
		}
	}
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2 January 2006, 15:04:05 UTC")
}

// visible is the document with nothing in its text that hides or moves what
// stands beside it: control characters and those that turn the direction of
// writing become their numbers. What is very long is cut.
func visible(file File) (Document, error) {
	value, err := decode(file.Message)
	if err != nil {
		return Document{}, err
	}
	data, err := json.Marshal(shownText(value))
	if err != nil {
		return Document{}, err
	}
	var document Document
	return document, json.Unmarshal(data, &document)
}

func shownText(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			v[name] = shownText(member)
		}
	case []any:
		for i, item := range v {
			v[i] = shownText(item)
		}
	case string:
		return shownString(v)
	}
	return value
}

func shownString(text string) string {
	const most = 4000
	var shown strings.Builder
	for n, r := range text {
		switch {
		case n > most:
			return shown.String() + "…"
		case r == '\n' || r == '\t':
			shown.WriteRune(r)
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			fmt.Fprintf(&shown, `\u%04x`, r)
		default:
			shown.WriteRune(r)
		}
	}
	return shown.String()
}
