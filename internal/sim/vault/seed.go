package vault

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/authority"
)

// Seed is a version that is put into a vault behind the clients' backs: when
// a world begins, or as somebody else's renewal.
type Seed struct {
	Pair tls.Certificate // of a certificate: leaf first, with its key
	// Value and ContentType are those of a secret by itself.
	Value, ContentType           string
	PEM, NotExportable, Disabled bool
	Tags                         map[string]string
	Created                      time.Time // zero is now
}

// Put adds a version and answers its id. The object is made if there is none.
func (s *Server) Put(vaultName, name string, seed Seed) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.vaults[strings.ToLower(vaultName)]
	if !ok {
		return "", fmt.Errorf("put %s: there is no vault %s", name, vaultName)
	}
	made := &version{enabled: !seed.Disabled, value: seed.Value, contentType: seed.ContentType, tags: map[string]any{}}
	for key, value := range seed.Tags {
		made.tags[key] = value
	}
	if seed.Created.IsZero() {
		seed.Created = s.ground.Clock.Now()
	}
	o := v.objects[strings.ToLower(name)]
	if o == nil {
		o = &object{name: name, certificate: seed.Value == ""}
		v.objects[strings.ToLower(name)] = o
	}
	if !o.certificate {
		o.add(made, seed.Created)
		return made.id, nil
	}
	var all []*x509.Certificate
	for _, der := range seed.Pair.Certificate {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return "", fmt.Errorf("put %s: %w", name, err)
		}
		all = append(all, certificate)
	}
	var err error
	if made.pair, err = authority.Assemble(seed.Pair.PrivateKey, all); err != nil {
		return "", fmt.Errorf("put %s: %w", name, err)
	}
	nbf, exp := made.pair.Leaf.NotBefore.Unix(), made.pair.Leaf.NotAfter.Unix()
	made.notBefore, made.expires = &nbf, &exp
	made.contentType = typePFX
	if seed.PEM {
		made.contentType = typePEM
	}
	o.add(made, seed.Created)
	o.policy = call{Server: s, vault: v}.policy(o, made, map[string]any{"key_props": map[string]any{"exportable": !seed.NotExportable}, "secret_props": map[string]any{"contentType": made.contentType}})
	return made.id, nil
}

// SetEnabled enables or disables a version; "" is the newest.
func (s *Server) SetEnabled(vaultName, name, id string, enabled bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.object(vaultName, name)
	if o == nil {
		return false
	}
	v := o.newest()
	if id != "" {
		v = o.version(id)
	}
	if v != nil {
		v.enabled = enabled
	}
	return v != nil
}

// Delete soft-deletes an object, at once.
func (s *Server) Delete(vaultName, name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.object(vaultName, name)
	if o != nil {
		o.state, o.deleted = deleted, s.ground.Clock.Now()
	}
	return o != nil
}

func (s *Server) object(vaultName, name string) *object {
	v, ok := s.vaults[strings.ToLower(vaultName)]
	if !ok {
		return nil
	}
	return v.objects[strings.ToLower(name)]
}

// Versions are the ids of an object's versions, oldest first.
func (s *Server) Versions(vaultName, name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	if o := s.object(vaultName, name); o != nil {
		for _, v := range o.versions {
			out = append(out, v.id)
		}
	}
	return out
}
