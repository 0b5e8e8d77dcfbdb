package entra

import (
	"crypto/x509"
	"errors"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// Certificate is one whose key may sign an application's assertions.
type Certificate = *x509.Certificate

// Federated is a federated credential: tokens of another issuer that stand for
// the application (workload identity).
// Source: Microsoft Entra Workload ID, "Workload identity federation".
type Federated struct{ Issuer, Subject, Audience string }

// AddCertificate registers a certificate for an application, by client id.
func (s *Server) AddCertificate(clientID string, certificate Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.certificates[strings.ToLower(clientID)] = append(s.certificates[strings.ToLower(clientID)], certificate)
}

func (s *Server) withCertificates(a Application) Application {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.Certificates = append(a.Certificates[:len(a.Certificates):len(a.Certificates)], s.certificates[strings.ToLower(a.ClientID)]...)
	return a
}

// checkAssertion verifies a client assertion (RFC 7523): one that the
// application signed itself, or a token of an issuer that it trusts.
func (s *Server) checkAssertion(assertion string, application Application) *failure {
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(assertion, claims); err != nil {
		return problem("invalid_request", 50027, "JWT token is invalid or malformed.")
	}
	issuer, _ := claims.GetIssuer()
	if !strings.EqualFold(issuer, application.ClientID) {
		return s.checkFederated(assertion, claims, application)
	}
	for _, certificate := range application.Certificates {
		_, err := jwt.Parse(assertion, func(*jwt.Token) (any, error) { return certificate.PublicKey, nil },
			jwt.WithValidMethods([]string{"RS256", "PS256"}),
			jwt.WithIssuer(application.ClientID), jwt.WithSubject(application.ClientID),
			jwt.WithExpirationRequired(), jwt.WithTimeFunc(s.options.Ground.Clock.Now))
		if err == nil {
			return nil
		}
		if errors.Is(err, jwt.ErrTokenExpired) {
			return problem("invalid_client", 700024, "Client assertion is not within its valid time range.")
		}
	}
	return problem("invalid_client", 700027, "The certificate with identifier used to sign the client assertion is not registered on application, "+
		"or the assertion failed signature validation.")
}

// checkFederated compares issuer, audience and subject with the application's
// federated credentials, then the signature with the issuer's keys.
// guess: error "invalid_client" for all of these; invalid_request was seen, too.
func (s *Server) checkFederated(assertion string, claims jwt.MapClaims, application Application) *failure {
	issuer, _ := claims.GetIssuer()
	subject, _ := claims.GetSubject()
	audiences, _ := claims.GetAudience()
	number, what, value := 700211, "issuer", issuer
	for _, one := range application.Federated {
		if one.Issuer != issuer {
			continue
		}
		if number == 700211 {
			number, what, value = 700212, "audience", strings.Join(audiences, ",")
		}
		if !slices.Contains(audiences, one.Audience) {
			continue
		}
		if number, what, value = 700213, "subject", subject; one.Subject != subject {
			continue
		}
		return s.checkIssued(assertion, issuer)
	}
	return problem("invalid_client", number, "No matching federated identity record found for presented assertion %s '%s'. "+
		"Check your federated identity credential Subject, Audience and Issuer against the presented assertion.", what, clip(value))
}

func (s *Server) checkIssued(assertion, issuer string) *failure {
	for _, one := range s.options.Issuers {
		if one.URL != issuer {
			continue
		}
		_, err := jwt.Parse(assertion, func(*jwt.Token) (any, error) { return one.publicKey() }, jwt.WithValidMethods([]string{"RS256"}),
			jwt.WithExpirationRequired(), jwt.WithTimeFunc(s.options.Ground.Clock.Now))
		switch {
		case err == nil:
			return nil
		case errors.Is(err, jwt.ErrTokenExpired):
			return problem("invalid_client", 700024, "Client assertion is not within its valid time range.")
		}
	}
	return problem("invalid_client", 50013, "Assertion failed signature validation.")
}
