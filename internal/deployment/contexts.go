package deployment

import (
	"cmp"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// The ports of ArcGIS's own web servers tell the role behind a path.
// Source: Esri, "Ports used by ArcGIS Enterprise".
var roleOfPort = map[int]string{
	11443: "NotebookServer",
	20443: "MissionServer",
	21443: "VideoServer",
	13443: "WorkflowManagerServer",
	6143:  "GeoEventServer",
}

// readContexts takes the contexts of Portal, Server and further sites from the
// paths by which the gateway leads to them, for layouts that do not record them.
func (d *Deployment) readContexts() { d.contextsOf(d.Gateway.Routes()) }

func (d *Deployment) contextsOf(routes []cloud.Route) {
	for _, r := range routes {
		context := contextOf(r)
		switch {
		case context == "":
		case r.Port == 7443 || strings.Contains(strings.ToLower(r.Probe), "/portaladmin/"):
			d.PortalContext = cmp.Or(d.PortalContext, context)
		case r.Port == 6443 && d.ServerContext == "":
			d.ServerContext = context
		case context != d.ServerContext:
			d.addSite(r, context)
		}
	}
}

// addSite adds a site behind a path of its own, once.
func (d *Deployment) addSite(r cloud.Route, context string) {
	if slices.ContainsFunc(d.Sites, func(s Site) bool { return s.ServerContext == context }) {
		return
	}
	role := roleOfPort[r.Port]
	for _, known := range []string{"Notebook", "Mission", "Video", "Image", "GeoEvent", "Workflow", "Knowledge"} {
		if role == "" && strings.Contains(strings.ToLower(r.Pool+" "+context), strings.ToLower(known)) {
			role = known + "Server"
		}
	}
	d.Sites = append(d.Sites, Site{Role: cmp.Or(role, "Server"), ServerContext: context})
}

// contextOf is the first segment of a route's paths, "" when they have none.
func contextOf(r cloud.Route) string {
	for _, path := range r.Paths {
		context, _, _ := strings.Cut(strings.TrimPrefix(clean(path, maxTag), "/"), "/")
		if context != "" && !strings.ContainsAny(context, "*?") {
			return context
		}
	}
	return ""
}

// NetworkOf is the network that a subnet's id names, nil when it names none.
func NetworkOf(subnetID string) *Network {
	id, err := cloud.ParseResourceID(subnetID)
	parts := strings.Split(strings.Trim(subnetID, "/"), "/")
	if err != nil || len(parts) != 10 {
		return nil
	}
	return &Network{Name: clean(parts[7], maxTag), ResourceGroup: clean(id.ResourceGroup, maxTag), Subnet: clean(id.Name, maxTag)}
}
