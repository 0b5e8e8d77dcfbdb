package sim

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"fmt"

	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/vault"
)

// kindGitOps is an enterprise of Esri's Terraform modules. Its prefix is the
// enterprise's id. Source of everything here: Esri/arcgis-gitops,
// azure/arcgis-enterprise-core/{infrastructure-core,ingress},
// azure/arcgis-enterprise-base-linux/infrastructure and azure/modules/backend_cert.
const kindGitOps = "gitops"

func (p place) coreGroup() string { return p.Prefix + "-infrastructure-core" }
func (p place) baseGroup() string { return p.Prefix + "-" + p.Base + "-rg" }

// machineGroup is the resource group of the deployment's own machines.
func (p place) machineGroup() string {
	if p.Kind == kindGitOps {
		return p.baseGroup()
	}
	return p.Group
}

// groups are the resource groups of a deployment, its gateway's first.
func (p place) groups() []string {
	if p.Copy != nil {
		return p.Copy.Groups
	}
	groups := []string{p.Group}
	if p.Kind == kindGitOps {
		groups = append(groups, p.coreGroup(), p.baseGroup())
	}
	for _, s := range p.Sites {
		groups = append(groups, s.Group)
	}
	return groups
}

// startGitOps brings up an enterprise: an authority of its own for what is
// behind the gateway, machines that have certificates from there, and the
// gateway, whose certificate is in the enterprise's vault.
func (w *World) startGitOps(ctx context.Context, p place, certificate *authority.Issued) error {
	root, err := w.authority.NewInternal("Internal Root CA", p.Prefix, 20)
	if err != nil {
		return err
	}
	for _, group := range p.groups() {
		w.addGroup(p.subscription, group)
	}
	if err := p.add(w.manager, p.gitopsResources()); err != nil {
		return err
	}
	for _, m := range p.Machines {
		w.manager.SetInstanceView(p.idIn(p.baseGroup(), "Microsoft.Compute/virtualMachines", m.Name), instanceView())
	}
	s := &starter{world: w, place: p, anchors: map[string][]*x509.Certificate{}, pairs: map[string]*authority.Issued{}, root: root.Certificate}
	for _, m := range p.Machines {
		// One for each machine, by its address; portal and server share it.
		if s.pairs[p.fqdn(m)], err = w.authority.Issue(authority.Spec{Names: []string{m.Address}, Via: root, WithRoot: true, WithoutAIA: true, NotAfter: w.ground.Clock.Now().AddDate(5, 0, 0)}); err != nil {
			return err
		}
	}
	if err := s.startBase(); err != nil {
		return err
	}
	document := p.gitopsGateway(root.Certificate)
	if p.Certificate == nil {
		entry, err := certificateEntry("cert", certificate)
		if err != nil {
			return err
		}
		document["properties"].(tree)["sslCertificates"] = []any{entry}
	}
	if err := w.refer(p, document); err != nil {
		return err
	}
	if err := w.manager.AddGateway(ctx, document, w.newPlane(p.Gateway)); err != nil {
		return err
	}
	w.addNames(p)
	w.ground.Inside.Name(p.Domain, p.Private) // a private DNS zone of exactly that name
	return w.keepSecrets(p, root)
}

// keepSecrets puts into the enterprise's vault what its modules tell each
// other there.
func (w *World) keepSecrets(p place, root *authority.Issuer) error {
	if p.Certificate == nil {
		return nil
	}
	identity, _ := w.identityNamed(p.Identity)
	pools, err := json.Marshal(map[string]string{"enterprise-base": p.poolID("enterprise-base"), "notebook-server": p.poolID("notebook-server")})
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		p.Ingress + "-ca-private-key":        string(root.KeyPEM()),
		p.Ingress + "-ca-root-cert":          string(root.PEM()),
		p.Ingress + "-ingress-fqdn":          p.Domain,
		p.Ingress + "-backend-address-pools": string(pools),
		p.Base + "-deployment-fqdn":          p.Domain,
		p.Base + "-deployment-url":           "https://" + p.Domain + "/portal",
		p.Base + "-portal-web-context":       "portal",
		p.Base + "-backend-pfx-password":     rand.Text(),
		"vnet-id":                            p.networkID(),
		"vm-identity-id":                     fmt.Sprint(identity["id"]),
		"storage-account-name":               p.gitopsStorage(),
	} {
		if _, err := w.vault.Put(p.Certificate.Vault, name, vault.Seed{Value: value, Tags: map[string]string{"ArcGISEnterpriseID": p.Prefix}}); err != nil {
			return err
		}
	}
	return nil
}

// gitopsStorage is the enterprise's storage account.
func (p place) gitopsStorage() string {
	return p.Prefix + uniqueString(p.subscription, p.coreGroup())
}

func (p place) poolID(name string) string { return p.gatewayID() + "/backendAddressPools/" + name }

