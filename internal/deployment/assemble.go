package deployment

import (
	"fmt"
	"sort"
	"strings"
)

// assembly puts resources together into deployments. Keys are in lower case.
type assembly struct {
	gateways []resource
	publics  []resource
	// addresses are all public addresses by id.
	addresses map[string]resource
	// machines are by deployment id, byName by subscription/name.
	machines map[string][]resource
	byName   map[string][]resource
	// base is the id of the base deployment of a federated site, by the
	// site's id, as availability sets tell it; sites is the other way round.
	base  map[string]string
	sites map[string][]string
	// claimed are the ids that belong to a deployment already.
	claimed map[string]bool
	// ids are the deployment ids of machines in the order of the rows.
	ids []string
	// terraformed are machines, and zones private DNS zones, of the Terraform
	// modules.
	terraformed []resource
	zones       []resource
	// unclaimed are machines with roles but without an id, until one is found
	// behind a gateway. They are by resource id.
	unclaimed map[string]resource
}

// assemble makes deployments of resources. Nothing that carries a part of a
// record is passed over: what does not fit is a problem of some deployment or,
// where it cannot be told of which, a note.
func assemble(resources []resource) ([]Deployment, []Problem) {
	a := sortOut(resources)
	list := []Deployment{}
	for _, g := range a.gateways {
		d, ok := a.fromGateway(g)
		if ok {
			list = append(list, d)
		}
	}
	markDuplicates(list)
	for i := range list {
		if list[i].Generation == V2 {
			list = append(list, a.sharing(&list[i])...)
		}
	}
	for _, p := range a.publics {
		d, ok := a.fromPublicAddress(p)
		if ok {
			list = append(list, d)
		}
	}
	for _, id := range a.ids {
		d, ok := a.fromMachines(id)
		if ok {
			list = append(list, d)
		}
	}
	for i := range list {
		list[i].judge()
	}
	return list, a.strays()
}

// strays says which machines belong to nothing that is known.
func (a *assembly) strays() []Problem {
	if len(a.unclaimed) == 0 {
		return nil
	}
	var names []string
	for _, m := range a.unclaimed {
		names = append(names, m.group+"/"+m.name)
	}
	sort.Strings(names)
	const most = 5
	return []Problem{{Code: NoteStrayMachines, Sentence: fmt.Sprintf("%d machines have the tag %s but no %s, and are behind no gateway that is known: %s.",
		len(names), tagRoles, tagID, strings.Join(names[:min(most, len(names))], ", "))}}
}

func sortOut(resources []resource) *assembly {
	a := &assembly{
		addresses: map[string]resource{},
		machines:  map[string][]resource{},
		byName:    map[string][]resource{},
		base:      map[string]string{},
		sites:     map[string][]string{},
		unclaimed: map[string]resource{},
		claimed:   map[string]bool{},
	}
	for _, r := range resources {
		id := strings.ToLower(r.tags.get(tagID))
		switch r.kind {
		case kindGateway:
			a.gateways = append(a.gateways, r)
		case kindAddress:
			a.addresses[strings.ToLower(r.id)] = r
			if r.tags.recorded() {
				a.publics = append(a.publics, r)
			}
		case kindMachine:
			a.addMachine(r, id)
			if r.tags.enterprise() != "" {
				a.terraformed = append(a.terraformed, r)
			}
		case kindZone:
			a.zones = append(a.zones, r)
		case kindSet:
			base := strings.ToLower(r.tags.get(tagBaseID))
			if id != "" && base != "" && id != base && a.base[id] == "" {
				a.base[id] = base
				a.sites[base] = append(a.sites[base], id)
			}
		}
	}
	return a
}

func (a *assembly) addMachine(r resource, id string) {
	if id == "" && r.tags.get(tagRoles) == "" {
		return
	}
	name := strings.ToLower(r.subscription + "/" + r.name)
	a.byName[name] = append(a.byName[name], r)
	if id == "" {
		a.unclaimed[strings.ToLower(r.id)] = r
		return
	}
	if a.machines[id] == nil {
		a.ids = append(a.ids, id)
	}
	a.machines[id] = append(a.machines[id], r)
}

// attach gives a deployment its machines: those with its own id, those of its
// federated sites, and those behind its gateway that have no id.
func (a *assembly) attach(d *Deployment, behind []resource) {
	own := strings.ToLower(d.ID)
	if own != "" {
		a.take(d, own)
	}
	for _, site := range d.Sites {
		id := strings.ToLower(site.ID)
		if id == "" || id == own {
			continue
		}
		if a.take(d, id) == 0 {
			d.problem(ProblemSiteWithoutMachines, "The federated site %s (%s) has no machine.", site.ID, site.Role)
		}
	}
	for _, id := range a.sites[own] {
		if d.site(id) != nil || len(a.machines[id]) == 0 {
			continue
		}
		a.take(d, id)
		d.problem(ProblemUnrecordedSite, "The machines with deployment id %s belong to a site that is federated with this deployment, but the gateway has no tag %s… for it.", id, sitePrefix)
	}
	for _, m := range behind {
		if m.tags.get(tagID) == "" {
			d.addMachine(m)
			delete(a.unclaimed, strings.ToLower(m.id))
			d.problem(ProblemMachineWithoutID, "The machine %s is behind the gateway, but has no tag %s.", m.name, tagID)
		}
	}
}

// take adds the machines of an id and says how many they were.
func (a *assembly) take(d *Deployment, id string) int {
	a.claimed[id] = true
	for _, m := range a.machines[id] {
		d.addMachine(m)
	}
	return len(a.machines[id])
}

func (d *Deployment) addMachine(r resource) {
	d.Machines = append(d.Machines, Machine{
		ID:            r.id,
		Name:          r.name,
		DeploymentID:  r.tags.get(tagID),
		Roles:         words(r.tags.get(tagRoles)),
		ResourceGroup: r.group,
		OS:            osOf(r),
		Interfaces:    interfacesOf(r),
	})
}

// osOf is the operating system of a machine, "" where it was not read whole.
func osOf(r resource) string {
	return strings.ToLower(r.text("storageProfile", "osDisk", "osType"))
}

// markDuplicates says so where several gateways have one id.
func markDuplicates(list []Deployment) {
	gateways := map[string][]string{}
	for _, d := range list {
		if d.ID != "" {
			id := strings.ToLower(d.ID)
			gateways[id] = append(gateways[id], d.gatewayName())
		}
	}
	for i := range list {
		names := gateways[strings.ToLower(list[i].ID)]
		if len(names) > 1 {
			const most = 5
			list[i].problem(ProblemDuplicateID, "%d gateways have the id %s (%s): one of them may be a copy, and machines are shown with each.", len(names), list[i].ID, strings.Join(names[:min(most, len(names))], ", "))
		}
	}
}
