// Package sim is a whole small world to rehearse in: sign-in, Resource
// Manager, gateways with a real TLS data plane and ArcGIS machines on real TLS
// ports, reached under their production names through a forward proxy.
//
// It is an independent reading of public documentation and shares no type
// with the clients that talk to it, so that a mistake on either side shows.
package sim

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/sim/arm"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/computer"
	"github.com/cartouche-gis/cartouche/internal/sim/door"
	"github.com/cartouche-gis/cartouche/internal/sim/edge"
	"github.com/cartouche-gis/cartouche/internal/sim/entra"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/site"
	"github.com/cartouche-gis/cartouche/internal/sim/storage"
	"github.com/cartouche-gis/cartouche/internal/sim/vault"
)

// Options say what world to start. The zero value but for World is good.
type Options struct {
	World string // one of Worlds
	// File is a world's file, instead of the name of one.
	File []byte
	// Domain and SecondaryDomain replace the names of the first deployment.
	Domain, SecondaryDomain string
	Scale                   float64 // 60 makes a minute cost a second; 0 is 1
	Faults                  []ground.Fault
	Guesses                 Guesses
	Log                     *slog.Logger
	Current                 CurrentCertificate
	// Version replaces that of every deployment but V1.
	Version string
	// Machines replace what the first deployment's file says of its machines.
	Machines MachineState
	// ExtraRoots are trusted by the clients' CA file and by ArcGIS' Java,
	// beside the world's own CA.
	ExtraRoots [][]byte // DER
	// Keys belong to certificates that File gives by their public part.
	Keys []crypto.Signer
	// Extra are resources, as a GET would show them, that are in the
	// subscription without anything behind them. Their ids may begin with
	// "/subscriptions/{subscription}/", which is filled in.
	Extra []map[string]any
	// PageSize of the Resource Manager's lists; 0 is 1000.
	PageSize int
	// Dir is where ca.pem goes; "" is a directory that Close removes.
	Dir string
	// TokenLifetime is how long access tokens are good for; 0 is an hour.
	TokenLifetime time.Duration
	// OutsideAddress and InsideAddress are where the doors listen; "" is a
	// free port of 127.0.0.1.
	OutsideAddress, InsideAddress string
	// InMemory makes a world without sockets, which may live in a bubble of
	// testing/synctest, where time is virtual. Only who dials with World.Dial
	// gets at its doors.
	InMemory bool
	// Scripts lets Run Command really run what it is given, on this computer, as
	// its user. Off, run commands are kept and not run.
	Scripts bool
	// Known are scripts for an operating system that this computer has not, by
	// the SHA-256 (lower-case hex) of their text without newlines at its end.
	Known map[string]computer.Known
}

// Guesses are the behaviours that no public source settles.
type Guesses struct {
	Manager arm.Guesses
	Gateway edge.Options
	Sites   site.Options
	Vaults  vault.Guesses
	Storage storage.Guesses
	SignIn  entra.Guesses
}

// MachineState is how the machines of a deployment stand; what is zero stays as
// the world's file has it.
type MachineState struct {
	InternalDays, StoreDays int      // left of their certificates; less than 0: expired
	PortalAliases           []string // by machine
	DirectFederation        bool     // the administration URL names a machine
	UnseenAuthority         bool     // issues the renewed certificate
	Leftover                string   // alias in every keystore
	Protocol                string   // of the Servers: HTTPS, HTTP_AND_HTTPS
	HSTS                    bool
	// Key is the kind of key that every machine's own certificate has: "" is RSA,
	// as Cloud Builder makes it; "p256" signs thirty times as fast, for tests that
	// look at no machine's key.
	Key string
}

// CurrentCertificate is how the certificate looks that is served at first.
type CurrentCertificate struct {
	DaysLeft int    // 0 is 9
	Key      string // as in authority.Spec; "" is rsa2048
	// Issued, if given, is served as it is.
	Issued *authority.Issued
}

