package vault

import (
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/authority"
)

// vault is the content of one vault.
type vault struct {
	name, base string             // base: https://name.suffix
	objects    map[string]*object // by lower-case name; certificates and secrets share the names
}

// object is a certificate, which brings a secret of its name along, or a
// secret by itself.
type object struct {
	name        string
	certificate bool
	policy      map[string]any // of a certificate
	versions    []*version     // oldest first
	state       state
	until       time.Time // when a passing state ends
	deleted     time.Time
}

// state of an object. Deleting, recovering and purging pass by themselves.
// Source: Key Vault soft-delete overview: "deleting takes some time".
type state int

const (
	live state = iota
	deleting
	deleted
	recovering
	purging
)

// version is one version of an object.
type version struct {
	id               string
	enabled          bool
	notBefore        *int64
	expires          *int64
	created, updated time.Time
	tags             map[string]any
	contentType      string
	value            string // of a secret by itself
	// pair is a certificate as it was imported; the key leaves the vault only in
	// an exportable secret.
	pair *authority.Issued
}

// newest is the version that was made last, enabled or not.
func (o *object) newest() *version { return o.versions[len(o.versions)-1] }

// newestEnabled is nil when every version is disabled.
func (o *object) newestEnabled() *version {
	for _, v := range slices.Backward(o.versions) {
		if v.enabled {
			return v
		}
	}
	return nil
}

func (o *object) version(id string) *version {
	for _, v := range o.versions {
		if v.id == strings.ToLower(id) {
			return v
		}
	}
	return nil
}

// add makes a version the newest. Times are whole seconds on the wire and
// clients order versions by them, so no two have the same.
func (o *object) add(v *version, now time.Time) {
	if len(o.versions) > 0 {
		if last := o.newest().created.Add(time.Second); now.Before(last) {
			now = last
		}
	}
	var random [16]byte
	_, _ = rand.Read(random[:])
	v.id, v.created, v.updated = hex.EncodeToString(random[:]), now, now
	o.versions = append(o.versions, v)
}

// find is a live object as the call's collection shows it.
func (c call) find() (*object, *failure) {
	o, ok := c.vault.objects[strings.ToLower(c.name)]
	if !ok || o.state != live || c.kind == "certificates" && !o.certificate {
		return nil, notFound(c.kind, c.name)
	}
	return o, nil
}

// pick is the version that the call names, else the newest.
func (c call) pick(o *object) (*version, *failure) {
	if c.version == "" {
		return o.newest(), nil
	}
	if v := o.version(c.version); v != nil {
		return v, nil
	}
	return nil, notFound(c.kind, c.name+"/"+c.version)
}

// id of an object or version in a collection.
func (c call) id(kind string, o *object, v *version) string {
	id := c.vault.base + "/" + kind + "/" + o.name
	if v != nil {
		id += "/" + v.id
	}
	return id
}

// attributes as the examples of the REST reference show them.
func (c call) attributes(v *version) map[string]any {
	out := map[string]any{"enabled": v.enabled, "created": v.created.Unix(), "updated": v.updated.Unix(),
		"recoveryLevel": c.retention.level(), "recoverableDays": c.retention.days}
	if v.notBefore != nil {
		out["nbf"] = *v.notBefore
	}
	if v.expires != nil {
		out["exp"] = *v.expires
	}
	return out
}

// bundle is a version of a certificate in full.
// Source: ImportCertificate-example.json of azure-rest-api-specs.
func (c call) bundle(o *object, v *version) map[string]any {
	out := c.item("certificates", o, v, true)
	out["kid"], out["sid"] = c.id("keys", o, v), c.id("secrets", o, v)
	out["cer"] = base64.StdEncoding.EncodeToString(v.pair.Leaf.Raw)
	out["policy"] = o.policy
	return out
}

// item is an entry of a list: of the objects by their newest version, or of
// the versions.
// Source: GetCertificates-example.json, GetSecrets-example.json.
func (c call) item(kind string, o *object, v *version, versioned bool) map[string]any {
	out := map[string]any{"id": c.id(kind, o, nil), "attributes": c.attributes(v)}
	if versioned {
		out["id"] = c.id(kind, o, v)
	}
	if len(v.tags) > 0 {
		out["tags"] = maps.Clone(v.tags)
	}
	if kind == "certificates" {
		out["x5t"] = thumbprint(v.pair.Leaf)
		return out
	}
	if v.contentType != "" {
		out["contentType"] = v.contentType
	}
	if o.certificate {
		out["managed"] = true
	}
	return out
}

func thumbprint(certificate *x509.Certificate) string {
	sum := sha1.Sum(certificate.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// take reads attributes and tags of a request into a version: what the
// request leaves out stays, tags are replaced as a whole.
func (v *version) take(body map[string]any) {
	if tags, ok := body["tags"].(map[string]any); ok {
		v.tags = maps.Clone(tags)
	}
	attributes, _ := body["attributes"].(map[string]any)
	if enabled, ok := attributes["enabled"].(bool); ok {
		v.enabled = enabled
	}
	for key, to := range map[string]**int64{"nbf": &v.notBefore, "exp": &v.expires} {
		if seconds, ok := attributes[key].(float64); ok {
			whole := int64(seconds)
			*to = &whole
		}
	}
}

// retention is what the vault's document says of soft delete.
type retention struct {
	days      int
	protected bool
}

func retentionOf(document map[string]any) retention {
	r := retention{days: 90}
	p := properties(document)
	if days := fmt.Sprint(p["softDeleteRetentionInDays"]); p["softDeleteRetentionInDays"] != nil {
		_, _ = fmt.Sscan(days, &r.days)
	}
	r.protected, _ = p["enablePurgeProtection"].(bool)
	return r
}

// level is the recoveryLevel.
// Source: Key Vault REST reference, DeletionRecoveryLevel.
func (r retention) level() string {
	level := "Recoverable"
	if r.days < 90 {
		level = "CustomizedRecoverable"
	}
	if !r.protected {
		level += "+Purgeable"
	}
	return level
}
