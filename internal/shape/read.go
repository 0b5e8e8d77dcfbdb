package shape

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
)

// What a shape may hold at most: it comes from a file that somebody else may
// have made.
const (
	maxSize         = 16 << 20
	maxDepth        = 40
	maxCertificates = 2000
	maxMachines     = 500
	maxItems        = 5000
)

// Read reads a shape that Write wrote. What is not one is an error that says why.
func Read(from io.Reader) (Shape, error) {
	data, err := io.ReadAll(io.LimitReader(from, maxSize+1))
	if err != nil {
		return Shape{}, err
	}
	if len(data) > maxSize {
		return Shape{}, fmt.Errorf("it is longer than %d MB", maxSize>>20)
	}
	if err := shallow(data); err != nil {
		return Shape{}, err
	}
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return Shape{}, fmt.Errorf("it is no JSON of a shape: %w", err)
	}
	if head.Format != Format {
		return Shape{}, fmt.Errorf("it has the format %d; this program reads %d", head.Format, Format)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	decoder.DisallowUnknownFields()
	var s Shape
	if err := decoder.Decode(&s); err != nil {
		return Shape{}, fmt.Errorf("it is no shape: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Shape{}, errors.New("there is more after the JSON value")
	}
	return s, s.check()
}

// Write writes a shape, for people to read as well.
func (s Shape) Write(to io.Writer) error {
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(s)
}

// shallow refuses what nests too deep, before anything is built of it.
func shallow(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	for depth := 0; ; {
		token, err := decoder.Token()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("it is no JSON: %w", err)
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			if depth++; depth > maxDepth {
				return fmt.Errorf("it nests deeper than %d", maxDepth)
			}
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}

// check holds what a shape says of itself against itself.
func (s Shape) check() error {
	if _, err := cloud.ByName(s.Cloud); err != nil {
		return err
	}
	for _, many := range []struct {
		what      string
		is, limit int
	}{
		{"certificates", len(s.Certificates), maxCertificates}, {"machines", len(s.Machines), maxMachines}, {"entries", len(s.Entries) + len(s.Roots), maxItems},
		{"listeners", len(s.Listeners), maxItems}, {"addresses", len(s.Addresses), maxItems}, {"vaults", len(s.Vaults), maxItems}, {"handshakes", len(s.Served), maxItems}, {"sites", len(s.Deployment.Sites), maxItems},
	} {
		if many.is > many.limit {
			return fmt.Errorf("it has %d %s, more than %d", many.is, many.what, many.limit)
		}
	}
	gateway, err := cloud.ParseGateway(cloud.Document(s.Gateway))
	if err != nil {
		return err
	}
	if !strings.EqualFold(gateway.ID(), s.Deployment.GatewayID) {
		return errors.New("the gateway is not the deployment's")
	}
	ids := map[string]string{}
	for _, c := range s.Certificates {
		if c.ID == "" || ids[c.ID] != "" {
			return fmt.Errorf("two certificates have the id %q", c.ID)
		}
		if ids[c.ID] = c.Issuer; c.Issuer == "" {
			ids[c.ID] = c.ID
		}
		if c.NotAfter.Before(c.NotBefore) || c.NotBefore.Year() < 1970 || c.NotAfter.Year() > 9999 {
			return fmt.Errorf("certificate %s has no possible dates", c.ID)
		}
	}
	for id := range ids {
		at := id
		for steps := 0; ids[at] != at; steps++ {
			if at = ids[at]; steps > 16 || ids[at] == "" {
				return fmt.Errorf("the issuers of certificate %q lead nowhere", id)
			}
		}
	}
	for _, id := range s.references() {
		if ids[id] == "" {
			return fmt.Errorf("there is no certificate %q", id)
		}
	}
	for _, a := range s.Addresses {
		if _, err := netip.ParseAddr(a.IP); err != nil {
			return fmt.Errorf("%q is no IP address", a.IP)
		}
	}
	return s.checkMachines()
}

func (s Shape) checkMachines() error {
	for _, m := range s.Machines {
		if m.Host == "" || len(m.Host) > 253 || strings.ContainsAny(m.Host, "/\\ \t\r\n:@") {
			return fmt.Errorf("machine %q has no host name", m.Name)
		}
		if len(m.Components) > 32 {
			return fmt.Errorf("machine %s has %d components", m.Name, len(m.Components))
		}
		for _, c := range m.Components {
			if machine.Product(c.Product).Name() == string(c.Product) {
				return fmt.Errorf("machine %s: %q is no product", m.Name, c.Product)
			}
			if c.Port < 1 || c.Port > 65535 {
				return fmt.Errorf("machine %s: %d is no port", m.Name, c.Port)
			}
		}
	}
	return nil
}

// references are the ids of all certificates that something refers to.
func (s Shape) references() []string {
	var ids []string
	for _, entry := range append(append([]Entry{}, s.Entries...), s.Roots...) {
		ids = append(ids, entry.Chain...)
	}
	for _, served := range s.Served {
		ids = append(ids, served.Chain...)
	}
	for _, v := range s.Vaults {
		if v.Newest != "" {
			ids = append(ids, v.Newest)
		}
	}
	for _, m := range s.Machines {
		for _, c := range m.Components {
			ids = append(ids, c.Chain...)
			for _, held := range c.Keystore {
				if held.Certificate != "" {
					ids = append(ids, held.Certificate)
				}
			}
		}
	}
	return ids
}