// World is a running world.
type World struct {
	options      Options
	layout       *layout
	cloudWord    string
	authority    *authority.Authority
	company      *authority.Issuer // the company's own issuing CA, nil without
	issuing      *authority.Issuer // the public CA that issues, nil for the usual one
	ground       *ground.Ground
	entra        *entra.Server
	manager      *arm.Server
	vault        *vault.Server
	vaultServers []*http.Server // one for each net
	storage      *storage.Server
	blobServers  []*http.Server  // one for each net
	blobBaggage  map[string]bool // what was in the accounts from the beginning
	control      *http.Server
	vaultIssued  map[*vaultEntry]*authority.Issued
	azure        *http.Server // TLS, all names of Azure
	aia          *http.Server // plain HTTP
	webs         []*http.Server
	outside      *door.Door
	inside       *door.Door
	gateways     []*edge.Gateway
	sites        []*site.Site
	computers    []*computer.Computer // of the virtual machines, with Options.Scripts
	computerDir  string               // their disks
	places       []place
	hosts        map[string]*site.Host // by FQDN, lower-case
	adaptors     map[string]string     // FQDN to the name of the Web Adaptor there
	// subscriptions of all tenants; the first is the first tenant's.
	subscriptions []arm.Subscription
	identity      identity
	cloud         cloud
	tenant        entra.Tenant // the first, which the deployments are in
	others        []entra.Tenant
	people        []entra.Person
	rights        map[string]string // of people, by sign-in name
	workload      *entra.Issuer
	runners       []entra.Identity // of the machine that clients run on
	appService    string           // the secret of its token endpoint
	certificate   func() (*authority.Issued, error)
	dir           string
	ownDir        bool
	next          *authority.Issued
	nextPFX       []byte
	likenesses    map[string]*authority.Issuer // those of the file, by id
	given         map[string]*x509.Certificate // those of the file without a key
	password      string
	caPEM         []byte
}

// identity is every secret of a world; all of it is random.
type identity struct {
	admin, adminPassword            string
	serviceAccount, servicePassword string
	internal                        string // of the machines' own PFX files
}

// Start brings a world up. It returns when everything answers.
func Start(ctx context.Context, o Options) (w *World, err error) {
	newGround := ground.New
	if o.InMemory {
		newGround = ground.NewInMemory
	}
	w = &World{options: o, ground: newGround(o.Scale, o.Log), adaptors: map[string]string{}}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start world %s: %w", o.World, err), w.Close())
			w = nil
		}
	}()
	if w.layout, err = o.layout(); err != nil {
		return w, err
	}
	w.rename()
	for _, fault := range o.Faults {
		if err = CheckFault(fault); err != nil {
			return w, err
		}
		w.ground.Faults.Add(fault)
	}
	w.identity = identity{admin: "siteadmin", adminPassword: rand.Text()[:16],
		serviceAccount: "arcgis", servicePassword: rand.Text()[:16], internal: rand.Text()[:16]}
	if err = w.settle(); err != nil {
		return w, err
	}
	if err = w.startAzure(); err != nil {
		return w, err
	}
	if err = w.startDeployments(ctx); err != nil {
		return w, err
	}
	if err = w.openStorage(); err != nil {
		return w, err
	}
	if err = w.startComputers(); err != nil {
		return w, err
	}
	if w.outside, err = door.Open(w.ground.Outside, o.OutsideAddress, w.ground.Log); err != nil {
		return w, err
	}
	if w.inside, err = door.Open(w.ground.Inside, o.InsideAddress, w.ground.Log); err != nil {
		return w, err
	}
	return w, w.makeDir()
}

// rename gives the first deployment the names that the options ask for.
func (w *World) rename() {
	first := &w.layout.Deployments[0]
	if w.options.Domain != "" {
		for i, l := range first.Listeners {
			for j, host := range l.Hosts {
				if host == first.Domain {
					first.Listeners[i].Hosts[j] = w.options.Domain
				}
			}
		}
		first.Domain, first.Secondary = w.options.Domain, ""
	}
	if w.options.SecondaryDomain != "" {
		first.Secondary = w.options.SecondaryDomain
	}
	first.Internal.change(w.options.Machines)
	for i := range w.layout.Deployments {
		if d := &w.layout.Deployments[i]; w.options.Version != "" && d.Kind != kindV1 {
			d.Version = w.options.Version
		}
	}
}

