package authority

import (
	"crypto/tls"
	"errors"
	"strings"
)

// ServerConfig serves Azure's names: a leaf for each name that a client asks
// for, made at the first handshake and kept.
func (a *Authority) ServerConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			name := strings.ToLower(hello.ServerName)
			if name == "" {
				return nil, errors.New("no server name: Azure's front doors need one")
			}
			issued, err := a.cloudLeaf(name)
			if err != nil {
				return nil, err
			}
			pair := issued.TLS()
			return &pair, nil
		},
	}
}

func (a *Authority) cloudLeaf(name string) (*Issued, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if issued, ok := a.leafs[name]; ok {
		return issued, nil
	}
	issued, err := a.Issue(Spec{Names: []string{name}, Key: "p256", Via: a.cloud, WithoutAIA: true})
	if err == nil {
		a.leafs[name] = issued
	}
	return issued, err
}
