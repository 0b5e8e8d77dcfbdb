package deployment

import (
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// The tags of Esri's Terraform modules. Until 2026 the enterprise was called a
// site there; tags are compared without regard to case.
// Source: Esri/arcgis-gitops, azure/arcgis-enterprise-core/ingress/main.tf and
// azure/arcgis-enterprise-base-linux/infrastructure/main.tf.
const (
	tagEnterprise   = "ArcGISEnterpriseID"
	tagSite         = "ArcGISSiteID"
	tagIngress      = "ArcGISIngressID"
	tagTerraformed  = "ArcGISDeploymentID"
	tagTerraRole    = "ArcGISRole"
	gitopsManagedBy = "Terraform (Esri's arcgis-gitops modules)"
)

// enterprise is what tags of the Terraform modules say of a gateway.
type enterprise struct{ id, ingress string }

func (t tags) enterprise() string {
	if id := t.get(tagEnterprise); id != "" {
		return id
	}
	return t.get(tagSite)
}

// enterpriseOf finds the enterprise whose ingress a gateway is: by its own
// tags, else by those of its public address, else by those of a machine behind
// it. The module names a gateway {enterprise}-{ingress}, which gives the
// ingress where no tag does.
func (a *assembly) enterpriseOf(r resource, gateway *cloud.Gateway) (enterprise, bool) {
	marked := []tags{r.tags}
	if gateway != nil {
		for _, l := range gateway.Listeners() {
			marked = append(marked, a.addresses[strings.ToLower(l.PublicIPID)].tags)
		}
		if r.tags.enterprise() == "" && len(a.terraformed) > 0 {
			behind := members(gateway)
			for _, m := range a.terraformed {
				if among(behind, m) {
					marked = append(marked, m.tags)
				}
			}
		}
	}
	for _, t := range marked {
		id, ingress := t.enterprise(), t.get(tagIngress)
		if id == "" || (ingress == "" && t.get(tagTerraformed) == "") {
			continue
		}
		if ingress == "" {
			ingress = strings.TrimPrefix(strings.ToLower(r.name), strings.ToLower(id)+"-")
		}
		return enterprise{id, ingress}, true
	}
	return enterprise{}, false
}

// readEnterprise fills in a deployment of the Terraform modules.
func (a *assembly) readEnterprise(d *Deployment, e enterprise) {
	d.Generation = GitOps
	d.ID = e.id + "-" + e.ingress
	d.ManagedBy = gitopsManagedBy
	d.Record = map[string]string{"enterprise": e.id, "ingress": e.ingress}
	d.nameByGateway(a, a.zonesOf(e))
	if d.Gateway == nil {
		return
	}
	d.readContexts()
	only, behind := a.ingresses(e.id) < 2, members(d.Gateway)
	for _, m := range a.terraformed {
		// A machine says of which enterprise it is; which gateway it is behind
		// is told by its network interface, where there is a choice.
		if strings.EqualFold(m.tags.enterprise(), e.id) && (only || among(behind, m)) {
			d.Machines = append(d.Machines, Machine{
				ID: m.id, Name: m.name, DeploymentID: m.tags.get(tagTerraformed),
				Roles: words(m.tags.get(tagTerraRole)), ResourceGroup: m.group,
				OS: osOf(m), Interfaces: interfacesOf(m),
			})
		}
	}
}

// ingresses counts the gateways that say they are an enterprise's.
func (a *assembly) ingresses(id string) int {
	count := 0
	for _, g := range a.gateways {
		if strings.EqualFold(g.tags.enterprise(), id) {
			count++
		}
	}
	return count
}

// zonesOf are the names of an ingress: the module makes a private DNS zone of
// exactly that name, so that it leads to the private frontend inside.
func (a *assembly) zonesOf(e enterprise) []string {
	var names []string
	for _, z := range a.zones {
		if strings.EqualFold(z.tags.enterprise(), e.id) && strings.EqualFold(z.tags.get(tagIngress), e.ingress) {
			names = append(names, strings.ToLower(z.name))
		}
	}
	return names
}

// members are the network interfaces in the pools of a gateway, by id in lower case.
func members(gateway *cloud.Gateway) map[string]bool {
	ids := map[string]bool{}
	for _, pool := range gateway.Pools() {
		for _, id := range pool.Interfaces {
			ids[strings.ToLower(id)] = true
		}
	}
	return ids
}

// among tells whether a machine has one of the network interfaces. Names say
// nothing here: each deployment has a "primary".
func among(members map[string]bool, m resource) bool {
	return slices.ContainsFunc(interfacesOf(m), func(id string) bool { return members[strings.ToLower(id)] })
}
