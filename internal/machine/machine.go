// Package machine is what Cartouche does at one machine of a deployment: it
// reads the certificates of every ArcGIS component there, and changes them.
//
//	worker := machine.Worker{Network: network, Host: host}
//	report := worker.Do(ctx, job)
//
// A [Job] and a [Report] are plain values with a JSON form, because the same
// code works in two places: in Cartouche itself, where it can dial the machine,
// and in cartouche-agent, on the machine. So nothing here knows of Azure.
//
// A job first does its tasks, in order, and stops at the first that fails; then
// it looks at every component. Each task is convergent: it looks whether its
// effect is there already, so a job that is done twice changes nothing twice. A
// password is sent only to a component whose present certificate is pinned or
// verified by the job.
//
// Source of the facts: the administrative REST APIs of ArcGIS Enterprise, and
// the tools of ArcGIS Data Store, GeoEvent Server and IIS; each file names its own.
package machine

import "cmp"

// Product is what listens at a port of a machine.
type Product string

// The products. GeoEvent, WorkflowManager, Mission's messages and the Web
// Adaptor have no certificates of their own in an admin API: the first three
// follow that of their server, the last is a binding of IIS.
const (
	Portal          Product = "portal"
	Server          Product = "server"
	Notebook        Product = "notebook"
	Mission         Product = "mission"
	MissionMessages Product = "mission-messages"
	Video           Product = "video"
	DataStore       Product = "datastore"
	GeoEvent        Product = "geoevent"
	WorkflowManager Product = "workflow"
	WebAdaptor      Product = "webadaptor"
)

var productNames = map[Product]string{
	Portal: "Portal", Server: "ArcGIS Server", Notebook: "Notebook Server", Mission: "Mission Server",
	MissionMessages: "Mission Server's messages", Video: "Video Server", DataStore: "ArcGIS Data Store",
	GeoEvent: "GeoEvent Server", WorkflowManager: "Workflow Manager Server", WebAdaptor: "IIS",
}

// Name is what people call the product.
func (p Product) Name() string { return cmp.Or(productNames[p], string(p)) }

// Component is one TLS port of a machine.
type Component struct {
	Product Product `json:"product"`
	Port    int     `json:"port"`
	// Context is the first path segment on the machine itself, "arcgis" when empty.
	Context string `json:"context,omitempty"`
}

// HasKeystore tells whether the component has an admin API with certificates.
func (c Component) HasKeystore() bool {
	switch c.Product {
	case Portal, Server, Notebook, Mission, Video:
		return true
	}
	return false
}
