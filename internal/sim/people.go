package sim

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/cartouche-gis/cartouche/internal/sim/arm"
	"github.com/cartouche-gis/cartouche/internal/sim/entra"
)

// settle decides who and what there is: the cloud, its tenants with their
// subscriptions, and the application that signs in.
func (w *World) settle() (err error) {
	if w.cloudWord = w.layout.Cloud; w.cloudWord == "" {
		w.cloudWord = "public"
	}
	if w.cloud, err = findCloud(w.cloudWord); err != nil {
		return err
	}
	w.tenant = entra.Tenant{ID: uuid.NewString(), Domain: w.layout.Tenant.Domain, Name: w.layout.Tenant.Name,
		Applications: []entra.Application{{ClientID: uuid.NewString(), ObjectID: uuid.NewString(), Name: "cartouche-operator", Secret: rand.Text()}}}
	subscribe := func(tenant string, names []string) {
		for _, name := range names {
			w.subscriptions = append(w.subscriptions, arm.Subscription{ID: cmp.Or(w.layout.SubscriptionIDs[name], uuid.NewString()), Name: name, Tenant: tenant})
		}
	}
	subscribe(w.tenant.ID, w.layout.Subscriptions)
	for _, other := range w.layout.OtherTenants {
		tenant := entra.Tenant{ID: uuid.NewString(), Domain: other.Domain, Name: other.Name}
		w.others = append(w.others, tenant)
		subscribe(tenant.ID, other.Subscriptions)
	}
	w.settlePeople()
	return nil
}

// subscriptionNamed is the id of a subscription of the first tenant.
func (w *World) subscriptionNamed(name string) (string, error) {
	for _, one := range w.subscriptions {
		if one.Tenant == w.tenant.ID && (name == "" || one.Name == name) {
			return one.ID, nil
		}
	}
	return "", fmt.Errorf("%s has no subscription %q: it has %s", w.tenant.Name, name, strings.Join(w.layout.Subscriptions, ", "))
}

// Tenant is a directory in world.json.
type Tenant struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Domain string `json:"domain"`
}

// Tenants are all directories; the first is the one with the deployments.
func (w *World) Tenants() []Tenant {
	var out []Tenant
	for _, tenant := range append([]entra.Tenant{w.tenant}, w.others...) {
		out = append(out, Tenant{ID: tenant.ID, Name: tenant.Name, Domain: tenant.Domain})
	}
	return out
}

func (w *World) armTenants() []arm.Tenant {
	var out []arm.Tenant
	for _, tenant := range w.Tenants() {
		out = append(out, arm.Tenant(tenant))
	}
	return out
}

// Subscription is a subscription in world.json.
type Subscription struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Tenant string `json:"tenantId"`
}

// Subscriptions are those of all tenants, the first tenant's first.
func (w *World) Subscriptions() []Subscription {
	var out []Subscription
	for _, one := range w.subscriptions {
		out = append(out, Subscription(one))
	}
	return out
}

// Grants are all role assignments of the world, first those of its service
// principal. Whoever runs rotations has what Cloud Builder's own documentation
// asks for: Reader on the subscriptions, Contributor on the resource groups.
func (w *World) Grants() []arm.Grant {
	grants := w.operatorGrants(w.tenant.Applications[0].ObjectID)
	grants = append(grants, w.vaultGrants(w.principals)...)
	for _, runner := range w.runners {
		grants = append(grants, w.operatorGrants(runner.ObjectID)...)
	}
	return append(grants, w.peopleGrants()...)
}

func (w *World) operatorGrants(principal string) []arm.Grant {
	var grants []arm.Grant
	for _, one := range w.subscriptions {
		if one.Tenant == w.tenant.ID {
			grants = append(grants, arm.RoleGrant(principal, "/subscriptions/"+one.ID, "Reader"))
		}
	}
	for _, p := range w.places {
		for _, group := range p.groups() {
			grants = append(grants, arm.RoleGrant(principal, "/subscriptions/"+p.subscription+"/resourceGroups/"+group, "Contributor"))
		}
	}
	for _, n := range w.layout.Neighbours {
		if n.Kind == "bare" {
			grants = append(grants, arm.RoleGrant(principal, "/subscriptions/"+w.places[0].subscription+"/resourceGroups/"+n.Group, "Contributor"))
		}
	}
	return grants
}
