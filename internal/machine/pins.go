package machine

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/cartouche-gis/cartouche/internal/pki"
)

// trustIn is to whom a password may be sent: to one who serves a certificate
// that the job names, or one that ends in a root of the job, of the
// environment or of the operating system and has the machine's name, or one of
// the job's names for it.
type trustIn struct {
	host  string
	names []string // host is the first
	pins  []string
	roots *x509.CertPool
	now   func() time.Time
}

// unverified is a certificate to which no password is sent.
type unverified struct {
	leaf   *x509.Certificate
	host   string
	reason error
}

func (u *unverified) Error() string {
	return fmt.Sprintf("%s serves a certificate that is neither pinned nor issued by a known authority: subject %q, issuer %q, valid until %s, SHA-256 %s (%s). "+
		"No password was sent. If it is the right one, give that certificate itself or, if it has the machine's name, the authority that issued it",
		u.host, short(u.leaf.Subject.String()), short(u.leaf.Issuer.String()), u.leaf.NotAfter.UTC().Format(time.DateOnly), pki.Fingerprint(u.leaf), short(u.reason.Error()))
}

// oneLine is text from outside without anything that could steer a terminal.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, " "))
}

// short keeps a name from outside from filling a sentence.
func short(text string) string {
	text = oneLine(text)
	if runes := []rune(text); len(runes) > 120 {
		return string(runes[:120]) + " ..."
	}
	return text
}

// newTrust is the job's trust for one component. What a task of the job is to
// put there is trusted too: after an activation it is what is served, and a job
// that is done a second time finds it.
func (w *Worker) newTrust(job *Job, component Component) trustIn {
	t := trustIn{host: job.Host, names: append([]string{job.Host}, job.Names...), roots: w.network().Roots(), now: w.now}
	for _, pin := range job.Pins {
		t.pins = append(t.pins, strings.ToLower(strings.ReplaceAll(pin, ":", "")))
	}
	for _, task := range job.Tasks {
		switch task.Kind {
		case Install, Activate, Replace:
			if task.Port == component.Port && task.Expect != "" {
				t.pins = append(t.pins, strings.ToLower(task.Expect))
			}
		}
	}
	if t.roots == nil {
		var err error
		if t.roots, err = x509.SystemCertPool(); err != nil {
			t.roots = x509.NewCertPool() // a machine without a list trusts the job's alone
		}
	}
	for _, der := range job.Roots {
		if root, err := x509.ParseCertificate(der); err == nil {
			t.roots.AddCert(root)
		}
	}
	return t
}

// verify is nil when a password may be sent to who serves this chain.
func (t trustIn) verify(chain []*x509.Certificate) error {
	if len(chain) == 0 {
		return fmt.Errorf("%s serves no certificate", t.host)
	}
	if slices.Contains(t.pins, pki.Fingerprint(chain[0])) {
		return nil
	}
	intermediates := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		intermediates.AddCert(certificate)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: t.roots, Intermediates: intermediates, CurrentTime: t.now()})
	if err == nil {
		err = t.called(chain[0])
	}
	if err != nil {
		return &unverified{leaf: chain[0], host: t.host, reason: err}
	}
	return nil
}

// called is nil when a certificate has one of the machine's names.
func (t trustIn) called(leaf *x509.Certificate) error {
	var first error
	for _, name := range t.names {
		err := leaf.VerifyHostname(name)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// transport goes the network's way, but makes the tunnels of a proxy itself:
// net/http would hold the certificate of an https proxy against the same trust.
func (w *Worker) transport(config *tls.Config) *http.Transport {
	transport := w.network().Transport()
	transport.Proxy, transport.DialContext = nil, w.network().DialContext
	transport.TLSClientConfig = config
	return transport
}

// client is one that hangs up on everybody else, at every connection, before
// anything is sent.
func (w *Worker) client(t trustIn) *http.Client {
	return &http.Client{Transport: w.transport(&tls.Config{
		InsecureSkipVerify: true, // VerifyConnection judges, also what no authority issued
		MinVersion:         tls.VersionTLS12,
		VerifyConnection:   func(state tls.ConnectionState) error { return t.verify(state.PeerCertificates) },
	})}
}

// stranger is a client for questions that anybody may ask, of whoever answers.
// It follows no redirect and keeps no connection, since one to a web server
// that is going down tells nothing of the next.
func (w *Worker) stranger() *http.Client {
	transport := w.transport(&tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10})
	transport.DisableKeepAlives = true
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}
