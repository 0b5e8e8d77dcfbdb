package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
)

func (u *ui) vaultCertificateTable(value app.VaultCertificatesValue, now time.Time) {
	if len(value.Certificates) == 0 {
		u.say("vault " + value.Vault + " holds no certificate")
		return
	}
	var rows [][]line
	for _, v := range value.Certificates {
		rows = append(rows, []line{
			words(title(v.Name)), words(string(v.Kind)), words(app.OrDash(covers(v))), until(v, now),
			words(app.OrDash(brief(v.Thumbprint, u.outStyle))), u.verdict(v),
		})
	}
	u.table([]string{"name", "kept as", "covers", "valid", "thumbprint", "gateway"}, rows)
	u.vaultReasons(value.Certificates)
}

// vaultReasons shows below a table why something is unusable, since it takes
// sentences.
func (u *ui) vaultReasons(list []app.VaultCertificateValue) {
	first := true
	heading := func() {
		if first {
			u.heading("Reasons")
			first = false
		}
	}
	for _, v := range list {
		for _, finding := range v.Findings {
			heading()
			u.item(u.outStyle.severity(finding.Severity), title(v.Name), ": ", finding.Sentence, faint(" ["+finding.Code+"]"))
		}
		if v.Unread != "" && len(v.Findings) == 0 {
			heading()
			u.item(caution("!"), title(v.Name), ": ", v.Unread)
		}
	}
}

// vaultCertificateVersions shows the newest enabled version in full.
func (u *ui) vaultCertificateVersions(value app.VaultCertificatesValue, newest string, now time.Time) {
	u.say(title(value.Certificates[0].Name), faint(" in vault "), value.Vault)
	for _, v := range value.Certificates {
		if v.Version != newest {
			continue
		}
		u.fields(field{"kept as", words(string(v.Kind) + ", " + v.ContentType)}, field{"tags", words(tagText(v.Tags))}, field{"a gateway follows", words(v.Follow)})
		if v.Certificate != nil {
			u.certificateCard(*v.Certificate, v.Judged, now)
		}
		u.sayFindings(v.Findings)
	}
	u.heading("Versions")
	var rows [][]line
	for _, v := range value.Certificates {
		created := "-"
		if v.Created != nil {
			created = v.Created.Format(time.DateTime)
		}
		state := words("enabled")
		switch {
		case !v.Enabled:
			state = words(caution("disabled"))
		case v.Version == newest:
			state = words(good("newest enabled"))
		}
		rows = append(rows, []line{words(v.Version), words(created), until(v, now), words(app.OrDash(brief(v.Thumbprint, u.outStyle))), state})
	}
	u.table([]string{"version", "created", "valid", "thumbprint", ""}, rows)
}

func covers(v app.VaultCertificateValue) string {
	if v.Certificate == nil {
		return ""
	}
	const most = 3
	if names := v.Certificate.Names; len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(v.Certificate.Names, ", ")
}

func until(v app.VaultCertificateValue, now time.Time) line {
	if v.NotAfter == nil {
		return words(faint("unknown"))
	}
	return words(daysLeft(*v.NotAfter, now))
}

func (u *ui) verdict(v app.VaultCertificateValue) line {
	switch {
	case v.Usable == nil && v.Unread != "":
		return words(caution("not read"))
	case v.Usable == nil:
		return words(faint("not opened"))
	case *v.Usable:
		return words(good("usable"))
	}
	return words(bad("unusable")) // why stands below
}

func tagText(tags map[string]string) string {
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		texts = append(texts, name+"="+tags[name])
	}
	return strings.Join(texts, ", ")
}
