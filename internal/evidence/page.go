package evidence

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"time"

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
