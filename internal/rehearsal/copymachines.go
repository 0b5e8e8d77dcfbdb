package rehearsal

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/shape"
)

// machines are the virtual machines, with their documents.
func (c *copier) machines() []any {
	list := []any{}
	free := c.freeAddresses()
	var unseen []string
	for i, m := range c.shape.Machines {
		address := c.addressOf(m)
		if address == "" && len(m.Interfaces) > 0 && len(c.poolsOf(m)) > 0 && len(free) > 0 {
			address, free = free[0], free[1:]
		}
		if address == "" {
			address = fmt.Sprintf("10.254.%d.%d", i/250, i%250+4) // nobody tells it
		}
		free = slices.DeleteFunc(free, func(one string) bool { return one == address })
		c.addresses[strings.ToLower(m.Host)] = address
		list = append(list, tree{"name": m.Name, "fqdn": m.Host, "id": m.ID, "os": m.OS, "off": m.Off, "address": address, "roles": m.Roles})
		if m.ID != "" {
			c.addMachine(m, address)
		}
		if m.Off {
			c.missing("machine " + m.Name + " does not run; it does not in the rehearsal, either")
		}
		if !m.Looked && len(m.Components) > 0 && !m.Off {
			unseen = append(unseen, m.Name)
		}
	}
	if len(unseen) > 0 {
		c.missing("what is in the keystores of " + strings.Join(unseen, ", ") + ", which were not looked at: keystores and settings are as Cloud Builder makes them, certificates as the gateway's trusted roots tell")
	}
	return list
}

// freeAddresses are those at which the gateway asks its backends.
func (c *copier) freeAddresses() []string {
	var list []string
	for _, server := range c.shape.Health {
		if net.ParseIP(server.Address) != nil && !slices.Contains(list, server.Address) {
			list = append(list, server.Address)
		}
	}
	return list
}

// addressOf is a machine's address as far as something tells it: its own
// certificate may name it.
func (c *copier) addressOf(m shape.Machine) string {
	if net.ParseIP(m.Host) != nil {
		return m.Host
	}
	for _, component := range m.Components {
		if len(component.Chain) == 0 {
			continue
		}
		for _, name := range c.certificates[component.Chain[0]].Names {
			if ip := net.ParseIP(name); ip != nil && ip.IsPrivate() {
				return name
			}
		}
	}
	return ""
}

// poolsOf are the ids of the pools that a machine's interfaces are in, by the
// configuration that is.
func (c *copier) poolsOf(m shape.Machine) map[string][]string {
	pools := map[string][]string{}
	for _, child := range children(c.shape.Gateway, "backendAddressPools") {
		properties, _ := child["properties"].(tree)
		list, _ := properties["backendIPConfigurations"].([]any)
		for _, item := range list {
			reference, _ := item.(tree)
			id, _ := reference["id"].(string)
			nic, _, _ := strings.Cut(id, "/ipConfigurations/")
			if slices.ContainsFunc(m.Interfaces, func(own string) bool { return cloud.SameID(own, nic) }) {
				name, _ := child["name"].(string)
				pools[id] = append(pools[id], c.gateway.ID()+"/backendAddressPools/"+name)
			}
		}
	}
	return pools
}

func children(document tree, collection string) []tree {
	properties, _ := document["properties"].(tree)
	list, _ := properties[collection].([]any)
	var out []tree
	for _, item := range list {
		if child, ok := item.(tree); ok {
			out = append(out, child)
		}
	}
	return out
}

// addMachine adds the documents of a virtual machine and its interfaces, with
// the tags that discovery goes by.
func (c *copier) addMachine(m shape.Machine, address string) {
	d := c.shape.Deployment
	tags := tree{"arcgis-vm-roles": strings.Join(m.Roles, ",")}
	if m.DeploymentID != "" {
		tags["arcgis-deployment-id"] = m.DeploymentID
	}
	if d.Generation == deployment.GitOps {
		tags = tree{"ArcGISEnterpriseID": d.Enterprise, "ArcGISDeploymentID": m.DeploymentID, "ArcGISRole": strings.Join(m.Roles, ",")}
	}
	var nics []any
	pools := c.poolsOf(m)
	for _, id := range m.Interfaces {
		nics = append(nics, tree{"id": id})
		configurations := []any{}
		for configuration, in := range pools {
			if nic, name, _ := strings.Cut(configuration, "/ipConfigurations/"); cloud.SameID(nic, id) {
				references := []any{}
				for _, pool := range in {
					references = append(references, tree{"id": pool})
				}
				configurations = append(configurations, tree{"name": name, "id": configuration, "properties": tree{"privateIPAddress": address, "primary": true, "applicationGatewayBackendAddressPools": references}})
			}
		}
		if len(configurations) == 0 {
			configurations = append(configurations, tree{"name": "ipconfig", "id": id + "/ipConfigurations/ipconfig", "properties": tree{"privateIPAddress": address, "primary": true}})
		}
		c.add(tree{"id": id, "location": d.Location, "properties": tree{"provisioningState": "Succeeded", "virtualMachine": tree{"id": m.ID}, "ipConfigurations": configurations}})
	}
	system, profile := "Windows", tree{"computerName": m.Name, "adminUsername": "unknown", "windowsConfiguration": tree{"provisionVMAgent": true}}
	if m.OS == "linux" {
		system, profile = "Linux", tree{"computerName": m.Name, "adminUsername": "unknown", "linuxConfiguration": tree{"provisionVMAgent": true}}
	}
	properties := tree{"provisioningState": "Succeeded", "osProfile": profile, "networkProfile": tree{"networkInterfaces": nics}}
	if m.OS != "" {
		properties["storageProfile"] = tree{"osDisk": tree{"osType": system}}
	}
	c.add(tree{"id": m.ID, "location": d.Location, "tags": tags, "properties": properties})
}
