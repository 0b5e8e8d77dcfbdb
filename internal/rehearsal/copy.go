package rehearsal

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/shape"
)

type tree = map[string]any

// Copy is the file of a world that is made of a shape, for sim.Options.File.
type Copy struct {
	File []byte
	// Missing says what of the deployment the world cannot stand in for.
	Missing []string
}

// CopyOf makes a world's file of a shape. real are certificates that are to be
// themselves in keystores, gateway and vaults that have them, in place of others
// that look like them: those of the file that is to be rolled out, its leaf
// first. The world needs the leaf's key: sim.Options.Keys.
func CopyOf(s shape.Shape, real ...*x509.Certificate) (Copy, error) {
	gateway, err := cloud.ParseGateway(cloud.Document(s.Gateway))
	if err != nil {
		return Copy{}, err
	}
	in, err := cloud.ByName(s.Cloud)
	if err != nil {
		return Copy{}, err
	}
	c := &copier{shape: s, gateway: gateway, certificates: map[string]shape.Certificate{}, real: real, addresses: map[string]string{}, subscriptions: map[string]string{}, have: map[string]bool{}}
	for _, certificate := range s.Certificates {
		c.certificates[certificate.ID] = certificate
		c.likenesses = append(c.likenesses, c.likenessOf(certificate))
	}
	c.missing(s.Unread...)
	file, err := c.world(in)
	if err != nil {
		return Copy{}, err
	}
	text, err := json.Marshal(file) // which is YAML, too
	slices.Sort(c.gaps)
	return Copy{File: text, Missing: slices.Compact(c.gaps)}, err
}

// copier makes one world.
type copier struct {
	shape         shape.Shape
	gateway       *cloud.Gateway
	certificates  map[string]shape.Certificate
	real          []*x509.Certificate
	likenesses    []any
	gaps          []string
	addresses     map[string]string // of machines, by lower-case host
	subscriptions map[string]string // names by id
	have          map[string]bool   // ids of documents, lower-case
	resources     []any
	groups        []string
	made          int
	authority     string // the id of a root for what public authorities issued
}

func (c *copier) missing(sentences ...string) { c.gaps = append(c.gaps, sentences...) }

func (c *copier) world(in cloud.Cloud) (tree, error) {
	s, d := c.shape, c.shape.Deployment
	c.subscription(s.Subscription)
	c.addGroup(d.GatewayID)
	c.addPublicAddresses()
	copied := tree{"gateway": c.document()}
	machines := c.machines()
	copied["sites"] = c.sites()
	copied["webs"] = c.webs()
	vaults, identities := c.vaults()
	entries, err := c.entries()
	if err != nil {
		return nil, err
	}
	copied["entries"], copied["roots"], copied["names"] = entries, c.roots(), c.names()
	var own []string
	for _, id := range c.gateway.IdentityIDs() {
		own = append(own, c.identityName(id))
	}
	copied["identities"], copied["serving"] = own, c.externalLeaf()
	c.addZones()
	c.addStorage(in)
	c.addLinked()
	copied["resources"], copied["groups"] = c.resources, c.groups
	one := tree{"kind": "copy", "prefix": cmp.Or(d.Prefix, d.Name, "copy"), "group": c.gateway.ResourceGroup(), "gateway": c.gateway.Name(), "version": versionOf(d.Version),
		"domain": d.Domain, "secondary": d.Secondary, "machines": machines, "copy": copied}
	for _, listener := range s.Listeners {
		for _, address := range listener.Addresses {
			if key := map[bool]string{true: "private", false: "public"}[listener.Private]; one[key] == nil {
				one[key] = address
			}
		}
	}
	names, ids := []string{}, tree{}
	for id, name := range c.subscriptions {
		names, ids[name] = append(names, name), id
	}
	slices.Sort(names)
	return tree{"cloud": in.Name, "tenant": tree{"name": "Rehearsal", "domain": "rehearsal.onmicrosoft.com"}, "subscriptions": names, "subscription-ids": ids,
		"location": cmp.Or(d.Location, "westeurope"), "certificates": c.likenesses, "vaults": vaults, "identities": identities, "deployments": []any{one}}, nil
}

// subscription gives the name by which the world's file calls one.
func (c *copier) subscription(id string) string {
	key := strings.ToLower(id)
	if c.subscriptions[key] == "" {
		// The first is the gateway's: the world takes the first by name.
		c.subscriptions[key] = fmt.Sprintf("Subscription %d", len(c.subscriptions)+1)
	}
	return c.subscriptions[key]
}

