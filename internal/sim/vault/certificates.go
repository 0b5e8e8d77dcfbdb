package vault

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// Source: Key Vault documentation, object identifiers: letters, digits and
// hyphens, at most 127.
var validName = regexp.MustCompile(`^[0-9a-zA-Z-]{1,127}$`)

// importCertificate makes a new certificate or a new version of one.
// Source: Key Vault REST reference, Import Certificate.
func (c call) importCertificate() (any, *failure) {
	o, f := c.writable()
	if f != nil {
		return nil, f
	}
	content, _ := c.body["value"].(string)
	password, _ := c.body["pwd"].(string)
	asked, _ := c.body["policy"].(map[string]any)
	read, contentType, f := open(content, password, contentTypeOf(asked))
	if f != nil {
		return nil, f
	}
	v := &version{enabled: true, pair: read, contentType: contentType}
	nbf, exp := read.Leaf.NotBefore.Unix(), read.Leaf.NotAfter.Unix()
	v.take(c.body)
	v.notBefore, v.expires = &nbf, &exp
	o.certificate = true
	o.add(v, c.ground.Clock.Now())
	o.policy = c.policy(o, v, asked)
	v.contentType = contentTypeOf(o.policy)
	c.vault.objects[strings.ToLower(o.name)] = o
	c.record(o, v, "import")
	return c.bundle(o, v), nil
}

// writable is the object that a write makes a version of: a live one of the
// same kind, or a new one. A name that is deleted or passing is refused.
// Source: field reports of ObjectIsDeletedButRecoverable (pulumi#14245); guess:
// ObjectIsBeingDeleted and ObjectIsBeingRecovered by the same pattern.
func (c call) writable() (*object, *failure) {
	if !validName.MatchString(c.name) {
		return nil, badParameter("The request URI contains an invalid name: %s", c.name)
	}
	o, ok := c.vault.objects[strings.ToLower(c.name)]
	if !ok {
		return &object{name: c.name}, nil
	}
	word := map[string]string{"certificates": "Certificate", "secrets": "Secret"}[c.kind]
	conflict := func(inner, format string) *failure {
		return fail(http.StatusConflict, "Conflict", format, word, c.name).inner(inner)
	}
	switch o.state {
	case deleted:
		return nil, conflict("ObjectIsDeletedButRecoverable", "%s %s is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the certificate can only be recovered or purged.")
	case deleting, purging:
		return nil, conflict("ObjectIsBeingDeleted", "%s %s is currently being deleted.")
	case recovering:
		return nil, conflict("ObjectIsBeingRecovered", "%s %s is currently being recovered.")
	}
	if o.certificate != (c.kind == "certificates") {
		// guess: the text and the inner code.
		return nil, conflict("ObjectIsOfAnotherKind", "%s %s cannot be made: its name is taken by an object of another kind.")
	}
	return o, nil
}

func (c call) record(o *object, v *version, what string) {
	object := c.vault.name + "/" + o.name
	if v != nil {
		object += "/" + v.id
	}
	c.ground.Ledger.Record(ground.VaultWrite, object, what)
}

// getCertificate answers a disabled version as well: only its key and secret
// cannot be used.
// Source: "About Key Vault certificates", attributes.
func (c call) getCertificate() (any, *failure) {
	o, f := c.find()
	if f != nil {
		return nil, f
	}
	v, f := c.pick(o)
	if f != nil {
		return nil, f
	}
	return c.bundle(o, v), nil
}

// patch changes tags and attributes of one version. Those of a certificate
// are those of its key and secret.
func (c call) patch() (any, *failure) {
	o, f := c.find()
	if f != nil {
		return nil, f
	}
	if c.kind == "secrets" && o.certificate {
		return nil, managed("update")
	}
	v, f := c.pick(o)
	if f != nil {
		return nil, f
	}
	nbf, exp := v.notBefore, v.expires
	v.take(c.body)
	if o.certificate {
		v.notBefore, v.expires = nbf, exp // read-only: they are the certificate's
	} else if contentType, ok := c.body["contentType"].(string); ok {
		v.contentType = contentType
	}
	v.updated = c.ground.Clock.Now()
	c.record(o, v, fmt.Sprintf("patch enabled=%v", v.enabled))
	if o.certificate {
		return c.bundle(o, v), nil
	}
	return c.item("secrets", o, v, true), nil
}

// managed refuses to write a secret that belongs to a certificate.
// guess: status and text.
func managed(operation string) *failure {
	return fail(http.StatusForbidden, "Forbidden", "Operation %s is not allowed on a secret that a certificate manages.", operation)
}
