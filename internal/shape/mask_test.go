package shape_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/shape"
	"github.com/cartouche-gis/cartouche/internal/sim"
)

// A masked shape tells nothing of whose it is: none of the names that the
// original has is in it.
func TestAMaskedShapeNamesNobody(t *testing.T) {
	t.Parallel()
	for _, name := range sim.Worlds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world := start(t, name)
			for _, o := range observe(t, world) {
				s, err := shape.Of(o.state, o.roots)
				if err != nil {
					t.Fatal(err)
				}
				masked, err := shape.Masked(s)
				if err != nil {
					t.Fatalf("%s: %v", s.Deployment.Name, err)
				}
				var text bytes.Buffer
				if err := masked.Write(&text); err != nil {
					t.Fatal(err)
				}
				tell := []string{s.Subscription, s.Deployment.ID, s.Deployment.Name, s.Deployment.Domain, s.Deployment.Secondary, s.Deployment.Prefix, s.Deployment.ResourceGroup, "World CA", "Contoso", "MII"}
				for _, m := range s.Machines {
					tell = append(tell, m.Name, m.Host)
				}
				for _, a := range s.Addresses {
					tell = append(tell, a.ID, a.Name)
				}
				for _, site := range s.Deployment.Sites {
					tell = append(tell, site.ID, site.Prefix, site.ResourceGroup)
				}
				for _, c := range s.Certificates {
					tell = append(tell, append(c.Names, c.SHA256, c.SHA1)...)
				}
				for _, v := range s.Vaults {
					tell = append(tell, v.Vault)
				}
				for _, secret := range tell {
					reserved := map[string]bool{"": true, "primary": true, "standby": true, "10.5.128.4": true}
					if reserved[secret] {
						continue
					}
					if regexp.MustCompile(`(?i)(^|[^a-z0-9])` + regexp.QuoteMeta(secret) + `([^a-z0-9]|$)`).Match(text.Bytes()) {
						t.Errorf("%s: %q is in the masked shape: %s", s.Deployment.Name, secret, around(text.String(), secret))
					}
				}
			}
		})
	}
}

func around(text, what string) string {
	i := strings.Index(strings.ToLower(text), strings.ToLower(what))
	if i < 0 {
		return ""
	}
	return text[max(0, i-60):min(len(text), i+60)]
}