func (p place) firewallID() string {
	return p.id("Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies", p.Gateway+"-waf")
}

func (p place) enterpriseTags(more ...string) tree {
	tags := tree{"ArcGISEnterpriseID": p.Prefix}
	for i := 0; i+1 < len(more); i += 2 {
		tags[more[i]] = more[i+1]
	}
	return tags
}

// gitopsResources is everything of an enterprise but gateway, vault and identity.
func (p place) gitopsResources() []tree {
	subnet := func(name, prefix string) tree {
		return tree{"name": name, "id": p.networkID() + "/subnets/" + name, "properties": tree{"addressPrefix": prefix, "provisioningState": "Succeeded"}}
	}
	ingress := p.enterpriseTags("ArcGISIngressID", p.Ingress)
	address := p.addressDocument(p.publicID(), p.Public, p.Gateway, "public-frontend")
	delete(address["properties"].(tree), "dnsSettings")
	address["tags"] = ingress
	list := []tree{
		{"id": p.networkID(), "location": p.location, "tags": p.enterpriseTags(), "properties": tree{"provisioningState": "Succeeded", "addressSpace": tree{"addressPrefixes": []string{"10.0.0.0/8"}},
			"subnets": []any{subnet("app-gateway-subnet-2", "10.5.248.0/21"), subnet("private-subnet-1", "10.5.128.0/21")}}},
		address,
		{"id": p.firewallID(), "location": p.location, "properties": tree{"provisioningState": "Succeeded", "resourceState": "Enabled",
			"policySettings": tree{"state": "Enabled", "mode": "Detection", "requestBodyCheck": true, "fileUploadLimitInMb": 100, "maxRequestBodySizeInKb": 128},
			"managedRules":   tree{"managedRuleSets": []any{tree{"ruleSetType": "Microsoft_DefaultRuleSet", "ruleSetVersion": "2.1"}, tree{"ruleSetType": "Microsoft_BotManagerRuleSet", "ruleSetVersion": "1.1"}}},
		}},
		{"id": p.id("Microsoft.Network/privateDnsZones", p.Domain), "location": "global", "tags": ingress, "properties": tree{"provisioningState": "Succeeded", "numberOfRecordSets": 2}},
		{"id": p.idIn(p.coreGroup(), "Microsoft.Network/privateDnsZones", p.Prefix+".internal"), "location": "global", "tags": p.enterpriseTags(), "properties": tree{"provisioningState": "Succeeded"}},
		{"id": p.idIn(p.coreGroup(), "Microsoft.Storage/storageAccounts", p.gitopsStorage()), "kind": "StorageV2", "location": p.location, "sku": tree{"name": "Standard_LRS", "tier": "Standard"}, "tags": p.enterpriseTags(),
			"properties": tree{"provisioningState": "Succeeded", "supportsHttpsTrafficOnly": true, "primaryEndpoints": tree{"blob": "https://" + p.gitopsStorage() + ".blob." + p.cloud.BlobSuffix + "/"}}},
	}
	for _, m := range p.Machines {
		list = append(list, p.gitopsMachine(m)...)
	}
	return list
}

// gitopsMachine is a Linux machine and its network interface, which is in a
// pool of the gateway by its own document.
func (p place) gitopsMachine(m machine) []tree {
	nic := p.idIn(p.baseGroup(), "Microsoft.Network/networkInterfaces", m.Name+"-nic")
	vm := p.idIn(p.baseGroup(), "Microsoft.Compute/virtualMachines", m.Name)
	tags := p.enterpriseTags("ArcGISDeploymentID", p.Base, "ArcGISRole", m.Name)
	return []tree{
		{"id": vm, "location": p.location, "tags": tags, "properties": tree{
			"vmId": uniqueString(vm), "provisioningState": "Succeeded", "hardwareProfile": tree{"vmSize": "Standard_D8s_v5"},
			"osProfile":      tree{"computerName": m.Name, "adminUsername": "vmadmin", "linuxConfiguration": tree{"disablePasswordAuthentication": false, "provisionVMAgent": true}},
			"storageProfile": tree{"osDisk": tree{"osType": "Linux", "createOption": "FromImage", "diskSizeGB": 1024}},
			"networkProfile": tree{"networkInterfaces": []any{tree{"id": nic}}}}},
		{"id": nic, "location": p.location, "tags": tags, "properties": tree{"provisioningState": "Succeeded", "virtualMachine": tree{"id": vm},
			"ipConfigurations": []any{tree{"name": "internal", "id": nic + "/ipConfigurations/internal", "properties": tree{"privateIPAddress": m.Address, "privateIPAllocationMethod": "Dynamic", "primary": true,
				"subnet": tree{"id": p.networkID() + "/subnets/private-subnet-1"}, "applicationGatewayBackendAddressPools": []any{tree{"id": p.poolID("enterprise-base")}}}}}}},
	}
}
