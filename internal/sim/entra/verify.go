package entra

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// Why a token is not accepted.
var (
	ErrMalformed = errors.New("not a token of this world")
	ErrExpired   = errors.New("token expired")
	ErrAudience  = errors.New("token is for another audience")
	ErrRevoked   = errors.New("token was revoked")
)

// Caller is who a token speaks for.
type Caller struct {
	Tenant, ObjectID, ClientID string
	User                       string // the sign-in name of a person, else ""
	// Continuous tells that the client understands a claims challenge
	// (continuous access evaluation).
	Continuous bool
	id         string
}

// Name is how error messages call the caller: a person by sign-in name, a
// program by client id.
func (c Caller) Name() string {
	if c.User != "" {
		return c.User
	}
	return c.ClientID
}

// Verify checks signature, expiry and audience of a bearer token. The Caller
// is filled also beside ErrRevoked.
func (s *Server) Verify(token string, audiences []string) (Caller, error) {
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return &s.key.PublicKey, nil },
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithExpirationRequired(), jwt.WithTimeFunc(s.options.Ground.Clock.Now))
	if errors.Is(err, jwt.ErrTokenExpired) {
		return Caller{}, ErrExpired
	}
	if err != nil {
		return Caller{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	audience, _ := claims["aud"].(string)
	if !slices.ContainsFunc(audiences, func(a string) bool { return strings.TrimRight(a, "/") == strings.TrimRight(audience, "/") }) {
		return Caller{}, ErrAudience
	}
	text := func(name string) string { value, _ := claims[name].(string); return value }
	caller := Caller{Tenant: text("tid"), ObjectID: text("oid"), ClientID: text("appid"), User: text("unique_name"), id: text("uti")}
	_, caller.Continuous = claims["xms_cc"]
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.revoked[caller.id], s.ended[caller.id] && caller.Continuous:
		return caller, ErrRevoked
	case s.ended[caller.id]:
		return caller, ErrExpired
	}
	return caller, nil
}

// Revoke makes the token that identified the caller worthless; a new one can
// be had.
func (s *Server) Revoke(caller Caller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked[caller.id] = true
}
