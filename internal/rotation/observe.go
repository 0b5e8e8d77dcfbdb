package rotation

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/arcgis"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// Observe reads everything that a rotation of the deployment depends on, and
// what is asked for in Key Vault. It changes nothing. What cannot be read
// becomes an obstacle in the State rather than an error, except for the gateway
// itself, without which there is no state.
func (r *Runner) Observe(ctx context.Context, d deployment.Deployment, asked Asked) (State, error) {
	state := State{At: r.now(), Cloud: r.Azure.Cloud().Name, Deployment: d, Claims: asked.Claim}
	if d.GatewayID == "" {
		return state, fmt.Errorf("observe %s: %s", d.Name, d.CannotUpdate)
	}
	document, err := r.Azure.Get(ctx, d.GatewayID, cloud.GatewayAPI)
	if err != nil {
		return state, err
	}
	state.Gateway, err = cloud.ParseGateway(document)
	if err != nil {
		return state, fmt.Errorf("read gateway of %s: %w", d.Name, err)
	}
	state.Listeners = ownListeners(state.Gateway, d.Names())
	r.resolveAddresses(ctx, &state)
	state.Obstacles = append(state.Obstacles, gatewayObstacles(state)...)

	// Nothing here waits for anything else; each part writes its own fields of
	// the state, and reads a copy of what is known by now.
	known := state
	var mu sync.Mutex
	obstacle := func(finding pki.Finding) {
		mu.Lock()
		defer mu.Unlock()
		state.Obstacles = append(state.Obstacles, finding)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		state.Wire = r.look(ctx, known.Listeners)
		return ctx.Err()
	})
	group.Go(func() error {
		state.Sites = r.observeSites(ctx, d, known.leaves())
		return ctx.Err()
	})
	backendsRead := make(chan struct{})
	group.Go(func() error {
		defer close(backendsRead)
		backends, err := r.Azure.BackendHealth(ctx, d.GatewayID)
		if err != nil {
			obstacle(unread("backend-health-unread", "the health of the backends", err))
		}
		state.Backends = known.ownBackends(backends)
		state.addresses = addressesOf(state.Backends)
		return ctx.Err()
	})
	group.Go(func() error {
		state.Access = r.observeAccess(ctx, d.GatewayID, scopesOf(slices.Concat(renewal(known.Gateway), known.ClaimOperations())))
		return ctx.Err()
	})
	var places, atMachines []Place
	var rights wayRights
	if r.Way != nil {
		state.Way = r.Way.Kind()
		group.Go(func() error {
			known := known
			if hasInterfaces(known.Gateway) { // then the addresses behind it count as names of machines
				<-backendsRead
				known.addresses = state.addresses
			}
			state.Machines = r.ObserveMachines(ctx, known)
			state.pending = r.pendingRestarts(ctx, d.ID)
			return ctx.Err()
		})
		group.Go(func() error {
			rights = needsOf(r.Way, machinesOf(d, known.Gateway))
			atMachines = r.observePlaces(ctx, placesOfRights(rights))
			return ctx.Err()
		})
	}
	group.Go(func() error {
		state.Vaulted = r.observeVaults(ctx, known, asked)
		places = r.observePlaces(ctx, scopesAsked(known.Gateway, state.Vaulted, asked))
		return ctx.Err()
	})
	if err := group.Wait(); err != nil {
		return state, fmt.Errorf("observe %s: %w", d.Name, err)
	}
	state.Backends = state.named(state.Backends)
	state.Access.Places = slices.Concat(state.Access.Places, places, atMachines)
	state.WayNeeds = settled(rights, state.Access)
	state.Obstacles = append(state.Obstacles, accessFindings(state.Access, slices.Concat(renewal(state.Gateway), state.ClaimOperations()))...)
	wire := wireObstacles(state)
	state.Obstacles = append(state.Obstacles, wire...)
	if !wire.Refused() { // otherwise Portal cannot be reached either, whatever the login
		state.Obstacles = append(state.Obstacles, r.siteObstacles(state.Sites)...)
	}
	state.Obstacles = append(state.Obstacles, vaultFindings(state, nil)...)
	state.Obstacles = state.Obstacles.WorstFirst()
	if clock := r.Azure.Clock(); !clock.IsZero() {
		state.Ahead = r.now().Sub(clock).Round(time.Second)
	}
	return state, nil
}

// look makes the handshakes of all endpoints of the listeners.
func (r *Runner) look(ctx context.Context, listeners []Listener) []handshake.Observation {
	return r.lookAt(ctx, targetsOf(listeners))
}

func (r *Runner) lookAt(ctx context.Context, targets []handshake.Target) []handshake.Observation {
	results := make([][]handshake.Observation, len(targets))
	var group errgroup.Group
	group.SetLimit(8)
	for i, target := range targets {
		group.Go(func() error {
			results[i] = r.Looker.Look(ctx, target)
			return nil
		})
	}
	_ = group.Wait() // Look has no error: a failure is an observation
	return slices.Concat(results...)
}

