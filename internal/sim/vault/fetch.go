package vault

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/entra"
)

// StepFetch is when a gateway reads a secret: faults can strike there without
// touching what clients do.
const StepFetch = "gateway-fetch"

// Problem is why a gateway did not get a secret.
// Source: Azure documentation, "Common key vault errors in Application
// Gateway": each is one of its codes, but for Unreachable and NotPFX.
type Problem string

// The problems; after Unreachable the gateway keeps what it has.
const (
	Unreachable  Problem = "Unreachable"
	NoPermission Problem = "UserAssignedIdentityDoesNotHaveGetPermissionOnKeyVault"
	Restricted   Problem = "KeyVaultHasRestrictedAccess"
	Disabled     Problem = "SecretDisabled"
	Missing      Problem = "SecretDeletedFromKeyVault"
	VaultMissing Problem = "KeyVaultSoftDeleted"
	NotPFX       Problem = "InvalidData"
)

// FetchError tells which secret and why.
type FetchError struct {
	Problem Problem
	ID      string
}

func (e *FetchError) Error() string { return fmt.Sprintf("fetch %s: %s", e.ID, e.Problem) }

// Fetch reads a certificate as a gateway does: with its identity, from inside
// the virtual network, through the same firewall and rights as everybody. An
// id without version is the newest enabled version or, with newest, the
// newest, enabled or not.
func (s *Server) Fetch(ctx context.Context, principal, id string, newest bool) (tls.Certificate, error) {
	pair, problem := s.fetch(ctx, principal, id, newest)
	if problem != "" {
		return tls.Certificate{}, &FetchError{problem, id}
	}
	return pair, nil
}

func (s *Server) fetch(ctx context.Context, principal, id string, newest bool) (tls.Certificate, Problem) {
	switch {
	case s.ground.TakeFault("slow", StepFetch):
		if s.ground.Clock.Wait(ctx, 20*time.Second) != nil {
			return tls.Certificate{}, Unreachable
		}
	case s.ground.TakeFault("forbidden", StepFetch):
		return tls.Certificate{}, NoPermission
	case s.ground.TakeFault("throttle", StepFetch), s.ground.TakeFault("unavailable", StepFetch), s.ground.TakeFault("reset", StepFetch), s.ground.TakeFault("lost-response", StepFetch):
		return tls.Certificate{}, Unreachable
	}
	parsed, err := url.Parse(id)
	if err != nil {
		return tls.Certificate{}, Missing
	}
	request := &http.Request{Method: http.MethodGet, URL: parsed, Host: parsed.Host}
	v, document, f := s.find(request)
	if f != nil {
		return tls.Certificate{}, VaultMissing
	}
	to := route(request)
	if to.kind != "secrets" || to.name == "" {
		return tls.Certificate{}, Missing
	}
	caller := entra.Caller{ObjectID: principal, Tenant: text(properties(document), "tenantId")}
	if s.admit(caller, Gateway, v, document) != nil {
		return tls.Certificate{}, Restricted
	}
	if s.permit(caller, to, v, document) != nil {
		return tls.Certificate{}, NoPermission
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := call{Server: s, vault: v, target: to, retention: retentionOf(document)}
	c.finishWaiting()
	o, f := c.find()
	if f != nil {
		return tls.Certificate{}, Missing
	}
	picked, f := c.pick(o)
	if f != nil {
		return tls.Certificate{}, Missing
	}
	if to.version == "" && !newest && o.newestEnabled() != nil {
		picked = o.newestEnabled()
	}
	if !picked.enabled {
		return tls.Certificate{}, Disabled
	}
	return c.served(o, picked)
}

// served is what a gateway makes of a secret: a PFX with its key, nothing else.
// Source: field reports: a PEM secret fails as invalid data
// (aks-baseline-multi-region#20).
func (c call) served(o *object, v *version) (tls.Certificate, Problem) {
	if !o.certificate {
		p, err := openPFX(v.value, "")
		if err != nil {
			return tls.Certificate{}, NotPFX
		}
		return p.TLS(), ""
	}
	if v.contentType != typePFX || !exportable(o.policy) {
		return tls.Certificate{}, NotPFX
	}
	return v.pair.TLS(), ""
}
