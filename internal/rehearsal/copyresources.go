package rehearsal

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
)

// add adds a document once, and the resource group that it is in.
func (c *copier) add(document tree) {
	id, _ := document["id"].(string)
	if key := strings.ToLower(id); id != "" && !c.have[key] {
		c.have[key] = true
		c.addGroup(id)
		c.resources = append(c.resources, document)
	}
}

func (c *copier) addGroup(id string) {
	parsed, err := cloud.ParseResourceID(id)
	if err != nil {
		return
	}
	c.subscription(parsed.SubscriptionID)
	if !strings.EqualFold(parsed.SubscriptionID, c.shape.Subscription) {
		c.missing("resource " + parsed.Name + " is in another subscription, where the rehearsal grants nothing")
		return
	}
	if !slices.ContainsFunc(c.groups, func(g string) bool { return strings.EqualFold(g, parsed.ResourceGroup) }) {
		c.groups = append(c.groups, parsed.ResourceGroup)
	}
}

// document is the gateway's, without what only a real one has: keys of its
// certificates, which the world makes, and an operation under way.
func (c *copier) document() tree {
	document := tree(cloud.Document(c.shape.Gateway).Clone())
	delete(document, "etag")
	properties, _ := document["properties"].(tree)
	for _, name := range []string{"provisioningState", "operationalState"} {
		delete(properties, name)
	}
	document["location"] = cmp.Or(c.gateway.Location(), c.shape.Deployment.Location, "westeurope")
	known := map[string]bool{}
	for _, entry := range c.shape.Entries {
		known[strings.ToLower(entry.Name)] = true
	}
	for _, left := range c.shape.LeftOut {
		c.missing("property " + left + " of the gateway: it may be secret, and was left out")
	}
	for _, collection := range []string{"trustedClientCertificates", "authenticationCertificates", "sslProfiles"} {
		if len(children(document, collection)) > 0 {
			c.missing(collection + " of the gateway: the rehearsal's gateway keeps them and does not obey them")
		}
	}
	for name, why := range map[string]string{"firewallPolicy": "the web application firewall", "webApplicationFirewallConfiguration": "the web application firewall", "autoscaleConfiguration": "autoscaling"} {
		if properties[name] != nil {
			c.missing(why + ": it is in the document, and nothing is filtered or scaled")
		}
	}
	if len(children(document, "listeners")) > 0 || len(children(document, "routingRules")) > 0 {
		c.missing("listeners of TCP and TLS: they are in the document, and nothing listens")
	}
	return document
}

// addPublicAddresses adds those of the gateway's frontends. One that nobody
// told gets an address of the range for documentation.
func (c *copier) addPublicAddresses() {
	told := map[string]int{}
	for i, address := range c.shape.Addresses {
		told[strings.ToLower(address.ID)] = i + 1
	}
	for i, frontend := range children(c.shape.Gateway, "frontendIPConfigurations") {
		properties, _ := frontend["properties"].(tree)
		reference, _ := properties["publicIPAddress"].(tree)
		id, _ := reference["id"].(string)
		if id == "" {
			continue
		}
		ip, name := fmt.Sprintf("192.0.2.%d", i+1), ""
		if at := told[strings.ToLower(id)]; at > 0 {
			ip, name = c.shape.Addresses[at-1].IP, c.shape.Addresses[at-1].Name
		}
		inner := tree{"provisioningState": "Succeeded", "ipAddress": ip, "publicIPAllocationMethod": "Static", "publicIPAddressVersion": "IPv4"}
		if frontendID, _ := frontend["id"].(string); frontendID != "" {
			inner["ipConfiguration"] = tree{"id": frontendID}
		}
		if name != "" {
			label, _, _ := strings.Cut(name, ".")
			inner["dnsSettings"] = tree{"domainNameLabel": label, "fqdn": name}
		}
		c.add(tree{"id": id, "location": c.shape.Deployment.Location, "sku": tree{"name": "Standard"}, "properties": inner})
	}
}

