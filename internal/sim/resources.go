package sim

import (
	"context"
	"fmt"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/sim/arm"
)

// addResources fills the Resource Manager with everything of a deployment but
// its gateway.
func (p place) addResources(manager *arm.Server) error {
	for _, group := range p.groups() {
		manager.AddGroup(p.subscription, group, p.location, nil)
	}
	documents := append([]tree{p.network()}, p.publicAddresses()...)
	if p.Storage != "" {
		documents = append(documents, p.storageAccount())
	}
	var vms []string
	for _, m := range p.Machines {
		documents = append(documents, p.machineDocuments(p.Group, p.deploymentID(), availabilitySet(p.Prefix, p.Machines, m), m)...)
		vms = append(vms, p.id("Microsoft.Compute/virtualMachines", m.Name))
	}
	documents = append(documents, p.availabilitySets()...)
	for _, site := range p.Sites {
		set := site.Prefix + "AvailabilitySet-" + site.Context
		documents = append(documents, tree{
			"id": p.idIn(site.Group, "Microsoft.Compute/availabilitySets", set), "location": p.location, "sku": tree{"name": "Aligned"},
			// guess: which of the two ids is the site's and which the base's.
			"tags":       tree{"arcgis-deployment-id": p.siteID(site), "arcgis-federated-deployment-id": p.deploymentID()},
			"properties": tree{"platformFaultDomainCount": 2, "platformUpdateDomainCount": 5},
		})
		for _, m := range site.Machines {
			documents = append(documents, p.machineDocuments(site.Group, p.siteID(site), set, m)...)
			vms = append(vms, p.idIn(site.Group, "Microsoft.Compute/virtualMachines", m.Name))
		}
	}
	if err := p.add(manager, documents); err != nil {
		return err
	}
	for _, id := range vms {
		manager.SetInstanceView(id, instanceView())
	}
	return nil
}

func (p place) add(manager *arm.Server, documents []tree) error {
	for _, document := range documents {
		if err := manager.Add(document); err != nil {
			return err
		}
	}
	return nil
}

func (p place) network() tree {
	subnet := func(name, prefix string) tree {
		return tree{"name": name, "id": p.networkID() + "/subnets/" + name, "properties": tree{"addressPrefix": prefix, "provisioningState": "Succeeded"}}
	}
	gateways := subnet("appgateway", "10.16.0.0/24")
	if p.Public == "" && p.UnusedPublic == "" {
		// Source: learn.microsoft.com/azure/application-gateway/application-gateway-private-deployment:
		// without a public address the subnet must be delegated.
		gateways["properties"].(tree)["delegations"] = []any{tree{"name": "gateways", "properties": tree{"serviceName": "Microsoft.Network/applicationGateways"}}}
	}
	subnets := []any{subnet("default", "10.0.0.0/12"), gateways}
	if p.Kind == kindV1 {
		subnets = subnets[:1]
	}
	return tree{"id": p.networkID(), "location": p.location, "properties": tree{"provisioningState": "Succeeded", "addressSpace": tree{"addressPrefixes": []string{"10.0.0.0/8"}}, "subnets": subnets}}
}

func (p place) storageAccount() tree {
	return tree{"id": p.id("Microsoft.Storage/storageAccounts", p.Storage), "kind": "StorageV2", "location": p.location, "sku": tree{"name": "Standard_LRS", "tier": "Standard"},
		"properties": tree{"provisioningState": "Succeeded", "supportsHttpsTrafficOnly": true, "primaryEndpoints": tree{"blob": "https://" + p.Storage + ".blob." + p.cloud.BlobSuffix + "/"}}}
}

// tierOf names the availability set by what runs on a machine; a machine with
// several roles is of the base deployment's own set.
var tierOf = map[string]string{"Server": "Server", "Portal": "Portal", "DataStore": "DataStore", "SpatiotemporalDataStore": "SpatiotemporalDataStore",
	"GraphDataStore": "GraphDataStore", "TileCacheDataStore": "TileCacheDataStore", "FileShare": "FileShare",
	// guess: the role of a V1 web proxy is called as its availability set.
	"WebProxy": "WebProxy"}

func availabilitySet(prefix string, all []machine, m machine) string {
	if len(m.Roles) != 1 {
		return prefix + "AvailabilitySet-BaseDeployment"
	}
	if m.Roles[0] == "FileShare" || len(with(all, m.Roles[0])) == 0 {
		return "" // stands alone
	}
	return prefix + "AvailabilitySet-" + tierOf[m.Roles[0]]
}

