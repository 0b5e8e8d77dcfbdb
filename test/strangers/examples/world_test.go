package examples

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"os"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/arm"
)

// stage is a world in which what the examples are about exists.
type stage struct {
	world        *sim.World
	subscription string
	variables    []string
}

func setUp(t *testing.T) *stage {
	t.Helper()
	world, err := sim.Start(t.Context(), sim.Options{World: "ha", Scale: 600})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := world.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &stage{world: world, variables: os.Environ()}
	for _, variable := range world.Environment() {
		s.variables = append(s.variables, variable.Name+"="+variable.Value)
		if variable.Name == "AZURE_SUBSCRIPTION_ID" {
			s.subscription = variable.Value
		}
	}
	owner := world.Grants()[0].Principal
	world.Manager().SetGrants(arm.RoleGrant(owner, "/subscriptions/"+s.subscription, "Owner"))
	world.Manager().SetDenies(arm.Deny{Scope: "/subscriptions/" + s.subscription, Name: "somebody-else",
		Principals: []string{"99999999-9999-4999-8999-999999999999"}, Excluded: []string{owner}, Actions: []string{"*/delete"}, DataActions: []string{"Microsoft.KeyVault/vaults/*/purge/action"}})
	if err := s.furnish(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// id is a resource id in the world's subscription.
func (s *stage) id(group, kind, name string) string {
	return "/subscriptions/" + s.subscription + "/resourceGroups/" + group + "/providers/" + kind + "/" + name
}

type tree = map[string]any

// furnish puts into the world what the examples take for granted.
func (s *stage) furnish(ctx context.Context) error {
	manager := s.world.Manager()
	for _, group := range []string{"rg1", "rgname", "myResourceGroup", "rgcompute", "crptestar98131"} {
		manager.AddGroup(s.subscription, group, "westus", nil)
	}
	subnet := func(name string) tree { return tree{"name": name} }
	documents := []tree{
		{"id": s.id("rg1", "Microsoft.Network/publicIPAddresses", "appgwpip"), "location": "eastus", "properties": tree{"ipAddress": "203.0.113.77"}},
		{"id": s.id("rg1", "Microsoft.Network/virtualNetworks", "vnet"), "location": "eastus", "properties": tree{"subnets": []any{subnet("appgwsubnet"), subnet("subnet1")}}},
	}
	for _, machine := range [][2]string{{"myResourceGroup", "myVM"}, {"rgcompute", "aaaaaaaaaaaaaaaaaaaaaaaa"}, {"crptestar98131", "vm3036"}} {
		documents = append(documents, tree{"id": s.id(machine[0], "Microsoft.Compute/virtualMachines", machine[1]), "location": "westus"})
	}
	for _, document := range documents {
		if err := manager.Add(document); err != nil {
			return err
		}
	}
	// The gateway is there before the example writes it: worlds do not create any.
	return manager.AddGateway(ctx, tree{
		"id": s.id("rg1", "Microsoft.Network/applicationGateways", "appgw"), "name": "appgw", "type": "Microsoft.Network/applicationGateways", "location": "eastus",
		"properties": tree{"sku": tree{"name": "Standard_v2", "tier": "Standard_v2"}},
	}, nil)
}

// placeholders are what a reader of the examples has to fill in: a subscription
// of their own, a certificate where the example has stars, a vault that exists.
// What is given goes before what all examples have in common.
func (s *stage) placeholders(given []string) *strings.Replacer {
	issued, pfx, password := s.world.NewCertificate()
	gateway := strings.Split(s.world.Deployments()[0].GatewayID, "/")
	own := strings.NewReplacer("{subscription}", s.subscription, "{group}", gateway[4], "{gateway}", gateway[8],
		"{vault-group}", "gis-vaults", "{vault}", "oldvault", "{identity-group}", "gis-enterprise", "{identity}", "entGatewayIdentity")
	var pairs []string
	for _, text := range given {
		pairs = append(pairs, own.Replace(text))
	}
	identity := s.id("gis-enterprise", "Microsoft.ManagedIdentity/userAssignedIdentities", "entGatewayIdentity")
	pairs = append(pairs,
		"/subscriptions/subid/resourceGroups/rg1/providers/Microsoft.ManagedIdentity/userAssignedIdentities/identity1", identity,
		"https://kv/secret", "https://oldvault.vault.azure.net/secrets/maps",
		"<runAsPassword>", rand.Text(),
		`Data:     to.Ptr("****")`, `Data: to.Ptr("`+base64.StdEncoding.EncodeToString(pfx)+`")`,
		`Password: to.Ptr("****")`, `Password: to.Ptr("`+password+`")`,
		`Data: to.Ptr("****")`, `Data: to.Ptr("`+base64.StdEncoding.EncodeToString(issued.Chain[len(issued.Chain)-1].Raw)+`")`,
		"/subscriptions/subid/", "/subscriptions/"+s.subscription+"/",
	)
	for _, anybody := range []string{"<subscription-id>", "{subscription-id}", "24fb23e3-6ba3-41f0-9b6e-e41131d5d61e", "cfbbd179-59d2-4052-aa06-9270a38aa9d6",
		"00000000-0000-0000-0000-000000000000", "a925f2f7-5c63-4b7b-8799-25a5f97bc3b2"} {
		pairs = append(pairs, anybody, s.subscription)
	}
	return strings.NewReplacer(pairs...)
}
