package sim

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"path/filepath"
	"strings"
)

// caBundle is everything that clients must trust.
func (w *World) caBundle() []byte {
	out := bytes.NewBuffer(w.authority.PEM())
	for _, der := range w.options.ExtraRoots {
		_ = pem.Encode(out, &pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
	return out.Bytes()
}

// Deployment is how a world's deployment is described in world.json.
type Deployment struct {
	ID              string    `json:"id"`
	Prefix          string    `json:"prefix"`
	Version         string    `json:"version"`
	Domain          string    `json:"domain"`
	SecondaryDomain string    `json:"secondaryDomain,omitempty"`
	URL             string    `json:"url"`
	ResourceGroup   string    `json:"resourceGroup"`
	GatewayID       string    `json:"gatewayId"` // "" for V1
	PublicIP        string    `json:"publicIp"`  // "" when the gateway is entered from inside only
	PrivateIP       string    `json:"privateIp,omitempty"`
	Machines        []Machine `json:"machines"`
	Sites           []string  `json:"sites"` // contexts of the further sites
}

// Machine is a virtual machine in world.json. Name is the short name.
type Machine struct {
	Name    string   `json:"name"`
	FQDN    string   `json:"fqdn"`
	Address string   `json:"address"`
	Roles   []string `json:"roles"`
	ID      string   `json:"id"`
}

// Name is the world's, as in Worlds.
func (w *World) Name() string { return w.options.World }

// Deployments describes what runs in the world, neighbours aside.
func (w *World) Deployments() []Deployment {
	var out []Deployment
	for _, p := range w.places {
		d := Deployment{ID: p.deploymentID(), Prefix: p.Prefix, Version: p.Version, Domain: p.Domain, SecondaryDomain: p.Secondary, URL: "https://" + p.Domain + "/",
			ResourceGroup: p.Group, GatewayID: p.gatewayID(), PublicIP: p.Public, PrivateIP: p.Private, Sites: []string{}}
		switch p.Kind {
		case kindV1:
			d.GatewayID = ""
		case kindGitOps:
			d.ID = p.Prefix + "-" + p.Ingress
		}
		add := func(group string, machines []machine) {
			for _, m := range machines {
				d.Machines = append(d.Machines, Machine{Name: m.Name, FQDN: p.fqdn(m), Address: m.Address, Roles: m.Roles, ID: p.machineID(group, m)})
			}
		}
		add(p.machineGroup(), p.Machines)
		for _, s := range p.Sites {
			add(s.Group, s.Machines)
			d.Sites = append(d.Sites, s.Context)
		}
		out = append(out, d)
	}
	return out
}

// describe is world.json. It holds no secret.
func (w *World) describe(dir string) ([]byte, error) {
	sum := sha256.Sum256(w.next.Leaf.Raw)
	description := map[string]any{
		"world": w.options.World,
		"proxy": map[string]string{"outside": w.outside.URL(), "inside": w.inside.URL()},
		"scale": max(w.options.Scale, 1),
		"cloud": map[string]any{"name": w.cloud.Name, "resourceManager": "https://" + w.cloud.Host + "/", "login": "https://" + w.cloud.Login + "/"},
		"tenant": map[string]string{
			"id": w.tenant.ID, "name": w.tenant.Name, "domain": w.tenant.Domain},
		"subscription":  map[string]string{"id": w.subscriptions[0].ID, "name": w.subscriptions[0].Name},
		"tenants":       w.Tenants(),
		"subscriptions": w.Subscriptions(),
		"client":        map[string]string{"id": w.tenant.Applications[0].ClientID, "objectId": w.tenant.Applications[0].ObjectID},
		"ca":            filepath.Join(dir, "ca.pem"),
		"new": map[string]string{"pfx": filepath.Join(dir, "new.pfx"), "passwordFile": filepath.Join(dir, "new.pfx.password"),
			"sha256": strings.ToUpper(hex.EncodeToString(sum[:])), "notAfter": w.next.Leaf.NotAfter.Format("2006-01-02T15:04:05Z")},
		"people":      w.describePeople(),
		"signIn":      w.describeSignIn(dir),
		"deployments": w.Deployments(),
		"vaults":      w.Vaults(),
		"identities":  w.Identities(),
	}
	renewals := map[string]string{}
	for _, name := range w.further() {
		renewals[name] = filepath.Join(dir, renewalFile(name))
	}
	if len(renewals) > 0 {
		description["renewals"] = renewals
	}
	if bare := w.BareGateways(); len(bare) > 0 {
		description["bareGateways"] = bare
	}
	if w.PrivateRoot() != nil {
		description["privateRoot"] = filepath.Join(dir, "private-root.pem")
	}
	return json.MarshalIndent(description, "", "  ")
}