// resolveAddresses fills in the gateway's own IP addresses.
func (r *Runner) resolveAddresses(ctx context.Context, state *State) {
	for i := range state.Listeners {
		listener, ok := state.Gateway.Listener(state.Listeners[i].Name)
		if !ok {
			continue
		}
		own := &state.Listeners[i]
		switch {
		case listener.PublicIPID != "":
			address, err := r.Azure.PublicIPAddress(ctx, listener.PublicIPID)
			if err != nil {
				finding := warn(unread("address-unread", "the public IP address of listener "+own.Name, err))
				if state.Deployment.Alone {
					finding.Severity = pki.Note // who points at a gateway may well be allowed no more
				}
				state.Obstacles = append(state.Obstacles, finding)
				continue
			}
			own.Addresses = append(own.Addresses, address.IP)
		case listener.PrivateIP != "":
			own.Addresses = append(own.Addresses, listener.PrivateIP)
		}
	}
}

// observeSites asks Portal and Server through the gateway. Their TLS is
// accepted when it is valid, or when it is exactly what the gateway is known to
// be configured with: an expired certificate must not hinder its own renewal,
// and a password must not go to a stranger.
func (r *Runner) observeSites(ctx context.Context, d deployment.Deployment, leaves []string) Sites {
	client := r.pinnedClient(leaves)
	defer client.CloseIdleConnections()
	var sites Sites
	if d.ServerContext != "" {
		sites.ServerURL = "https://" + d.Domain + "/" + d.ServerContext
		err := arcgis.ServerHealth(ctx, client, sites.ServerURL)
		sites.ServerTrouble, sites.serverUnseen = trouble(err), unanswered(err)
	}
	if d.PortalContext != "" {
		sites.PortalURL = "https://" + d.Domain + "/" + d.PortalContext
		r.observePortal(ctx, client, &sites)
	}
	return sites
}

func (r *Runner) observePortal(ctx context.Context, client *http.Client, sites *Sites) {
	portal := arcgis.NewPortal(sites.PortalURL, client)
	if err := portal.Health(ctx); err != nil {
		sites.PortalTrouble, sites.portalUnseen = trouble(err), unanswered(err)
		return
	}
	if r.Credentials.SiteAdmin == "" {
		return
	}
	if err := portal.SignIn(ctx, r.Credentials.SiteAdmin, r.Credentials.SiteAdminPassword); err != nil {
		sites.PortalTrouble, sites.portalUnseen, sites.loginRefused = trouble(err), unanswered(err), refusesLogin(err)
		return
	}
	sites.SignedIn = true
	version, err := portal.Version(ctx)
	if err != nil {
		sites.PortalTrouble, sites.portalUnseen = trouble(err), unanswered(err)
		return
	}
	sites.PortalVersion = version
	sites.Federation, err = validateFederation(ctx, portal)
	if err != nil {
		sites.PortalTrouble, sites.portalUnseen = trouble(err), unanswered(err)
	}
}

// siteObstacles checks the login that was given before anything is changed: a
// wrong password found out during the proof would look like a failed rotation.
func (r *Runner) siteObstacles(sites Sites) pki.Findings {
	switch {
	case sites.SignedIn && sites.PortalTrouble != "":
		return pki.Findings{{
			Code: "federation-unproved", Severity: pki.Warning,
			Sentence: "Portal's federation cannot be compared after the change, because it could not be read before: " + sites.PortalTrouble,
			Mend:     "run the same command again when Portal is well",
		}}
	case sites.PortalURL == "" || sites.SignedIn:
		return nil
	case r.Credentials.SiteAdmin == "":
		return pki.Findings{{
			Code: "federation-unproved", Severity: pki.Warning,
			Sentence: "without the site administrator's login, Portal's federation cannot be validated after the change",
			Mend:     "give --site-admin and its password",
		}}
	}
	return pki.Findings{{
		Code: "site-admin-refused", Severity: pki.Refusal,
		Sentence: fmt.Sprintf("the site administrator %q could not sign in to Portal: %s", r.Credentials.SiteAdmin, sites.PortalTrouble),
		Mend:     "check the login at " + sites.PortalURL + "/home, or go on without it: --without-portal",
	}}
}

func validateFederation(ctx context.Context, portal *arcgis.Portal) ([]FederationResult, error) {
	servers, err := portal.FederatedServers(ctx)
	if err != nil {
		return nil, err
	}
	results := make([]FederationResult, len(servers))
	var group errgroup.Group
	group.SetLimit(4)
	for i, server := range servers {
		group.Go(func() error {
			validation, err := portal.Validate(ctx, server)
			results[i] = FederationResult{Server: server, Validation: validation, Trouble: trouble(err)}
			return nil
		})
	}
	_ = group.Wait() // troubles are in the results
	return results, nil
}

// leaves are the fingerprints of the certificates that our listeners have now.
func (s State) leaves() []string {
	var leaves []string
	for _, listener := range s.Listeners {
		if listener.Leaf != nil {
			leaves = append(leaves, listener.Leaf.SHA256)
		}
	}
	return leaves
}

func trouble(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func describeFirst(chain []*x509.Certificate) *pki.Description {
	if len(chain) == 0 {
		return nil
	}
	description := pki.Describe(chain[0])
	return &description
}
