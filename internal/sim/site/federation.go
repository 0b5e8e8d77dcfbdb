package site

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

func federatedServers(c *call) (any, error) {
	list := []any{}
	for _, server := range c.site.spec.Federated {
		entry := c.site.inventory(server)
		entry["webgisServerTrustKey"] = "not shown"
		list = append(list, entry)
	}
	return map[string]any{"servers": list}, nil
}

// sharingServers is the same list without the trust key.
func sharingServers(c *call) (any, error) {
	list := []any{}
	for _, server := range c.site.spec.Federated {
		list = append(list, c.site.inventory(server))
	}
	return map[string]any{"servers": list}, nil
}

func (s *Site) inventory(server FederatedSpec) map[string]any {
	name := server.AdminURL
	if parsed, err := url.Parse(server.AdminURL); err == nil {
		name = parsed.Host
	}
	return map[string]any{
		"id": server.ID, "name": name, "url": server.URL, "adminUrl": server.AdminURL,
		"isHosted": server.Hosting, "serverRole": server.Role, "serverFunction": server.Function,
		"serverType": cmp.Or(server.Type, "ARCGIS"),
	}
}

func validateServer(c *call) (any, error) {
	for _, server := range c.site.spec.Federated {
		if server.ID == c.r.PathValue("id") {
			return c.validate(server), nil
		}
	}
	return nil, notFound(c.r.PathValue("id"))
}

// validateServers answers for all of them. Source of the shape: portal/validate-servers
func validateServers(c *call) (any, error) {
	list := []any{}
	worst := 0
	for _, server := range c.site.spec.Federated {
		one := c.validate(server)
		list = append(list, one)
		for rank, status := range statuses {
			if one["status"] == status {
				worst = max(worst, rank)
			}
		}
	}
	return map[string]any{"status": statuses[worst], "serversStatus": list}, nil
}

// statuses from good to bad.
var statuses = []string{"success", "success with warnings", "failure"}

// validate really connects to both URLs of a federated server from the machine
// that answers, with that machine's trust (S27). A URL that cannot be reached
// or trusted is a failure; a services URL that answers without success is a
// warning (guess). Source: portal/validate-server
func (c *call) validate(server FederatedSpec) map[string]any {
	return c.site.validate(c.r.Context(), c.machine, server)
}

func (s *Site) validate(ctx context.Context, from *machine, server FederatedSpec) map[string]any {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	status, messages := statuses[0], []string{}
	if _, err := from.fetch(ctx, strings.TrimSuffix(server.AdminURL, "/")+"/admin?f=json"); err != nil {
		status = statuses[2]
		messages = append(messages, fmt.Sprintf("ArcGIS Server administration URL '%s' is not accessible. %s", server.AdminURL, javaError(err)))
	} else {
		messages = append(messages,
			fmt.Sprintf("ArcGIS Server administration URL '%s' is accessible.", server.AdminURL),
			fmt.Sprintf("ArcGIS Server '%s' version matches with Portal for ArcGIS.", server.AdminURL))
	}
	switch code, err := from.fetch(ctx, strings.TrimSuffix(server.URL, "/")+"/rest/info?f=json"); {
	case err != nil:
		status = statuses[2]
		messages = append(messages, fmt.Sprintf("ArcGIS Server services URL '%s' is not accessible. %s", server.URL, javaError(err)))
	case code != http.StatusOK:
		if status == statuses[0] {
			status = statuses[1]
		}
		messages = append(messages, fmt.Sprintf("ArcGIS Server services URL '%s' answered with HTTP status %d.", server.URL, code))
	}
	if from.takeFault("federation-warns", "federation-validate") && status == statuses[0] {
		status = statuses[1]
		messages = append(messages, fmt.Sprintf("ArcGIS Server '%s' and Portal for ArcGIS do not run on the same version.", server.AdminURL)) // guess
	}
	s.ground.Ledger.Record(ground.Federation, from.name, status+" "+server.AdminURL)
	answer := map[string]any{"status": status, "serverId": server.ID, "messages": messages}
	if s.version.atLeast(11, 1) {
		answer["adminUrl"] = server.AdminURL
	}
	return answer
}

// fetch asks a URL inside the virtual network as the machine's Java would. For
// an administration URL any answer that is no server error counts: without a
// token it is a refusal with HTTP 200.
func (m *machine) fetch(ctx context.Context, address string) (status int, err error) {
	transport := &http.Transport{DisableKeepAlives: true, DialContext: m.site.ground.Inside.DialContext, DialTLSContext: m.dialTLS}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
	if err == nil && response.StatusCode >= 500 && strings.Contains(address, "/admin?") {
		err = fmt.Errorf("HTTP status %d", response.StatusCode)
	}
	return response.StatusCode, err
}

func (m *machine) dialTLS(ctx context.Context, _, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	raw, err := m.site.ground.Inside.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	secure := tls.Client(raw, &tls.Config{
		ServerName: host, MinVersion: tls.VersionTLS12,
		InsecureSkipVerify: true, // verified below, with the machine's own trust
		VerifyConnection:   func(state tls.ConnectionState) error { return m.verify(state.PeerCertificates, host) },
	})
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return secure, nil
}

// verify builds a path from the chain as it was sent - Java fetches nothing -
// to a certificate that the machine trusts.
func (m *machine) verify(chain []*x509.Certificate, host string) error {
	roots := m.site.mozilla().Clone()
	for _, root := range m.site.spec.PublicRoots {
		roots.AddCert(root)
	}
	m.mu.Lock()
	for _, root := range m.trusted {
		roots.AddCert(root)
	}
	m.mu.Unlock()
	intermediates := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		intermediates.AddCert(certificate)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates, DNSName: host, CurrentTime: m.site.ground.Clock.Now()})
	return err
}

// javaError words an error as Java does; the PKIX sentence was seen in
// Esri/arcgis-cookbook#391.
func javaError(err error) string {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &unknown):
		return "Invalid SSL certificate found. PKIX path building failed: sun.security.provider.certpath.SunCertPathBuilderException: " +
			"unable to find valid certification path to requested target"
	case errors.As(err, &name):
		return "java.security.cert.CertificateException: No subject alternative DNS name matching " + name.Host + " found."
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "PKIX path validation failed: java.security.cert.CertPathValidatorException: validity check failed"
	case errors.As(err, &invalid):
		return "PKIX path validation failed: java.security.cert.CertPathValidatorException: " + invalid.Error()
	}
	return err.Error()
}

// mozillaRoots is Mozilla's list, which Java's own resembles.
func mozillaRoots() *x509.CertPool {
	pool := x509.NewCertPool()
	for root := range bundle.Roots() {
		certificate, err := x509.ParseCertificate(root.Certificate)
		switch {
		case err != nil:
		case root.Constraint == nil:
			pool.AddCert(certificate)
		default:
			pool.AddCertWithConstraint(certificate, root.Constraint)
		}
	}
	return pool
}
