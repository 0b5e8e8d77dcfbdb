package pki

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// AIA fetches missing intermediates from where the certificates themselves say
// that their issuer is to be found (authority information access, caIssuers).
// The zero AIA goes out directly and stops at Mozilla's roots.
type AIA struct {
	// Transport says which proxy to use and which authorities to trust for
	// https; nil goes out directly. It is cloned, not used: direct connections
	// are dialled by a dialer that refuses addresses that are not public.
	// Behind a proxy the proxy resolves names, and only addresses written out
	// in a URL can be refused.
	Transport *http.Transport
	// Roots are where a chain is complete; nil means MozillaRoots.
	Roots *Roots
	// AllowPrivate lifts the refusal of loopback, private and other addresses
	// that are not public; for a world on this computer, and for tests.
	AllowPrivate bool
}

const (
	aiaReplyLimit = 64 << 10 // unpacked, of one answer
	aiaHeaders    = 64 << 10
	aiaTimeout    = 5 * time.Second
	aiaHops       = 4 // certificates up the chain
	aiaRedirects  = 2
	aiaAddresses  = 2 // of one certificate that are tried
)

// Complete gives a bundle with the intermediates that b lacks, as far as they
// can be fetched, and what it found: a Note for each one added, a Warning when
// one could not be had. The findings are also in the Repairs of the bundle it
// gives, so that Judge repeats them. Nothing that did not really sign its
// predecessor is taken. b is not changed; a complete one costs no request.
func Complete(ctx context.Context, b *Bundle, aia AIA) (*Bundle, Findings) {
	if aia.Roots == nil {
		aia.Roots = MozillaRoots()
	}
	completed := *b
	completed.Intermediates = slices.Clone(b.Intermediates)
	var found Findings
	client := aia.client()
	defer client.CloseIdleConnections()

	for range aiaHops {
		last := completed.missingAbove(aia.Roots)
		if last == nil || len(last.IssuingCertificateURL) == 0 {
			break
		}
		issuer, from, err := aia.fetchIssuer(ctx, client, last)
		if err != nil {
			found.add(codeFetchFailed, mendMissing(last), "the issuer %s of %s could not be fetched: %s",
				issuerOf(last), nameOf(last), printable(err.Error()))
			break
		}
		if selfSigned(issuer) {
			completed.Root = issuer
			break
		}
		completed.Intermediates = append(completed.Intermediates, issuer)
		found.add(codeIntermediateFetched, "", "the intermediate %s was missing and was fetched from %s", nameOf(issuer), printable(from))
	}
	completed.Repairs = append(slices.Clone(b.Repairs), found...).WorstFirst()
	return &completed, found
}

// missingAbove gives the certificate at the end of the chain whose issuer is
// missing, nil when the chain reaches a root.
func (b *Bundle) missingAbove(roots *Roots) *x509.Certificate {
	chain := append([]*x509.Certificate{b.Leaf}, b.Intermediates...)
	for _, cert := range chain {
		if roots.Contains(cert) || roots.Issuer(cert) != nil {
			return nil
		}
	}
	last := chain[len(chain)-1]
	if b.Root != nil || selfSigned(last) {
		return nil
	}
	return last
}

// fetchIssuer tries the addresses in a certificate until one has its issuer.
func (a AIA) fetchIssuer(ctx context.Context, client *http.Client, cert *x509.Certificate) (issuer *x509.Certificate, from string, err error) {
	addresses := cert.IssuingCertificateURL
	addresses = addresses[:min(len(addresses), aiaAddresses)]
	var failures []error
	for _, address := range addresses {
		candidates, err := a.fetch(ctx, client, address)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		if issuer := a.pick(cert, candidates); issuer != nil {
			return issuer, address, nil
		}
		failures = append(failures, fmt.Errorf("%s has another certificate than the issuer", printable(address)))
	}
	return nil, "", errors.Join(failures...)
}

// pick takes the issuer of cert among candidates, the one whose own issuer is
// known before others, then one that is no root.
func (a AIA) pick(cert *x509.Certificate, candidates []*x509.Certificate) *x509.Certificate {
	score := func(candidate *x509.Certificate) int {
		switch {
		case !candidate.IsCA || !signedBy(cert, candidate):
			return 0
		case selfSigned(candidate):
			return 1
		case a.Roots.Issuer(candidate) == nil:
			return 2
		}
		return 3
	}
	var best *x509.Certificate
	for _, candidate := range candidates[:min(len(candidates), 10)] {
		if s := score(candidate); s > 0 && (best == nil || s > score(best)) {
			best = candidate
		}
	}
	return best
}

func (a AIA) fetch(ctx context.Context, client *http.Client, address string) ([]*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, aiaTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("an address in the certificate is no URL")
	}
	if err := a.guard().url(request.URL); err != nil {
		return nil, fmt.Errorf("%s is not asked: %w", printable(address), err)
	}
	reply, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %d", printable(address), reply.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(reply.Body, aiaReplyLimit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", printable(address), err)
	}
	if len(data) > aiaReplyLimit {
		return nil, fmt.Errorf("%s answers with more than %d bytes", printable(address), aiaReplyLimit)
	}
	return ParseCertificates(data)
}

func (a AIA) guard() guard { return guard{allowPrivate: a.AllowPrivate} }

func (a AIA) client() *http.Client {
	return &http.Client{
		Transport: a.transport(),
		CheckRedirect: func(request *http.Request, via []*http.Request) error {
			if len(via) > aiaRedirects {
				return fmt.Errorf("more than %d redirects", aiaRedirects)
			}
			return a.guard().url(request.URL)
		},
	}
}

// aiaTransport sends direct requests through the guarded dialer and the
// others as the given transport would: the dialer of a proxied request dials
// the proxy, which may well be on a private address.
type aiaTransport struct {
	direct, proxied *http.Transport
}

func (a AIA) transport() *aiaTransport {
	t := &aiaTransport{direct: &http.Transport{}, proxied: &http.Transport{}}
	if a.Transport != nil {
		t.proxied = a.Transport.Clone()
		t.direct.TLSClientConfig = t.proxied.TLSClientConfig
	}
	t.direct.MaxResponseHeaderBytes, t.proxied.MaxResponseHeaderBytes = aiaHeaders, aiaHeaders
	t.direct.DialContext = (&net.Dialer{Timeout: aiaTimeout, Control: a.guard().control}).DialContext
	return t
}

func (t *aiaTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	var proxy *url.URL
	if t.proxied.Proxy != nil {
		var err error
		if proxy, err = t.proxied.Proxy(request); err != nil {
			return nil, err
		}
	}
	if proxy == nil {
		return t.direct.RoundTrip(request)
	}
	return t.proxied.RoundTrip(request)
}

// CloseIdleConnections is for http.Client.
func (t *aiaTransport) CloseIdleConnections() {
	t.direct.CloseIdleConnections()
	t.proxied.CloseIdleConnections()
}