// likenessOf describes a certificate for the world to make another like it.
func (c *copier) likenessOf(of shape.Certificate) tree {
	organization := of.Organization
	made := tree{"id": of.ID, "common-name": of.CommonName, "organization": organization, "names": of.Names, "key": c.key(of), "from": of.NotBefore.UTC(), "until": of.NotAfter.UTC(),
		"ca": of.CA, "issuer": of.Issuer, "known": of.Known, "fetchable": of.Fetchable}
	subject := of.Subject
	if parsed, err := x509.ParseCertificate(of.DER); err == nil {
		subject = parsed.RawSubject
	}
	if len(subject) > 0 {
		made["subject"] = base64.StdEncoding.EncodeToString(subject)
	}
	return made
}

// key is the kind of a key in the world's words. Those of authorities are no
// stronger than they must be, since making them takes time.
func (c *copier) key(of shape.Certificate) string {
	words := map[string]string{"RSA 2048": "rsa2048", "RSA 3072": "rsa3072", "RSA 4096": "rsa4096", "RSA 1024": "rsa1024", "ECDSA P-256": "p256", "ECDSA P-384": "p384", "Ed25519": "ed25519"}
	word, known := words[of.Key]
	switch {
	case of.CA && strings.HasPrefix(of.Key, "RSA"):
		return "rsa2048"
	case of.CA:
		return "p256"
	case !known && strings.HasPrefix(of.Key, "RSA"):
		word = "rsa2048"
	case !known:
		word = "p384"
	}
	if !known {
		c.missing(fmt.Sprintf("the key of certificate %s is of kind %s; one of kind %s stands in", cmp.Or(of.CommonName, of.ID), of.Key, word))
	}
	return word
}

// issue makes a certificate that nobody showed, for something that must have one.
func (c *copier) issue(names []string, issuer string) string {
	c.made++
	id := fmt.Sprintf("made-%d", c.made)
	now := c.shape.At
	c.likenesses = append(c.likenesses, tree{"id": id, "common-name": names[0], "names": names, "key": "rsa2048", "from": now.AddDate(0, -1, 0), "until": now.AddDate(5, 0, 0), "issuer": cmp.Or(issuer, id)})
	return id
}

// public is an authority that everybody knows, for what nobody showed.
func (c *copier) public() string {
	if c.authority == "" {
		c.authority = "made-authority"
		now := c.shape.At
		c.likenesses = append(c.likenesses, tree{"id": c.authority, "common-name": "Authority that stands in for a public one", "key": "p256", "ca": true, "known": true, "issuer": c.authority,
			"from": now.AddDate(-5, 0, 0), "until": now.AddDate(15, 0, 0)})
	}
	return c.authority
}

// entries are the gateway's own certificates.
func (c *copier) entries() ([]any, error) {
	list := []any{}
	for _, entry := range c.shape.Entries {
		one := tree{"name": entry.Name}
		if entry.Vault != "" {
			vault, name, version, err := cloud.SplitSecretID(entry.Vault)
			if err != nil {
				return nil, err
			}
			one["vault"], one["secret"], one["versioned"] = vaultName(vault), name, version != ""
		} else {
			one["chain"] = c.rolledOut(c.chainOf(entry))
		}
		list = append(list, one)
	}
	return list, nil
}

// rolledOut is a chain, of the real certificates where it begins with the one
// that is to be rolled out: an earlier run has left it there, and the next one
// goes on with it. Where nobody saw what is sent with it, the file tells.
func (c *copier) rolledOut(chain []string) []string {
	if len(chain) == 0 || len(c.real) == 0 || !isReal(c.certificates[chain[0]], c.real[0]) {
		return chain
	}
	real := slices.Clone(chain)
	for i, id := range chain {
		if own, ok := c.genuine(c.certificates[id]); ok {
			real[i] = own
		}
	}
	seen := func(served shape.Served) bool { return len(served.Chain) > 0 && served.Chain[0] == chain[0] }
	if len(chain) > 1 || slices.ContainsFunc(c.shape.Served, seen) {
		return real
	}
	for _, issuer := range c.real[1:] {
		if !bytes.Equal(issuer.RawSubject, issuer.RawIssuer) {
			real = append(real, c.given(issuer))
		}
	}
	return real
}

