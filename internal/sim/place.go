package sim

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"time"
)

// place is where a deployment lies: it makes names and ids.
// Source for names: Esri/arcgis-azure-templates, Releases/11.4/Templates.
type place struct {
	deployment
	cloud                  cloud
	subscription, location string
	created                time.Time
}

// id of a resource in the deployment's group.
func (p place) id(kind, name string) string { return p.idIn(p.Group, kind, name) }

func (p place) idIn(group, kind, name string) string {
	return "/subscriptions/" + p.subscription + "/resourceGroups/" + group + "/providers/" + kind + "/" + name
}

func (p place) gatewayID() string {
	return p.id("Microsoft.Network/applicationGateways", p.Gateway)
}

func (p place) networkID() string {
	if p.Kind == kindGitOps {
		return p.idIn(p.coreGroup(), "Microsoft.Network/virtualNetworks", p.Prefix)
	}
	return p.id("Microsoft.Network/virtualNetworks", p.Prefix+"-vnet")
}

func (p place) publicID() string {
	if p.Kind == kindGitOps {
		return p.id("Microsoft.Network/publicIPAddresses", p.Gateway+"-pip")
	}
	return p.id("Microsoft.Network/publicIPAddresses", p.Prefix+"PublicIP")
}

// deploymentID stands for ARM's uniqueString(): 13 letters and digits, the
// same for the same place.
func (p place) deploymentID() string {
	return uniqueString(p.subscription, p.Group, p.serverContext(), p.location, p.Domain)
}

func (p place) siteID(site serverSite) string {
	return uniqueString(p.subscription, site.Group, site.Context, p.location, p.Domain)
}

func uniqueString(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "-")))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:13]
}

// machineID is the resource id of a machine in a group.
func (p place) machineID(group string, m machine) string {
	if m.ID != "" {
		return m.ID
	}
	return p.idIn(group, machineKind, m.Name)
}

// fqdn is a machine's name inside the virtual network: Azure's own DNS suffix
// of the network, or the private zone of an enterprise.
func (p place) fqdn(m machine) string {
	if m.FQDN != "" {
		return m.FQDN
	}
	if p.Kind == kindGitOps {
		return m.Name + "." + p.Base + "." + p.Prefix + ".internal"
	}
	return m.Name + "." + uniqueString(p.networkID()) + "a.ax.internal.cloudapp.net"
}

func (p place) fqdns(machines []machine) []string {
	var out []string
	for _, m := range machines {
		out = append(out, p.fqdn(m))
	}
	return out
}

// names are what clients call the deployment.
func (p place) names() []string {
	names := []string{p.Domain}
	if p.Secondary != "" {
		names = append(names, p.Secondary)
	}
	return names
}

// alone is the deployment as a server site, if it stands alone.
func (p place) alone() (serverSite, bool) {
	return serverSite{Role: p.Role, Prefix: p.Prefix, Group: p.Group, Context: p.Context, StandAlone: true, Machines: p.Machines}, p.Role != ""
}

func (p place) serverContext() string {
	if p.Role != "" {
		return p.Context
	}
	return "server"
}

// kind is how names of the gateway's own parts go on.
// Source: Esri/arcgis-azure-templates, Releases/11.4/Templates/gisserver.json, deploymentType.
func (p place) kind() string {
	if p.Role != "" {
		return "StandAloneServer"
	}
	return "Enterprise"
}

func (p place) section() string { return p.Prefix + p.kind() }

// timestamp is the last part of arcgis-deployment-info.
// guess: the templates take any text; Cloud Builder's own format is not public.
func (p place) timestamp() string { return p.created.UTC().Format("20060102150405") }

// allMachines are those of the base deployment and of the federated sites.
func (p place) allMachines() []machine {
	all := append([]machine{}, p.Machines...)
	for _, site := range p.Sites {
		all = append(all, site.Machines...)
	}
	return all
}
