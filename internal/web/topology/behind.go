package topology

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

func (v view) vaults(p *Picture) {
	for i, vaulted := range v.Vaulted {
		box := Box{ID: "vault-" + strconv.Itoa(i+1), Href: "#vaults", Title: vaultName(vaulted.Vault), Note: "Key Vault: " + vaulted.Name}
		if vaulted.Trouble != "" {
			box.Rows = append(box.Rows, Row{Kind: Differs, Text: "not read: " + vaulted.Trouble})
		}
		if i := slices.IndexFunc(vaulted.Versions, func(version rotation.VaultVersion) bool { return version.Enabled }); i >= 0 {
			newest := vaulted.Versions[i]
			box.Rows = append(box.Rows, Row{Kind: Configured, Text: "newest version", Until: newest.NotAfter, Href: "#vaults"})
			if newest.Thumbprint != "" && !v.servesFrom(vaulted.InVault, newest.Thumbprint) {
				box.Rows = append(box.Rows, Row{Kind: Differs, Text: "which is not served yet", Href: "#vaults"})
			}
		}
		for _, reader := range vaulted.Readers {
			if reader.May == rotation.No {
				box.Rows = append(box.Rows, Row{Kind: Differs, Text: lastSegment(reader.Identity) + " may not read it"})
			}
		}
		p.Vaults = append(p.Vaults, box)
	}
}

// servesFrom tells whether a listener that refers to a certificate in a vault
// serves a version of it.
func (v view) servesFrom(which rotation.InVault, thumbprint string) bool {
	return slices.ContainsFunc(v.Listeners, func(l rotation.Listener) bool {
		in, ok := rotation.ParseInVault(l.KeyVaultSecretID)
		return ok && strings.EqualFold(in.Vault, which.Vault) && strings.EqualFold(in.Name, which.Name) &&
			slices.ContainsFunc(ServedBy(v.State, l), func(c *x509.Certificate) bool { return strings.EqualFold(pki.Thumbprint(c), thumbprint) })
	})
}

func lastSegment(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

// pools are those that the deployment's listeners lead to.
func (v view) pools(p *Picture) {
	for _, pool := range v.Pools() {
		id := poolID(pool.Name)
		if !slices.ContainsFunc(p.Links, func(l Link) bool { return l.To == id }) {
			continue
		}
		box := Box{ID: id, Href: "#backends", Title: pool.Name, Note: v.waysInto(pool)}
		up, down := 0, 0
		for _, b := range v.Backends {
			if strings.EqualFold(b.Pool, pool.Name) && b.Up() {
				up++
			} else if strings.EqualFold(b.Pool, pool.Name) {
				down++
			}
		}
		switch {
		case down > 0:
			box.Rows = []Row{{Kind: Differs, Text: fmt.Sprintf("%d of %d not well", down, up+down)}}
		case up > 0:
			box.Rows = []Row{{Kind: Says, Text: "all " + strconv.Itoa(up) + " well"}}
			if up == 1 {
				box.Rows[0].Text = "well"
			}
		}
		p.Pools = append(p.Pools, box)
	}
}

// waysInto are the ports and paths of a pool.
func (v view) waysInto(pool cloud.BackendPool) string {
	var ways []string
	for _, route := range v.Gateway.Routes() {
		if !strings.EqualFold(route.Pool, pool.Name) {
			continue
		}
		way := "port " + strconv.Itoa(route.Port)
		if len(route.Paths) > 0 {
			way = route.Paths[0] + " to " + way
		}
		if !slices.Contains(ways, way) {
			ways = append(ways, way)
		}
	}
	return strings.Join(ways, ", ")
}
