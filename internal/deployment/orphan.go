package deployment

import "strings"

// fromPublicAddress makes a deployment of a public address that carries the
// record, as V1 wrote it. An address of a gateway is none, nor is one with an
// id that a gateway has: policies that spread tags put them on addresses too.
func (a *assembly) fromPublicAddress(r resource) (d Deployment, ok bool) {
	id := strings.ToLower(r.tags.get(tagID))
	ofGateway := strings.Contains(strings.ToLower(r.text("ipConfiguration", "id")), "/applicationgateways/")
	if ofGateway || a.claimed[id] || (id == "" && r.tags.get(tagInfo) == "" && r.tags.get(tagDomain) == "") {
		return Deployment{}, false
	}
	d = Deployment{
		Generation:     V1,
		SubscriptionID: r.subscription,
		ResourceGroup:  r.group,
		Location:       r.location,
		Addresses:      []Address{{IP: r.text("ipAddress"), Name: strings.ToLower(r.text("dnsSettings", "fqdn"))}},
	}
	version, known := readVersion(r.tags.get(tagVersion))
	if known && !older(version, firstWithGateway) {
		d.Generation = V2
		d.readRecord(r.tags)
	} else {
		d.readV1Record(r.tags)
	}
	a.attach(&d, nil)
	if d.Generation == V1 {
		d.explainV1()
	}
	return d, true
}

// readV1Record reads the record as V1 has it, on the public address.
func (d *Deployment) readV1Record(t tags) {
	info := t.get(tagInfo)
	var rest tags
	for _, tag := range t {
		if !strings.EqualFold(tag.name, tagInfo) {
			rest = append(rest, tag)
		}
	}
	d.readRecord(rest)
	d.readV1Info(info)
}

// fromMachines makes a deployment of machines whose gateway is not there.
// Those of a federated site are shown with their base deployment, if that has
// machines of its own.
func (a *assembly) fromMachines(id string) (d Deployment, ok bool) {
	base := a.base[id]
	// Two sites that are each other's base would wait for each other.
	waits := base != "" && len(a.machines[base]) > 0 && a.base[base] == ""
	if a.claimed[id] || waits {
		return Deployment{}, false
	}
	first := a.machines[id][0]
	d = Deployment{
		ID:             first.tags.get(tagID),
		Generation:     V2,
		SubscriptionID: first.subscription,
		ResourceGroup:  first.group,
		Location:       first.location,
	}
	a.attach(&d, nil)
	return d, true
}
