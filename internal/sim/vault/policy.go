package vault

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
)

func contentTypeOf(policy map[string]any) string {
	secret, _ := policy["secret_props"].(map[string]any)
	return text(secret, "contentType")
}

// exportable tells whether the key may leave the vault; it may unless the
// policy says no.
func exportable(policy map[string]any) bool {
	key, _ := policy["key_props"].(map[string]any)
	may, said := key["exportable"].(bool)
	return may || !said
}

// policy of a certificate after an import: what the request asks for, on top
// of what was there, on top of what the certificate itself says.
// Source: ImportCertificate-example.json. guess: an import without policy
// keeps that of the earlier version.
func (c call) policy(o *object, v *version, asked map[string]any) map[string]any {
	leaf := v.pair.Leaf
	policy := o.policy
	if policy == nil {
		now := v.created.Unix()
		policy = map[string]any{
			"id":           c.vault.base + "/certificates/" + o.name + "/policy",
			"secret_props": map[string]any{"contentType": v.contentType},
			"key_props":    map[string]any{"exportable": true, "reuse_key": false},
			"issuer":       map[string]any{"name": "Unknown"},
			"lifetime_actions": []any{map[string]any{"trigger": map[string]any{"lifetime_percentage": 80},
				"action": map[string]any{"action_type": "EmailContacts"}}},
			"attributes": map[string]any{"enabled": true, "created": now, "updated": now},
		}
	}
	policy = copyOf(policy)
	key := policy["key_props"].(map[string]any)
	for name, value := range keyProperties(leaf) {
		key[name] = value
	}
	policy["x509_props"] = x509Properties(leaf)
	merge(policy, asked)
	// What came is what it is: an import without content type is by its form,
	// else the request's or the earlier policy's word stands.
	if contentTypeOf(asked) == "" && o.policy == nil {
		policy["secret_props"] = map[string]any{"contentType": v.contentType}
	}
	return policy
}

func keyProperties(leaf *x509.Certificate) map[string]any {
	switch public := leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		return map[string]any{"kty": "RSA", "key_size": public.N.BitLen()}
	case *ecdsa.PublicKey:
		return map[string]any{"kty": "EC", "crv": public.Curve.Params().Name, "key_size": public.Curve.Params().BitSize}
	}
	return map[string]any{}
}

func x509Properties(leaf *x509.Certificate) map[string]any {
	months := int(leaf.NotAfter.Sub(leaf.NotBefore).Hours() / 24 / 30)
	out := map[string]any{"subject": leaf.Subject.String(), "ekus": []any{}, "key_usage": []any{}, "validity_months": months}
	if len(leaf.DNSNames) > 0 {
		out["sans"] = map[string]any{"dns_names": leaf.DNSNames}
	}
	for _, usage := range leaf.ExtKeyUsage {
		if usage == x509.ExtKeyUsageServerAuth {
			out["ekus"] = []any{"1.3.6.1.5.5.7.3.1"}
		}
	}
	return out
}

// merge puts what is asked for over what is there, objects into objects.
func merge(into, asked map[string]any) {
	for key, value := range asked {
		inner, isObject := value.(map[string]any)
		mine, isMine := into[key].(map[string]any)
		switch {
		case isObject && isMine:
			merge(mine, inner)
		case value != nil && key != "id":
			into[key] = value
		}
	}
}

func copyOf(tree map[string]any) map[string]any {
	encoded, err := json.Marshal(tree)
	var out map[string]any
	if err == nil {
		err = json.Unmarshal(encoded, &out)
	}
	if err != nil {
		panic(fmt.Sprint("copy a policy: ", err)) // it came from JSON
	}
	return out
}

func (c call) getPolicy() (any, *failure) {
	o, f := c.find()
	if f != nil {
		return nil, f
	}
	return o.policy, nil
}

// patchPolicy holds for the next versions.
// Source: Key Vault REST reference, Update Certificate Policy.
func (c call) patchPolicy() (any, *failure) {
	o, f := c.find()
	if f != nil {
		return nil, f
	}
	o.policy = copyOf(o.policy)
	merge(o.policy, c.body)
	o.policy["attributes"].(map[string]any)["updated"] = c.ground.Clock.Now().Unix()
	c.record(o, nil, "policy")
	return o.policy, nil
}
