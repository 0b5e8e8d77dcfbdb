package pki

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// DefectError says why a file could not be used. Its text is the sentence of
// its finding; the finding also carries the code and what mends it.
type DefectError struct {
	Finding
}

// Error gives the sentence.
func (e *DefectError) Error() string { return e.Sentence }

// MarshalJSON writes an empty list as [], never as null.
func (f Findings) MarshalJSON() ([]byte, error) {
	return json.Marshal(append([]Finding{}, f...))
}

// Refused tells whether any finding is a refusal.
func (f Findings) Refused() bool { return f.Worst() == Refusal }

// Worst is the worst severity in the list, "" when the list is empty.
func (f Findings) Worst() Severity {
	var worst Severity
	for _, finding := range f {
		if rank(finding.Severity) > rank(worst) {
			worst = finding.Severity
		}
	}
	return worst
}

// Has tells whether there is a finding with this code.
func (f Findings) Has(code string) bool {
	return slices.ContainsFunc(f, func(finding Finding) bool { return finding.Code == code })
}

// add appends a finding with the severity that the catalogue gives its code.
func (f *Findings) add(code, mend, sentence string, args ...any) {
	*f = append(*f, newFinding(code, mend, sentence, args...))
}

// WorstFirst sorts by severity and leaves equals in the order in which they were found.
func (f Findings) WorstFirst() Findings {
	sorted := slices.Clone(f)
	slices.SortStableFunc(sorted, func(a, b Finding) int {
		return cmp.Compare(rank(b.Severity), rank(a.Severity))
	})
	return sorted
}

func rank(s Severity) int {
	return slices.Index([]Severity{"", Note, Warning, Refusal}, s)
}

func newFinding(code, mend, sentence string, args ...any) Finding {
	severity, listed := catalogue[code]
	if !listed {
		panic("pki: the code " + code + " is not in the catalogue")
	}
	return Finding{Code: code, Severity: severity, Sentence: fmt.Sprintf(sentence, args...), Mend: mend}
}

func defect(code, mend, sentence string, args ...any) *DefectError {
	return &DefectError{newFinding(code, mend, sentence, args...)}
}

// printable makes text from a certificate fit for a sentence: a subject can
// hold terminal escapes, line breaks and megabytes. A DNS name, of at most 253
// letters, stays whole: names are compared.
func printable(text string) string {
	const most = 256
	clean := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, text)
	if runes := []rune(clean); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return clean
}