// chainOf is what stands in for an entry: what Azure told of it, with the
// issuers that a listener really sends, else one for the listener's names.
func (c *copier) chainOf(entry shape.Entry) []string {
	if len(entry.Chain) > 0 {
		for _, served := range c.shape.Served {
			if len(served.Chain) > len(entry.Chain) && served.Chain[0] == entry.Chain[0] {
				return served.Chain
			}
		}
		return entry.Chain
	}
	for _, listener := range c.gateway.HTTPSListeners() {
		if !strings.EqualFold(listener.CertificateName, entry.Name) {
			continue
		}
		for _, own := range c.shape.Listeners {
			for _, served := range c.shape.Served {
				host, _, _ := net.SplitHostPort(served.Target)
				if strings.EqualFold(own.Name, listener.Name) && len(served.Chain) > 0 && slices.Contains(own.Names, host) {
					return served.Chain
				}
			}
		}
		if len(listener.HostNames) > 0 {
			return []string{c.issue(listener.HostNames, c.public())}
		}
	}
	return []string{c.issue([]string{cmp.Or(c.shape.Deployment.Domain, "unknown.invalid")}, c.public())}
}

// roots are the gateway's trusted roots.
func (c *copier) roots() []any {
	list := []any{}
	for _, root := range c.shape.Roots {
		if len(root.Chain) == 0 {
			c.missing("trusted root " + root.Name + " of the gateway: nobody tells which certificate it is; another stands in")
			root.Chain = []string{c.issue([]string{"unknown.invalid"}, "")}
		}
		list = append(list, tree{"name": root.Name, "chain": root.Chain[:1]})
	}
	return list
}

// names are those that resolve, inside the virtual network only where nobody
// reached them from where the shape was taken.
func (c *copier) names() []any {
	list := []any{}
	for _, listener := range c.shape.Listeners {
		for _, name := range listener.Names {
			if strings.ContainsAny(name, "*?") {
				continue
			}
			unresolved := slices.ContainsFunc(c.shape.Served, func(served shape.Served) bool {
				return strings.EqualFold(served.Target, net.JoinHostPort(name, fmt.Sprint(listener.Port))) && served.Address == "" && len(served.Chain) == 0
			})
			for _, address := range listener.Addresses {
				list = append(list, tree{"name": name, "address": address, "inside": listener.Private || unresolved})
			}
		}
	}
	return list
}

// vaults are those that listeners refer to, or that were asked for, and the
// identities of the gateway and of whoever was asked about.
func (c *copier) vaults() (vaults, identities []any) {
	known := map[string]bool{}
	identity := func(id string) {
		parsed, err := cloud.ParseResourceID(id)
		if err != nil || known[strings.ToLower(id)] {
			return
		}
		known[strings.ToLower(id)] = true
		c.addGroup(id)
		identities = append(identities, tree{"name": parsed.Name, "group": parsed.ResourceGroup, "subscription": c.subscription(parsed.SubscriptionID)})
	}
	for _, id := range c.gateway.IdentityIDs() {
		identity(id)
	}
	byName := map[string]tree{}
	var order []string
	at := func(address string) tree {
		name := vaultName(address)
		if byName[name] == nil {
			byName[name] = tree{"name": name, "group": c.gateway.ResourceGroup(), "rbac": true, "certificates": []any{}, "access": []any{
				tree{"who": "operator", "role": "Key Vault Certificates Officer"}, tree{"who": "operator", "role": "Key Vault Secrets User"}}}
			order = append(order, name)
		}
		return byName[name]
	}
	readers := map[string][]string{}
	for _, v := range c.shape.Vaults {
		vault := at(v.Vault)
		if id, err := cloud.ParseResourceID(v.ID); err == nil {
			vault["group"], vault["subscription"] = id.ResourceGroup, c.subscription(id.SubscriptionID)
			c.addGroup(v.ID)
		}
		if !v.Roles {
			vault["rbac"] = false
			vault["access"] = []any{tree{"who": "operator", "certificates": []string{"Get", "List", "Import", "Update", "Delete", "Recover"}, "secrets": []string{"get", "list"}}}
		}
		if v.Closed {
			c.missing("the network of vault " + vaultName(v.Vault) + ": in the rehearsal everybody reaches it")
		}
		for _, reader := range v.Readers {
			identity(reader.Identity)
			if reader.May != "no" {
				readers[vaultName(v.Vault)] = append(readers[vaultName(v.Vault)], reader.Identity)
			}
		}
	}
	done := map[string]bool{}
	put := func(address, name string, chain []string, more tree) {
		vault := at(address)
		entry := tree{"name": name, "chain": c.rolledOut(chain)}
		for key, value := range more {
			entry[key] = value
		}
		vault["certificates"] = append(vault["certificates"].([]any), entry)
	}
	find := func(address, name string) (shape.Vault, bool) {
		i := slices.IndexFunc(c.shape.Vaults, func(v shape.Vault) bool {
			return vaultName(v.Vault) == vaultName(address) && strings.EqualFold(v.Name, name)
		})
		if i < 0 {
			return shape.Vault{}, false
		}
		return c.shape.Vaults[i], true
	}
	for _, entry := range c.shape.Entries {
		address, name, version, err := cloud.SplitSecretID(entry.Vault)
		if err != nil || entry.Vault == "" {
			continue
		}
		key := vaultName(address) + "/" + strings.ToLower(name)
		v, read := find(address, name)
		if len(readers[vaultName(address)]) == 0 {
			readers[vaultName(address)] = c.gateway.IdentityIDs()
		}
		if done[key] {
			continue
		}
		done[key] = true
		chain := c.chainOf(entry)
		put(address, name, chain, tree{"age": 365, "secret": v.Secret})
		if read && v.Newest != "" && v.Newest != chain[0] {
			put(address, name, c.issuersOf(v.Newest), tree{"later": version == "", "secret": v.Secret})
		}
	}
	for _, v := range c.shape.Vaults {
		if key := vaultName(v.Vault) + "/" + strings.ToLower(v.Name); !done[key] && v.Newest != "" {
			done[key] = true
			put(v.Vault, v.Name, c.issuersOf(v.Newest), tree{"secret": v.Secret})
		}
	}
	for _, name := range order {
		vault := byName[name]
		for _, id := range compactFold(readers[name]) {
			access := tree{"who": c.identityName(id), "role": "Key Vault Secrets User"}
			if vault["rbac"] == false {
				access = tree{"who": c.identityName(id), "secrets": []string{"get"}}
			}
			vault["access"] = append(vault["access"].([]any), access)
		}
		vaults = append(vaults, vault)
	}
	return vaults, identities
}

