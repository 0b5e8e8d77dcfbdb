package deployment

import "fmt"

// The codes of problems. They are stable: scripts may depend on them.
const (
	// ProblemNoID: the gateway does not say which deployment it belongs to.
	ProblemNoID = "no-id"
	// ProblemDuplicateID: two gateways claim the same deployment.
	ProblemDuplicateID = "duplicate-id"
	// ProblemNoDomain: the record does not name the external DNS name.
	ProblemNoDomain = "no-domain"
	// ProblemMalformedDomain: what is recorded is not a DNS name.
	ProblemMalformedDomain = "malformed-domain"
	// ProblemDomainNotServed: no HTTPS listener answers to the domain.
	ProblemDomainNotServed = "domain-not-served"
	// ProblemNoGateway: machines are there, the gateway is not.
	ProblemNoGateway = "no-gateway"
	// ProblemUnreadableGateway: the gateway's document could not be read.
	ProblemUnreadableGateway = "unreadable-gateway"
	// ProblemNoHTTPSListener: the gateway serves no certificate at all.
	ProblemNoHTTPSListener = "no-https-listener"
	// ProblemNoMachines: no machine carries the deployment's id.
	ProblemNoMachines = "no-machines"
	// ProblemMachineWithoutID: a machine behind the gateway lacks its id.
	ProblemMachineWithoutID = "machine-without-id"
	// ProblemUnknownVersion: the version is missing or cannot be read.
	ProblemUnknownVersion = "unknown-version"
	// ProblemOldVersion: a gateway, but a version that had none.
	ProblemOldVersion = "old-version"
	// ProblemMalformedInfo: arcgis-deployment-info is missing or has not the
	// known parts.
	ProblemMalformedInfo = "malformed-info"
	// ProblemMalformedSite: a tag of a federated site has not the known parts.
	ProblemMalformedSite = "malformed-site"
	// ProblemUnrecordedSite: machines of a federated site that the gateway's
	// tags do not mention.
	ProblemUnrecordedSite = "unrecorded-site"
	// ProblemNamelessListener: nothing says which names clients use for a listener.
	ProblemNamelessListener = "nameless-listener"
	// ProblemSiteWithoutMachines: a federated site that has no machine.
	ProblemSiteWithoutMachines = "site-without-machines"
)

// problem adds a problem to the deployment.
func (d *Deployment) problem(code, format string, args ...any) {
	d.Problems = append(d.Problems, Problem{Code: code, Sentence: fmt.Sprintf(format, args...)})
}

// cannotUpdate gives the reason why the certificate cannot be renewed here.
// The first reason stands: it is the nearest to the cause.
func (d *Deployment) cannotUpdate(format string, args ...any) {
	if d.CannotUpdate == "" {
		d.CannotUpdate = fmt.Sprintf(format, args...)
	}
}