// startAzure makes keys, which is slow, side by side, and listens under
// Azure's names.
func (w *World) startAzure() error {
	var work errgroup.Group
	work.Go(func() (err error) {
		w.authority, err = authority.NewWith(w.ground.Clock.Now, w.ground.Keys)
		return err
	})
	work.Go(func() (err error) {
		w.entra, err = w.newEntra()
		return err
	})
	if err := work.Wait(); err != nil {
		return err
	}
	if err := w.startCompany(); err != nil {
		return err
	}
	if err := w.makeLikenesses(); err != nil {
		return err
	}
	w.manager = arm.New(arm.Options{
		Ground: w.ground, Cloud: w.cloud.Cloud, OtherClouds: otherClouds(w.cloud), Verify: w.entra.Verify, Revoke: w.entra.Revoke, TenantsOf: w.entra.TenantsOf,
		Guesses: w.options.Guesses.Manager, Fetch: w.fetch, Computer: w.computerOf, Configure: w.configure, StorageKeys: w.storageKeys, PageSize: w.options.PageSize, Tenants: w.armTenants(), Subscriptions: w.subscriptions,
	})
	byHost := w.signInHosts()
	byHost[w.cloud.Host] = w.manager
	w.azure = w.server(hosts(byHost))
	w.azure.TLSConfig = w.authority.ServerConfig()
	for host := range byHost {
		listener, err := w.ground.Outside.Listen(host, 443)
		if err != nil {
			return err
		}
		go func() { _ = w.azure.ServeTLS(listener, "", "") }()
	}
	if err := w.startMetadata(); err != nil {
		return err
	}
	if err := w.openControl(); err != nil {
		return err
	}
	if err := w.openVaults(); err != nil {
		return err
	}
	// A server of its own: one http.Server that serves both TLS and plain may
	// lose its HTTP/2, depending on which listener comes first.
	w.aia = w.server(w.authority)
	listener, err := w.ground.Outside.Listen(authority.AIAHost, 80)
	if err != nil {
		return err
	}
	go func() { _ = w.aia.Serve(listener) }()
	return nil
}

func (w *World) server(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           w.ground.Seen(handler),
		ConnContext:       ground.WithConn,
		ReadHeaderTimeout: 10 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(w.ground.Log.Handler(), slog.LevelDebug),
	}
}

// Close ends the world: doors first, so that nobody sees it fall apart.
func (w *World) Close() error {
	var problems []error
	for _, d := range []*door.Door{w.outside, w.inside} {
		if d != nil {
			problems = append(problems, d.Close())
		}
	}
	if w.manager != nil {
		w.manager.Close()
	}
	problems = append(problems, w.stopComputers())
	for _, gateway := range w.gateways {
		problems = append(problems, gateway.Close())
	}
	for _, h := range w.hosts {
		problems = append(problems, h.Close())
	}
	for _, s := range w.sites {
		problems = append(problems, s.Close())
	}
	for _, server := range slices.Concat([]*http.Server{w.azure, w.aia, w.control}, w.webs, w.vaultServers, w.blobServers) {
		if server != nil {
			problems = append(problems, server.Close())
		}
	}
	w.ground.Keys.Leave()
	if w.ownDir {
		problems = append(problems, os.RemoveAll(w.dir))
	}
	return errors.Join(problems...)
}

// Dial connects to a door of the world, and to nothing else if it is in memory.
func (w *World) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return w.ground.Outside.Dial(ctx, network, address)
}

// Authority issues certificates and PFX files for the world.
func (w *World) Authority() *authority.Authority { return w.authority }

// Ground is the world's cabling, clock, faults and ledger.
func (w *World) Ground() *ground.Ground { return w.ground }

// Manager is the Resource Manager: to change grants, locks and documents
// behind a client's back.
func (w *World) Manager() *arm.Server { return w.manager }

// Sites are the ArcGIS sites that run.
func (w *World) Sites() []*site.Site { return w.sites }