// issuersOf is a certificate with its issuers, without the root.
func (c *copier) issuersOf(id string) []string {
	chain := []string{id}
	for {
		issuer := c.certificates[chain[len(chain)-1]].Issuer
		if issuer == "" || slices.Contains(chain, issuer) || c.certificates[issuer].Issuer == issuer {
			return chain
		}
		chain = append(chain, issuer)
	}
}

func compactFold(list []string) []string {
	var out []string
	for _, one := range list {
		if !slices.ContainsFunc(out, func(known string) bool { return strings.EqualFold(known, one) }) {
			out = append(out, one)
		}
	}
	return out
}

// identityName is how a world's file calls an identity.
func (c *copier) identityName(id string) string {
	parsed, err := cloud.ParseResourceID(id)
	if err != nil {
		return id
	}
	return parsed.ResourceGroup + "/" + parsed.Name
}

func vaultName(address string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(strings.ToLower(address), "https://"), ".")
	return name
}

// versionOf is a version as the world takes it: of a build its first two parts.
func versionOf(version string) string {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return ""
	}
	return parts[0] + "." + parts[1]
}

// genuine tells whether a certificate is one of the real ones, and adds that to
// the file under an id of its own.
func (c *copier) genuine(of shape.Certificate) (string, bool) {
	for _, one := range c.real {
		if isReal(of, one) {
			return c.given(one), true
		}
	}
	return "", false
}

func isReal(of shape.Certificate, one *x509.Certificate) bool {
	return of.SHA256 != "" && strings.EqualFold(pki.Fingerprint(one), of.SHA256) ||
		of.SHA256 == "" && of.SHA1 != "" && strings.EqualFold(pki.Thumbprint(one), of.SHA1)
}

// given adds a certificate itself to the file.
func (c *copier) given(one *x509.Certificate) (id string) {
	id = "given-" + pki.Fingerprint(one)[:16]
	if !slices.ContainsFunc(c.likenesses, func(l any) bool { return l.(tree)["id"] == id }) {
		c.likenesses = append(c.likenesses, tree{"id": id, "der": base64.StdEncoding.EncodeToString(one.Raw)})
	}
	return id
}

// products are those that have sites of their own, and what else runs at their
// machines.
var products = map[machine.Product]string{machine.Portal: "portal", machine.Server: "server", machine.Notebook: "notebook", machine.Mission: "mission", machine.Video: "video", machine.DataStore: "datastore"}
