// Package deployment knows what an ArcGIS Enterprise deployment on Azure is
// and how one is found: by the tags that Esri's Cloud Builder leaves on the
// Application Gateway (V2), on the public IP address (V1) and on the machines,
// by those of Esri's Terraform modules (GitOps), or by pointing at a gateway.
//
// What is found is shown even when it is only half there. A deployment with
// missing, renamed or contradictory parts carries [Problem]s instead of being
// passed over.
package deployment

import (
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// Generation is the kind of layout, which decides where the external
// certificate lives.
type Generation string

const (
	// V1 deployments (templates up to 10.7.1) have IIS web proxies behind
	// load balancers; the certificate is in IIS and is not updated here.
	V1 Generation = "V1"
	// V2 deployments (10.8 and later) have an Application Gateway.
	V2 Generation = "V2"
	// GitOps deployments are made by Esri's Terraform modules (arcgis-gitops):
	// the gateway takes its certificate from Key Vault.
	GitOps Generation = "GitOps"
	// Plain is any gateway that was pointed at and has no record of ArcGIS.
	Plain Generation = "gateway"
)

// Deployment is one ArcGIS Enterprise deployment or stand-alone server site.
type Deployment struct {
	// ID is the value of arcgis-deployment-id; of a GitOps deployment
	// {enterprise}-{ingress}; "" for a gateway without a record.
	ID string `json:"id"`
	// Name is what people call it: the deployment prefix, else the gateway's name.
	Name       string     `json:"name"`
	Generation Generation `json:"generation"`
	// Version is the ArcGIS Enterprise version, e.g. "11.4".
	Version string `json:"version"`
	// Domain is the external DNS name; SecondaryDomain the private one, or "".
	Domain          string `json:"domain"`
	SecondaryDomain string `json:"secondaryDomain,omitempty"`
	// OtherNames are more names that clients use. GivenNames are those that a
	// person named, as far as they are not all recorded.
	OtherNames []string `json:"otherNames,omitempty"`
	GivenNames []string `json:"givenNames,omitempty"`

	SubscriptionID string `json:"subscriptionId"`
	ResourceGroup  string `json:"resourceGroup"`
	Location       string `json:"location"`
	// GatewayID is the resource id of the Application Gateway, "" for V1.
	GatewayID string `json:"gatewayId,omitempty"`

	// Prefix is the deployment prefix from arcgis-deployment-info.
	Prefix string `json:"prefix,omitempty"`
	// ServerContext and PortalContext are the URL path segments ("server", "portal").
	ServerContext string `json:"serverContext,omitempty"`
	PortalContext string `json:"portalContext,omitempty"`
	// SecondContext is the context of GeoEvent at a stand-alone server site.
	SecondContext string `json:"secondContext,omitempty"`
	// ServerRole is "HostingServer" for a base deployment, else the role.
	ServerRole     string   `json:"serverRole,omitempty"`
	DataStoreTypes []string `json:"dataStoreTypes,omitempty"`

	Sites    []Site    `json:"sites,omitempty"`
	Machines []Machine `json:"machines,omitempty"`
	Storage  *Storage  `json:"storage,omitempty"`
	// InternalCertificates is "self-signed", "user-provided" or "" when not recorded (before 11.0).
	InternalCertificates string `json:"internalCertificates,omitempty"`

	// Network is where the machines are, as recorded.
	Network *Network `json:"network,omitempty"`
	// Addresses are the gateway's frontends: what the names should resolve to.
	Addresses []Address `json:"addresses,omitempty"`
	// Recorded is when Cloud Builder last wrote arcgis-deployment-info, zero
	// when that is not readable.
	Recorded time.Time `json:"recorded,omitzero"`
	// Record holds the other arcgis-deployment-* tags, by the rest of their
	// names ("autovmshutdown"), as text that is safe to show.
	Record map[string]string `json:"record,omitempty"`

	// Problems say what is wrong with the record, empty for a sound one.
	Problems []Problem `json:"problems,omitempty"`
	// Alone tells that nothing but the gateway was looked at.
	Alone bool `json:"alone,omitempty"`
	// SharedWith is the id of the deployment in whose gateway a stand-alone site
	// has listeners of its own, "" when the gateway is this deployment's.
	SharedWith string `json:"sharedWith,omitempty"`
	// ManagedBy names the program that writes the gateway by itself and may take
	// changes back, "" when none is known.
	ManagedBy string `json:"managedBy,omitempty"`
	// CannotUpdate is the reason why Cartouche cannot renew the certificate
	// here, "" when it can.
	CannotUpdate string `json:"cannotUpdate,omitempty"`

	// Gateway is the gateway document as the query returned it: eventually
	// consistent, good for a list, never for a decision. Nil when there is none.
	Gateway *cloud.Gateway `json:"-"`
}

// Names are the DNS names that the certificate must cover.
func (d Deployment) Names() []string {
	var names []string
	for _, name := range append([]string{d.Domain, d.SecondaryDomain}, d.OtherNames...) {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// Site is a server site federated with the base deployment.
type Site struct {
	// ID is the federated deployment's id.
	ID             string   `json:"id"`
	Role           string   `json:"role"`
	ServerContext  string   `json:"serverContext"`
	SecondContext  string   `json:"secondContext,omitempty"`
	Version        string   `json:"version"`
	Functions      []string `json:"functions,omitempty"`
	ResourceGroup  string   `json:"resourceGroup,omitempty"`
	Location       string   `json:"location,omitempty"`
	Prefix         string   `json:"prefix,omitempty"`
	StorageAccount string   `json:"storageAccount,omitempty"`
	// Recorded is when Cloud Builder wrote the site's tag, zero when unreadable.
	Recorded time.Time `json:"recorded,omitzero"`
}

// Machine is a virtual machine of the deployment.
type Machine struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// DeploymentID is the id on the machine's own tag: the base deployment's
	// or that of a federated site.
	DeploymentID  string   `json:"deploymentId"`
	Roles         []string `json:"roles"`
	ResourceGroup string   `json:"resourceGroup"`
	// OS is "linux" or "windows", Interfaces are the ids of the network
	// interfaces; both are empty where the machine was not read whole.
	OS         string   `json:"-"`
	Interfaces []string `json:"-"`
}

// Storage is the deployment's storage account.
type Storage struct {
	Account       string `json:"account"`
	BlobEndpoint  string `json:"blobEndpoint"`
	ResourceGroup string `json:"resourceGroup"`
	// AzureFiles tells whether the file share is Azure Files, Authentication
	// how the account is entered ("AccessKey"), "" where not recorded.
	AzureFiles     bool   `json:"azureFiles,omitempty"`
	Authentication string `json:"authentication,omitempty"`
}

// Network is a subnet of a virtual network.
type Network struct {
	Name          string `json:"name"`
	ResourceGroup string `json:"resourceGroup"`
	Subnet        string `json:"subnet"`
}

// Address is one frontend of a gateway.
type Address struct {
	// IP is empty when the address was not readable or is not yet assigned.
	IP string `json:"ip,omitempty"`
	// Name is the DNS name that Azure gives to a public address, if any.
	Name    string `json:"name,omitempty"`
	Private bool   `json:"private"`
	// Network is where a private address is.
	Network *Network `json:"network,omitempty"`
}

// Problem is something wrong with the record of a deployment.
type Problem struct {
	Code     string `json:"code"`
	Sentence string `json:"sentence"`
}