// addZones adds the private DNS zones by which Esri's Terraform modules tell
// the names of a deployment.
func (c *copier) addZones() {
	d := c.shape.Deployment
	if d.Generation != deployment.GitOps {
		return
	}
	for _, name := range append([]string{d.Domain, d.Secondary}, d.OtherNames...) {
		if name != "" {
			c.add(tree{"id": "/subscriptions/" + c.shape.Subscription + "/resourceGroups/" + c.gateway.ResourceGroup() + "/providers/Microsoft.Network/privateDnsZones/" + name, "location": "global",
				"tags": tree{"ArcGISEnterpriseID": d.Enterprise, "ArcGISIngressID": d.Ingress}, "properties": tree{"provisioningState": "Succeeded"}})
		}
	}
}

// addStorage adds the account from which machines fetch.
func (c *copier) addStorage(in cloud.Cloud) {
	d := c.shape.Deployment
	account, group, tags := "", c.gateway.ResourceGroup(), tree{}
	switch {
	case d.Storage != nil && cloud.IsStorageName(d.Storage.Account):
		account, group = d.Storage.Account, cmp.Or(d.Storage.ResourceGroup, group)
	case d.Generation == deployment.GitOps:
		// Its name is not in the shape; by its tag it is found.
		account, tags = "cartoucherehearsal", tree{"ArcGISEnterpriseID": d.Enterprise}
	default:
		return
	}
	suffix := map[string]string{"public": "core.windows.net", "usgov": "core.usgovcloudapi.net", "china": "core.chinacloudapi.cn"}[in.Name]
	c.add(tree{"id": "/subscriptions/" + c.shape.Subscription + "/resourceGroups/" + group + "/providers/Microsoft.Storage/storageAccounts/" + account, "kind": "StorageV2", "location": d.Location, "tags": tags,
		"sku": tree{"name": "Standard_LRS", "tier": "Standard"}, "properties": tree{"provisioningState": "Succeeded", "supportsHttpsTrafficOnly": true, "primaryEndpoints": tree{"blob": "https://" + account + ".blob." + suffix + "/"}}})
}

var resourceText = regexp.MustCompile(`(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/[^/]+/[^/]+/[^/]+(/|$)`)

// addLinked adds what else the gateway's document refers to: subnets with their
// networks, policies.
func (c *copier) addLinked() {
	own := strings.ToLower(c.gateway.ID())
	subnets := map[string][]any{}
	var networks []string
	var walk func(value any)
	walk = func(value any) {
		switch v := value.(type) {
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		case tree:
			for _, inner := range v {
				walk(inner)
			}
			id, _ := v["id"].(string)
			if strings.HasPrefix(strings.ToLower(id)+"/", own+"/") || !resourceText.MatchString(id) {
				return
			}
			if network, subnet, ok := strings.Cut(id, "/subnets/"); ok {
				if subnets[network] == nil {
					networks = append(networks, network)
				}
				one := tree{"name": subnet, "id": id, "properties": tree{"provisioningState": "Succeeded"}}
				if !slices.ContainsFunc(subnets[network], func(known any) bool { return strings.EqualFold(known.(tree)["name"].(string), subnet) }) {
					subnets[network] = append(subnets[network], one)
				}
				return
			}
			if strings.Contains(id, "/networkInterfaces/") || len(strings.Split(id, "/")) != 9 {
				return // a part of something, or a machine's
			}
			c.add(tree{"id": id, "location": c.shape.Deployment.Location, "properties": tree{"provisioningState": "Succeeded"}})
		}
	}
	walk(c.shape.Gateway["properties"])
	slices.Sort(networks)
	for _, network := range networks {
		c.add(tree{"id": network, "location": c.shape.Deployment.Location, "properties": tree{"provisioningState": "Succeeded", "addressSpace": tree{"addressPrefixes": []string{"10.0.0.0/8"}}, "subnets": subnets[network]}})
	}
}
