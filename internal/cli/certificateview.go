package cli

import (
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// daysLeft is how long a certificate is valid still, in the colour that fits.
func daysLeft(notAfter, now time.Time) span {
	days := pki.DaysUntil(notAfter, now)
	switch {
	case days < -1:
		return bad(fmt.Sprintf("expired %d days ago", -days))
	case days < 0:
		return bad("expired")
	case days == 0:
		return bad("expires within a day")
	case days == 1:
		return bad("1 day left")
	case days <= 14:
		return bad(fmt.Sprintf("%d days left", days))
	case days <= 30:
		return caution(fmt.Sprintf("%d days left", days))
	}
	return good(fmt.Sprintf("%d days left", days))
}

// summary is a certificate in one line.
func summary(d pki.Description, now time.Time) line {
	return words(d.Subject, ", until "+app.Day(d.NotAfter)+" (", daysLeft(d.NotAfter, now), ")")
}

// certificateCard shows all of a certificate, with the chain above it.
func (u *ui) certificateCard(d pki.Description, chain []*x509.Certificate, now time.Time) {
	until := words(app.Day(d.NotBefore), " to ", app.Day(d.NotAfter), " (", daysLeft(d.NotAfter, now), ")")
	if d.NotBefore.After(now) {
		until = words(app.Day(d.NotBefore), " to ", app.Day(d.NotAfter), " (", bad("not yet valid"), ")")
	}
	u.fields(
		field{"subject", words(title(d.Subject))},
		field{"names", words(strings.Join(d.Names, ", "))},
		field{"issuer", words(d.Issuer)},
		field{"valid", until},
		field{"key", words(d.KeyAlgorithm, faint(", signed with "), d.SignatureAlgorithm)},
		field{"serial", words(d.SerialNumber)},
		field{"thumbprint", words(d.Thumbprint, faint(" (SHA-1)"))},
		field{"fingerprint", words(d.SHA256, faint(" (SHA-256)"))},
		field{"chain", chainLine(u.outStyle, chain)},
	)
}

func chainLine(p palette, chain []*x509.Certificate) line {
	var l line
	for i, cert := range chain {
		if i > 0 {
			l = append(l, words(" ", p.arrow(), " ")...)
		}
		l = append(l, words(shortName(cert))...)
	}
	return l
}

func shortName(cert *x509.Certificate) string {
	if cert.Subject.CommonName != "" {
		return cert.Subject.CommonName
	}
	return cert.Subject.String()
}

// certificatePair shows two certificates side by side; what differs stands out.
func (u *ui) certificatePair(before, after *pki.Description, now time.Time) {
	if before == nil {
		before = &pki.Description{}
	}
	if after == nil {
		after = &pki.Description{}
	}
	rows := []struct {
		name string
		cell func(pki.Description) line
	}{
		{"subject", func(d pki.Description) line { return words(d.Subject) }},
		{"issuer", func(d pki.Description) line { return words(d.Issuer) }},
		{"names", func(d pki.Description) line { return words(strings.Join(d.Names, ", ")) }},
		{"valid from", func(d pki.Description) line { return words(dayOrNone(d.NotBefore)) }},
		{"valid until", func(d pki.Description) line {
			if d.NotAfter.IsZero() {
				return nil
			}
			return words(app.Day(d.NotAfter), " ", daysLeft(d.NotAfter, now))
		}},
		{"key", func(d pki.Description) line { return words(d.KeyAlgorithm) }},
		{"thumbprint", func(d pki.Description) line { return words(shortened(d.Thumbprint, u.outStyle)) }},
		{"SHA-256", func(d pki.Description) line { return words(shortened(d.SHA256, u.outStyle)) }},
	}
	p := u.outStyle
	border := lipgloss.RoundedBorder()
	if p.ascii {
		border = lipgloss.ASCIIBorder()
	}
	t := table.New().Border(border).
		StyleFunc(func(int, int) lipgloss.Style { return lipgloss.NewStyle().Padding(0, 1) }).
		Headers("", p.render(words(faint("before"))), p.render(words(title("after"))))
	if p.color {
		t.BorderStyle(toneFaint.style())
	}
	for _, row := range rows {
		was, is := row.cell(*before), row.cell(*after)
		if text(was) != text(is) && len(is) == 1 && is[0].tone == toneNormal {
			is[0].tone = toneAccent
		}
		t.Row(p.render(words(faint(row.name))), p.render(was), p.render(is))
	}
	rendered := t.Render()
	if u.width > 0 && lipgloss.Width(rendered) > u.width {
		rendered = t.Width(u.width).Render()
	}
	u.block(rendered)
}

// text is a line without its tones.
func text(l line) string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(s.text)
	}
	return b.String()
}

func dayOrNone(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return app.Day(t)
}

func shortened(hash string, p palette) string {
	if len(hash) <= 16 {
		return hash
	}
	return hash[:16] + p.glyph("…", "...")
}
