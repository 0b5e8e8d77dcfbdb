package web

import (
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/pki"
)

func TestOldAndNewSideBySide(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	served := pki.Description{Names: []string{"gis.example.com"}, Issuer: "CN=A", KeyAlgorithm: "RSA 2048", SHA256: "aa", NotAfter: now.AddDate(0, 0, 5)}
	tests := map[string]struct {
		change     func(*pki.Description)
		label      string
		note, kind string
	}{
		"longer":           {func(d *pki.Description) { d.NotAfter = d.NotAfter.AddDate(0, 0, 200) }, "Valid until", "longer by 200 days", "ok"},
		"shorter":          {func(d *pki.Description) { d.NotAfter = d.NotAfter.AddDate(0, 0, -1) }, "Valid until", "ends 1 day earlier", "urgent"},
		"another issuer":   {func(d *pki.Description) { d.Issuer = "CN=B" }, "Issued by", "another issuer", "soon"},
		"another key":      {func(d *pki.Description) { d.KeyAlgorithm = "RSA 4096" }, "Key", "another kind or size of key", "soon"},
		"a name more":      {func(d *pki.Description) { d.Names = append([]string{"www.example.com"}, d.Names...) }, "For", "also: www.example.com", "ok"},
		"a name less":      {func(d *pki.Description) { d.Names = []string{"www.example.com"} }, "For", "no longer: gis.example.com", "urgent"},
		"another case":     {func(d *pki.Description) { d.Names = []string{"GIS.example.com"} }, "For", "the same names", "ok"},
		"no change at all": {func(*pki.Description) {}, "Fingerprint (SHA-256)", "the same certificate", "soon"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fresh := served
			test.change(&fresh)
			for _, row := range compare(&served, &fresh, now).Rows {
				if row.Label == test.label && (row.Note != test.note || row.Kind != test.kind) {
					t.Errorf("%s: %q (%s), want %q (%s)", row.Label, row.Note, row.Kind, test.note, test.kind)
				}
			}
		})
	}
	for _, alone := range []comparison{compare(nil, &served, now), compare(&served, nil, now), compare(nil, nil, now)} {
		for _, row := range alone.Rows {
			if row.Note != "" {
				t.Errorf("nothing to compare with, and %s says %q", row.Label, row.Note)
			}
		}
	}
	if got := compare(nil, &served, now).Rows[1].New; got != "2 December 2026 (5 days)" {
		t.Errorf("until %q", got)
	}
}
