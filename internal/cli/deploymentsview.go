package cli

import (
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/deployment"
)

func (u *ui) deploymentTable(values []deploymentValue, now time.Time) {
	if len(values) == 0 {
		u.say("no deployment was found in what this sign-in may read")
		return
	}
	var rows [][]line
	for _, value := range values {
		left := words(faint("unknown"))
		if !value.ends.IsZero() {
			left = words(daysLeft(value.ends, now))
		}
		rows = append(rows, []line{
			words(title(orDash(value.Name))), words(layout(value.Deployment)),
			words(orDash(strings.Join(value.Names(), ", "))), left, words(home(value)),
		})
	}
	u.table([]string{"name", "layout", "serves", "certificate", "lives in"}, rows)
	u.deploymentProblems(values)
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