func (p place) availabilitySets() []tree {
	var out []tree
	seen := map[string]bool{"": true}
	for _, m := range p.Machines {
		set := availabilitySet(p.Prefix, p.Machines, m)
		if !seen[set] {
			seen[set] = true
			out = append(out, tree{"id": p.id("Microsoft.Compute/availabilitySets", set), "location": p.location, "sku": tree{"name": "Aligned"},
				"tags": tree{"arcgis-deployment-id": p.deploymentID()}, "properties": tree{"platformFaultDomainCount": 2, "platformUpdateDomainCount": 5}})
		}
	}
	return out
}

// machineDocuments are a virtual machine and its network interface.
func (p place) machineDocuments(group, deployment, set string, m machine) []tree {
	nic := p.idIn(group, "Microsoft.Network/networkInterfaces", m.Name+"-nic")
	vm := p.idIn(group, "Microsoft.Compute/virtualMachines", m.Name)
	_, suffix, _ := strings.Cut(p.fqdn(m), ".")
	properties := tree{
		"vmId": uniqueString(vm), "provisioningState": "Succeeded", "hardwareProfile": tree{"vmSize": "Standard_D4s_v5"},
		"osProfile":      tree{"computerName": m.Name, "adminUsername": "esriadmin", "windowsConfiguration": tree{"provisionVMAgent": true, "enableAutomaticUpdates": false}},
		"storageProfile": tree{"osDisk": tree{"osType": "Windows", "name": m.Name + "-OSDisk", "createOption": "FromImage", "diskSizeGB": 128}},
		"networkProfile": tree{"networkInterfaces": []any{tree{"id": nic}}},
	}
	if set != "" {
		properties["availabilitySet"] = tree{"id": p.idIn(group, "Microsoft.Compute/availabilitySets", set)}
	}
	return []tree{
		{"id": vm, "location": p.location, "properties": properties,
			"tags": tree{"arcgis-deployment-id": deployment, "arcgis-vm-roles": strings.Join(m.Roles, ","), "displayName": m.Name}},
		{"id": nic, "location": p.location, "properties": tree{"provisioningState": "Succeeded", "virtualMachine": tree{"id": vm},
			"dnsSettings": tree{"internalDomainNameSuffix": suffix}, "ipConfigurations": []any{tree{"name": "ipconfig", "properties": tree{"privateIPAddress": m.Address, "primary": true, "subnet": tree{"id": p.networkID() + "/subnets/default"}}}}}},
	}
}

// Source: Azure REST reference, Virtual Machines - Instance View.
func instanceView() tree {
	return tree{
		"vmAgent": tree{"vmAgentVersion": "2.7.41491.1172", "statuses": []any{tree{"code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Ready", "message": "GuestAgent is running and processing the extensions."}}},
		"statuses": []any{
			tree{"code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Provisioning succeeded"},
			tree{"code": "PowerState/running", "level": "Info", "displayStatus": "VM running"},
		},
	}
}

// place of a neighbour, in the subscription of another.
func (n neighbour) place(near place) place {
	near.deployment = deployment{Prefix: n.Prefix, Group: n.Group, Version: n.Version, Domain: n.Domain, Gateway: n.Gateway, Public: n.Public}
	return near
}

// addNeighbour adds something that is not a deployment, or not a whole one.
func (w *World) addNeighbour(ctx context.Context, n neighbour) error {
	p, manager := n.place(w.places[0]), w.manager
	manager.AddGroup(p.subscription, n.Group, p.location, nil)
	address := p.publicAddress()
	switch n.Kind {
	case "bare":
		return w.addBare(ctx, n, p)
	case kindV1:
		return manager.Add(p.v1Address())
	case "half-tagged":
		if err := manager.Add(address); err != nil {
			return err
		}
		if err := manager.Add(p.network()); err != nil {
			return err
		}
		document := p.gatewayDocument(nil, nil)
		properties := document["properties"].(tree)
		// Somebody removed the certificate's listener and most of the tags.
		properties["sslCertificates"], properties["httpListeners"], properties["requestRoutingRules"], properties["redirectConfigurations"] = []any{}, []any{}, []any{}, []any{}
		document["tags"] = tree{"arcgis-deployment-id": p.deploymentID(), "arcgis-deployment-version": n.Version}
		return manager.AddGateway(ctx, document, nil)
	}
	return fmt.Errorf("neighbour %s: there is no kind %q", n.Prefix, n.Kind)
}
