package vault

import (
	"net/http"
	"strings"
)

// getSecret gives a value out: of a certificate the PFX or PEM with its key.
// Source: Key Vault REST reference, Get Secret. A disabled version is refused;
// one that is expired or not yet valid is not ("About secrets", attributes).
func (c call) getSecret() (any, *failure) {
	o, f := c.find()
	if f != nil {
		return nil, f
	}
	v, f := c.pick(o)
	if f != nil {
		return nil, f
	}
	if c.version == "" && c.o.Guesses.LatestIsEnabled && o.newestEnabled() != nil {
		v = o.newestEnabled()
	}
	if !v.enabled {
		// Source: text and inner code from azure-sdk-for-js#24756.
		return nil, fail(http.StatusForbidden, "Forbidden", "Operation get is not allowed on a disabled secret.").inner("SecretDisabled")
	}
	value, f := secretValue(o, v)
	if f != nil {
		return nil, f
	}
	out := c.item("secrets", o, v, true)
	out["value"] = value
	if o.certificate {
		out["kid"] = c.id("keys", o, v)
	}
	return out, nil
}

func secretValue(o *object, v *version) (string, *failure) {
	if !o.certificate {
		return v.value, nil
	}
	value, err := export(v.pair, v.contentType, exportable(o.policy))
	if err != nil {
		return "", fail(http.StatusInternalServerError, "InternalServerError", "The secret of %s cannot be made: %v", o.name, err)
	}
	return value, nil
}

// setSecret makes a secret by itself, or a new version of one.
// Source: Key Vault REST reference, Set Secret.
func (c call) setSecret() (any, *failure) {
	value, ok := c.body["value"].(string)
	if !ok {
		return nil, badParameter("Property value is required.")
	}
	// Source: "About secrets": at most 25 kB.
	if len(value) > 25<<10 {
		return nil, badParameter("The secret value has an invalid length: at most %d characters are allowed.", 25<<10)
	}
	if o, ok := c.vault.objects[strings.ToLower(c.name)]; ok && o.certificate && o.state == live {
		return nil, managed("set")
	}
	o, f := c.writable()
	if f != nil {
		return nil, f
	}
	v := &version{enabled: true, value: value, contentType: text(c.body, "contentType")}
	v.take(c.body)
	o.add(v, c.ground.Clock.Now())
	c.vault.objects[strings.ToLower(o.name)] = o
	c.record(o, v, "set")
	out := c.item("secrets", o, v, true)
	out["value"] = value
	return out, nil
}
