package app

import (
	"strings"

	"github.com/cartouche-gis/cartouche/internal/deployment"
)

// Layout is the kind and the version of a deployment.
func Layout(d deployment.Deployment) string {
	return strings.TrimSpace(generation(d) + " " + d.Version)
}

func generation(d deployment.Deployment) string {
	site := d.SharedWith != "" || (d.ServerRole != "" && !strings.EqualFold(d.ServerRole, "HostingServer"))
	if d.Generation == deployment.V2 && site {
		return "V2 site"
	}
	return string(d.Generation)
}

// Home says where the certificate of a deployment lives.
func Home(value DeploymentValue) string {
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
		return "gateway " + LastSegment(value.GatewayID)
	}
	return "-"
}

const livesInIIS = "IIS of the web proxies"

func (c CertificateValue) home() string {
	switch {
	case c.Entry == "":
		return livesInIIS
	case c.KeyVaultSecretID == "":
		return "gateway entry " + c.Entry
	case c.vault == "":
		return "Key Vault " + c.KeyVaultSecretID
	}
	return "Key Vault " + c.vault + ", " + c.secret + c.Following()
}

// Following says whether a newer version in the vault reaches the gateway.
func (c CertificateValue) Following() string {
	switch {
	case c.Follows == nil:
		return ""
	case *c.Follows:
		return ", followed"
	}
	return ", pinned to a version"
}
