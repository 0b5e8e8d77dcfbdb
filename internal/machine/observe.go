package machine

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/arcgis"
)

const (
	// entriesAtOnce bounds what one component is asked side by side.
	entriesAtOnce = 4
	// maxEntries bounds what is read of one keystore.
	maxEntries = 300
	// lookTime bounds the look at one component, however slowly it answers: a
	// keystore of a hundred entries takes seconds.
	lookTime = 4 * time.Minute
)

// see looks at the component: first at what it serves, then, where it may, at
// what it is configured to serve and what it trusts. Whatever could not be
// read is left out and said.
func (v *visit) see(ctx context.Context) Seen {
	whole := ctx
	ctx, cancel := context.WithTimeout(whole, cmp.Or(v.worker.lookTime, lookTime))
	defer cancel()
	seen := Seen{Component: v.component}
	wire := v.look(ctx)
	for _, certificate := range wire.Chain {
		seen.Chain = append(seen.Chain, certificate.Raw)
	}
	seen.Protocol, seen.WireTrouble = wire.Protocol, wire.Failure
	if !v.component.HasKeystore() {
		seen.Healthy = len(wire.Chain) > 0 && v.answers(ctx)
		return seen
	}
	if err := v.enter(ctx); err != nil {
		seen.Trouble, seen.TroubleCode = oneLine(err.Error()), codeOf(err)
		if whole.Err() != nil {
			seen.TroubleCode = CodeInterrupted
		}
		seen.Healthy = len(wire.Chain) > 0 && v.prober.Health(ctx) == nil
		return seen
	}
	seen.MachineName, seen.Role, seen.Peers, seen.Version = v.machine.Name, v.machine.Role, v.peers, v.version

	var work errgroup.Group
	var keystore, settings, registered error
	work.Go(func() error { seen.Healthy = v.prober.Health(ctx) == nil; return nil })
	work.Go(func() error { keystore = v.seeKeystore(ctx, &seen); return nil })
	var config map[string]string
	switch v.component.Product {
	case Portal:
		work.Go(func() error { seen.Federated, registered = v.admin.Portal().FederatedServers(ctx); return nil })
	case Server:
		work.Go(func() error { config, settings = v.admin.SecurityConfig(ctx); return nil })
		work.Go(func() error { seen.Stores, registered = v.admin.Stores(ctx); return nil })
	}
	_ = work.Wait()
	for name, value := range config {
		seen.Settings[name] = value
	}
	for _, err := range []error{keystore, settings, registered} {
		if err != nil && seen.Trouble == "" {
			seen.Trouble, seen.TroubleCode = oneLine(err.Error()), codeOf(err)
		}
	}
	if ctx.Err() != nil && seen.Trouble == "" {
		seen.Trouble, seen.TroubleCode = "it answers so slowly that not everything could be read", CodeUnreachable
	}
	return seen
}

// seeKeystore reads the keystore with all its entries.
func (v *visit) seeKeystore(ctx context.Context, seen *Seen) error {
	seen.Settings = map[string]string{}
	k, err := v.admin.Keystore(ctx, v.machine.Name)
	if err != nil {
		return err
	}
	seen.Alias = k.Active
	for name, value := range k.Settings {
		seen.Settings[name] = value
	}
	seen.Entries = v.entries(ctx, k)
	if left := len(k.Aliases) - len(seen.Entries); left > 0 {
		return troubled(CodeRefused, "the keystore has %d entries, of which only the first %d were read", len(k.Aliases), len(seen.Entries))
	}
	return nil
}

// entries are those of a keystore, in its order.
func (v *visit) entries(ctx context.Context, k arcgis.Keystore) []Entry {
	entries := make([]Entry, min(len(k.Aliases), maxEntries))
	var work errgroup.Group
	work.SetLimit(entriesAtOnce)
	for i := range entries {
		work.Go(func() error {
			alias := k.Aliases[i]
			c, err := v.admin.Certificate(ctx, v.machine.Name, alias)
			if err != nil {
				entries[i] = Entry{Alias: alias, Trouble: oneLine(err.Error())}
				return nil
			}
			entries[i] = Entry{
				Alias: alias, Trusted: c.Type == arcgis.Trusted, Subject: c.Subject, Issuer: c.Issuer, Names: c.Names,
				NotBefore: c.NotBefore, NotAfter: c.NotAfter, SHA1: c.SHA1, SHA256: c.SHA256,
			}
			return nil
		})
	}
	_ = work.Wait()
	return entries
}

// signs of life of what has no admin API. Sources: Esri's DSC
// (ArcGIS_DataStore_TLS, ArcGIS_Server_TLS); the probe of Workflow Manager in
// Esri/arcgis-azure-templates.
var signsOfLife = map[Product]string{
	DataStore:       "/arcgis/datastoreadmin/configure?f=json",
	GeoEvent:        "/geoevent/rest",
	WorkflowManager: "/workflow/healthcheck",
	WebAdaptor:      "/",
}

// answers tells whether something speaks HTTP behind the port and is not in
// trouble. Nothing secret is sent, so whoever answers is as good.
func (v *visit) answers(ctx context.Context) bool {
	path, ok := signsOfLife[v.component.Product]
	if !ok {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	address := fmt.Sprintf("https://%s%s", net.JoinHostPort(v.job.Host, strconv.Itoa(v.component.Port)), path)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false
	}
	response, err := v.worker.stranger().Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	return response.StatusCode < 500
}
