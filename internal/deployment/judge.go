package deployment

import "cmp"

// judge names the deployment and says what is wrong with it.
func (d *Deployment) judge() {
	d.Name = cmp.Or(d.Name, d.Prefix, d.gatewayName(), d.ID)
	if d.Generation != V1 {
		d.judgeGateway()
	}
	d.judgeDomain()
	if (d.Generation == V1 || d.Generation == V2) && d.SharedWith == "" {
		d.judgeVersion()
	}
	switch {
	case len(d.Machines) > 0 || d.ID == "" || d.Alone:
	case d.Generation == GitOps:
		d.problem(ProblemNoMachines, "No machine has the tag %s with the value %s: none was made yet, or they may not be read.", tagEnterprise, d.Record["enterprise"])
	default:
		d.problem(ProblemNoMachines, "No machine has the tag %s with the value %s: they were deleted, or have lost their tags, or may not be read.", tagID, d.ID)
	}
}

func (d *Deployment) judgeGateway() {
	switch {
	case d.GatewayID == "":
		d.problem(ProblemNoGateway, "There is no gateway with the id %s: it was deleted or renamed, or may not be read.", d.ID)
		d.cannotUpdate("There is no gateway. If there is one under another name, put the tag %s with the value %s on it; if it may not be read, ask for the role Reader on it.", tagID, d.ID)
	case d.Gateway == nil:
		d.problem(ProblemUnreadableGateway, "The gateway %s could not be read.", d.gatewayName())
		d.cannotUpdate("The gateway could not be read. Ask for the role Reader on %s.", d.GatewayID)
	case len(d.Gateway.HTTPSListeners()) == 0:
		d.problem(ProblemNoHTTPSListener, "The gateway %s has no HTTPS listener, so it serves no certificate.", d.gatewayName())
		d.cannotUpdate("The gateway has no HTTPS listener. Add one with the present certificate first.")
	}
}

// judgeDomain takes the domain from the listeners when the record has none and
// they leave no doubt.
func (d *Deployment) judgeDomain() {
	if d.Domain == "" {
		listeners := d.listenerNames()
		if d.Generation == V2 && len(listeners) == 1 && isHostName(listeners[0]) {
			d.Domain = listeners[0]
			d.problem(ProblemNoDomain, "The tag %s is missing or unusable; %s is taken from the gateway's HTTPS listener.", tagDomain, d.Domain)
			return
		}
		d.lackDomain()
		return
	}
	d.judgeServed(d.Names())
}

// judgeServed says which names no listener answers to.
func (d *Deployment) judgeServed(names []string) {
	if d.Gateway == nil || len(d.Gateway.HTTPSListeners()) == 0 {
		return
	}
	for _, name := range names {
		if len(d.listenersFor(name)) == 0 {
			d.problem(ProblemDomainNotServed, "No HTTPS listener of the gateway answers to %s.", name)
		}
	}
}

// lackDomain says that no name is known.
func (d *Deployment) lackDomain() {
	switch d.Generation {
	case V1, V2:
		d.problem(ProblemNoDomain, "The tag %s is missing or unusable, so nothing says which name the certificate must cover.", tagDomain)
	default:
		d.problem(ProblemNoDomain, "Neither the listeners of the gateway nor its certificates say which name users type.")
	}
	if d.Generation != V1 {
		d.cannotUpdate("%s", noDomain)
	}
}

// noDomain is the reason of a deployment whose names are not known.
const noDomain = "The domain is not known. Give the name that users type with --name, or set the tag " + tagDomain + " of the gateway to it."

func (d *Deployment) judgeVersion() {
	version, known := readVersion(d.Version)
	switch {
	case d.Version == "" && d.GatewayID == "" && d.Generation == V2:
		// Only machines are left, and the version was on the gateway.
	case d.Version == "":
		d.problem(ProblemUnknownVersion, "The tag %s is missing.", tagVersion)
	case !known:
		d.problem(ProblemUnknownVersion, "The tag %s is %q, which is not a version such as 11.4.", tagVersion, d.Version)
	case d.GatewayID != "" && older(version, firstWithGateway):
		d.problem(ProblemOldVersion, "The version is %s, but Cloud Builder uses gateways from 10.8 on only: the tag %s may be out of date.", d.Version, tagVersion)
	}
}
