package cli

import (
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/cartouche-gis/cartouche/internal/deployment"
)

func (u *ui) deploymentTable(values []deploymentValue, now time.Time) {
	if len(values) == 0 {
		u.say("no deployment was found in what this sign-in may read")
		return
	}
	headings := []string{"name", "layout", "serves", "certificate", "lives in"}
	rows := u.deploymentRows(values, now, false, 0)
	if u.width > 0 && tableWidth(headings, rows) > u.width {
		// One name in a line, and the last column in what is left.
		rows = u.deploymentRows(values, now, true, 0)
		left := u.width - tableWidth(headings[:4], rows) - 2
		rows = u.deploymentRows(values, now, true, max(left, 12))
	}
	u.table(headings, rows)
	u.deploymentProblems(values)
}

// deploymentRows are the rows of the table. In a narrow one a deployment may
// take several: its names stand below each other, and so do the words of where
// its certificate lives when they are longer than room (0: any length).
func (u *ui) deploymentRows(values []deploymentValue, now time.Time, narrow bool, room int) [][]line {
	var rows [][]line
	for _, value := range values {
		left := words(faint("unknown"))
		if !value.ends.IsZero() {
			left = words(daysLeft(value.ends, now))
		}
		names, homes := []string{strings.Join(value.Names(), ", ")}, []string{home(value)}
		if narrow {
			names, homes = value.Names(), broken(home(value), room)
		}
		rows = append(rows, []line{
			words(title(orDash(value.Name))), words(layout(value.Deployment)),
			words(orDash(nth(names, 0))), left, words(nth(homes, 0)),
		})
		for i := 1; i < max(len(names), len(homes)); i++ {
			rows = append(rows, []line{nil, nil, words(nth(names, i)), nil, words(nth(homes, i))})
		}
	}
	return rows
}

// tableWidth is how wide the first columns of a table are.
func tableWidth(headings []string, rows [][]line) int {
	total := 0
	for i, heading := range headings {
		widest := lipgloss.Width(heading)
		for _, row := range rows {
			widest = max(widest, lipgloss.Width(text(row[i])))
		}
		total += widest + 2
	}
	return total
}

// broken breaks text between words.
func broken(text string, room int) []string {
	var lines []string
	for word := range strings.FieldsSeq(text) {
		last := len(lines) - 1
		if last >= 0 && (room == 0 || lipgloss.Width(lines[last]+" "+word) <= room) {
			lines[last] += " " + word
			continue
		}
		lines = append(lines, word)
	}
	return lines
}

func nth(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

// deploymentProblems shows below the table what is wrong, since it takes sentences.
func (u *ui) deploymentProblems(values []deploymentValue) {
	first := true
	for _, value := range values {
		if value.CannotUpdate == "" && len(value.Problems) == 0 {
			continue
		}
		if first {
			u.heading("Problems")
			first = false
		}
		if value.CannotUpdate != "" {
			u.item(caution("!"), title(value.Name), " cannot be updated here: ", value.CannotUpdate)
		}
		for _, problem := range value.Problems {
			u.item(u.outStyle.bullet(), title(value.Name), ": ", problem.Sentence, faint(" ["+problem.Code+"]"))
		}
	}
}

// layout is the kind and the version of a deployment.
func layout(d deployment.Deployment) string {
	return strings.TrimSpace(generation(d) + " " + d.Version)
}

func generation(d deployment.Deployment) string {
	site := d.SharedWith != "" || (d.ServerRole != "" && !strings.EqualFold(d.ServerRole, "HostingServer"))
	if d.Generation == deployment.V2 && site {
		return "V2 site"
	}
	return string(d.Generation)
}

// home says where the certificate of a deployment lives.
func home(value deploymentValue) string {
	var homes []string
	for _, certificate := range value.Certificates {
		homes = append(homes, certificate.home())
	}
	switch {
	case len(homes) > 0:
		return strings.Join(homes, "; ")
	case value.Generation == deployment.V1:
		return livesInIIS
	case value.GatewayID != "":
		return "gateway " + lastSegment(value.GatewayID)
	}
	return "-"
}

const livesInIIS = "IIS of the web proxies"

func (c certificateValue) home() string {
	switch {
	case c.Entry == "":
		return livesInIIS
	case c.KeyVaultSecretID == "":
		return "gateway entry " + c.Entry
	case c.vault == "":
		return "Key Vault " + c.KeyVaultSecretID
	}
	return "Key Vault " + c.vault + ", " + c.secret + c.following()
}

// following says whether a newer version in the vault reaches the gateway.
func (c certificateValue) following() string {
	switch {
	case c.Follows == nil:
		return ""
	case *c.Follows:
		return ", followed"
	}
	return ", pinned to a version"
}

// lastSegment is the name in a resource id.
func lastSegment(id string) string { return id[strings.LastIndex(id, "/")+1:] }

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
