package web

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/deployment"
)

// PathID is how a deployment is called in a path: short, safe in an address and
// the same on each computer and after each start. It is made of the gateway and
// the deployment's own id, since a gateway may carry the listeners of several
// sites, and a deployment of the first layout has no gateway.
func PathID(d deployment.Deployment) string {
	place := d.GatewayID
	if place == "" {
		place = "/subscriptions/" + d.SubscriptionID + "/resourceGroups/" + d.ResourceGroup
	}
	sum := sha256.Sum256([]byte(strings.ToLower(place) + "\n" + d.ID)) // Azure does not tell cases apart in ids of resources
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:10]))
}
