package deployment

import "strings"

// Layout says in a sentence what kind of deployment this is.
func (d Deployment) Layout() string {
	switch d.Generation {
	case V1:
		return "Cloud Builder V1: load balancers and IIS, no gateway"
	case GitOps:
		return "Esri's Terraform modules (arcgis-gitops)"
	case Plain:
		return "a gateway without a record of ArcGIS"
	}
	switch {
	case d.base() && d.SharedWith == "":
		return "Cloud Builder V2"
	case d.SharedWith != "":
		return strings.TrimSpace("Cloud Builder V2, stand-alone "+d.ServerRole) + " on the gateway of deployment " + d.SharedWith
	}
	return "Cloud Builder V2, stand-alone " + d.ServerRole
}

// explainV1 says why a V1 deployment is not updated, and what to do instead.
func (d *Deployment) explainV1() {
	var proxies []string
	for _, m := range d.Machines {
		if contains(m.Roles, "WebProxy") {
			proxies = append(proxies, m.Name)
		}
	}
	where := "the web proxy machines"
	if len(proxies) > 0 {
		where += " (" + strings.Join(proxies, ", ") + ")"
	}
	d.cannotUpdate("This is a V1 deployment (ArcGIS 10.7.1 or earlier): it has load balancers and IIS, and no Application Gateway. "+
		"Its certificate is in IIS on %s, and Cartouche changes gateways only. "+
		"Renew it there: import the .pfx on each of these machines and choose it in IIS Manager for the HTTPS binding of the web site. "+
		"Or move to 10.8 or later, which has a gateway.", where)
}
