package sim

import (
	"net/http"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/sim/arm"
	"github.com/cartouche-gis/cartouche/internal/sim/storage"
)

// openStorage listens under the names of all storage accounts, once in each
// net, so that their firewalls can tell the two doors apart.
func (w *World) openStorage() error {
	s := storage.New(storage.Options{
		Ground: w.ground, Suffix: w.cloud.BlobSuffix, Login: w.cloud.Login, Audience: w.cloud.Storage, Verify: w.entra.Verify,
		Document: func(name string) (map[string]any, string, bool) {
			document, ok := w.manager.Named(arm.StorageAccounts, name)
			id, _ := document["id"].(string)
			return document, w.tenantOf(id), ok
		},
		Allows: w.manager.Allows, AllowsData: w.manager.AllowsData, Guesses: w.options.Guesses.Storage,
	})
	w.storage = s
	outside, inside := w.server(s.From(storage.Outside)), w.server(s.From(storage.Inside))
	w.blobServers = []*http.Server{outside, inside}
	for _, server := range w.blobServers {
		server.TLSConfig = w.authority.ServerConfig()
	}
	for _, id := range w.manager.IDs(arm.StorageAccounts) {
		name := id[strings.LastIndex(id, "/")+1:]
		s.Add(name)
		public, err := w.ground.Outside.Listen(s.Host(name), 443)
		if err != nil {
			return err
		}
		go func() { _ = outside.ServeTLS(public, "", "") }()
		private, err := w.ground.Inside.Listen(s.Host(name), 443)
		if err != nil {
			return err
		}
		go func() { _ = inside.ServeTLS(private, "", "") }()
	}
	if err := w.addConfigurations(); err != nil {
		return err
	}
	w.blobBaggage = map[string]bool{}
	for _, name := range s.Names() {
		w.blobBaggage[name] = true
	}
	return nil
}

// Storage is the data plane of the world's storage accounts: to look at what
// is in them, and to change it behind a client's back.
func (w *World) Storage() *storage.Server { return w.storage }

// storageKeys is how the Resource Manager has the keys; the accounts are opened
// after it.
func (w *World) storageKeys(name string) ([2][]byte, bool) {
	if w.storage == nil {
		return [2][]byte{}, false
	}
	return w.storage.Keys(name)
}

// tenantOf is the tenant that a resource's subscription is in.
func (w *World) tenantOf(id string) string {
	for _, one := range w.subscriptions {
		if strings.HasPrefix(strings.ToLower(id), "/subscriptions/"+strings.ToLower(one.ID)+"/") {
			return one.Tenant
		}
	}
	return ""
}
