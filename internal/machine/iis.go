package machine

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// maxBindings bounds what is read of a computer's bindings.
const maxBindings = 200

// maxBindingsDialled bounds at how many bindings is looked what they serve.
const maxBindingsDialled = 20

// bindings are those of HTTP.sys with a certificate, none on another system
// than Windows. They tell a thumbprint only; what else is known of the
// certificate is what is served there, if that is it.
func (w *Worker) bindings(ctx context.Context, job Job) ([]Binding, error) {
	found, err := w.sslBindings(ctx)
	bindings := make([]Binding, len(found))
	var work errgroup.Group
	work.SetLimit(entriesAtOnce)
	for i, binding := range found {
		bindings[i] = Binding{At: binding.at, Thumbprint: strings.ToUpper(binding.hash)}
		if i >= maxBindingsDialled {
			continue
		}
		work.Go(func() error {
			if leaf := w.servedAt(ctx, job, binding.at); leaf != nil && sha1Of(leaf) == binding.hash {
				bindings[i].Subject, bindings[i].NotAfter = short(leaf.Subject.String()), pki.UTC(leaf.NotAfter)
			}
			return nil
		})
	}
	_ = work.Wait() // what is not served has no dates
	return bindings, err
}

// servedAt is the leaf that a binding of the machine serves, nil when it cannot
// be seen. A binding by name answers to that name only.
func (w *Worker) servedAt(ctx context.Context, job Job, at string) *x509.Certificate {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	name, port, err := net.SplitHostPort(at)
	if err != nil {
		return nil
	}
	if isAddress(name) {
		name = job.Host
	}
	raw, err := w.network().DialContext(ctx, "tcp", net.JoinHostPort(job.Host, port))
	if err != nil {
		return nil
	}
	defer raw.Close()
	conn := tls.Client(raw, &tls.Config{ServerName: name, InsecureSkipVerify: true}) // it is only looked at
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil
	}
	return conn.ConnectionState().PeerCertificates[0]
}

// bind puts a certificate in place of another in all of IIS's bindings: those
// of HTTP.sys that have the hash which the task's port serves. The port's own
// comes last, so that what was interrupted is found again.
func (w *Worker) bind(ctx context.Context, job Job, task Task) TaskResult {
	result := TaskResult{Kind: task.Kind, Port: task.Port, Alias: task.Alias}
	if w.Host == nil || w.Host.OS() != "windows" {
		return result.failure(CodeNeedsAgent, "IIS is bound on its machine only, and that is Windows")
	}
	leaf, trouble := w.portLeaf(ctx, job, task.Port)
	if leaf == nil {
		return result.failure(CodeUnreachable, fmt.Sprintf("port %d does not answer: %s", task.Port, trouble))
	}
	old := sha1Of(leaf)
	result.Before, result.BeforeLeaf = strings.ToUpper(old), sha256Of(leaf)
	if result.BeforeLeaf == task.Expect {
		return result.success(TaskAlready, "the certificate is served")
	}
	hash, err := hashToBind(task)
	if err != nil {
		return result.failure(CodeBadJob, err.Error())
	}
	all, err := w.sslBindings(ctx)
	if err != nil {
		return result.failure(CodeRefused, err.Error())
	}
	var others, own []sslBinding
	for _, binding := range all {
		switch {
		case binding.hash != old:
		case strings.HasSuffix(binding.at, fmt.Sprintf(":%d", task.Port)):
			own = append(own, binding)
		default:
			others = append(others, binding)
		}
	}
	if len(own) == 0 {
		return result.failure(CodeNoSuchComponent, fmt.Sprintf("no binding of HTTP.sys has what port %d serves: it is not IIS", task.Port))
	}
	if !task.PFX.Empty() {
		w.tell("importing the certificate into the store of the computer")
		if err := w.Host.ImportPFX(ctx, task.PFX, task.PFXPassword); err != nil {
			return result.failure(CodeRefused, "the PFX was not imported: "+err.Error())
		}
	}
	for _, binding := range append(others, own...) {
		w.tell("binding " + binding.at)
		stores := []string{"MY"} // that is where ImportPFX puts it
		if task.PFX.Empty() {
			stores = storesOf(binding)
		}
		if err := w.rebind(ctx, binding, hash, stores); err != nil {
			result.Unsure = true
			return result.failure(CodeRefused, err.Error())
		}
	}
	if why, err := w.awaitPort(ctx, job, task.Port, task.Expect); err != nil {
		return result.failure(why, err.Error())
	}
	return result.success(TaskDone, w.changedOtherwise(ctx, all, hash))
}

// hashToBind is the SHA-1 hash by which HTTP.sys finds the certificate.
func hashToBind(task Task) (string, error) {
	if task.PFX.Empty() {
		hash := strings.ToLower(task.Alias)
		if !isHash.MatchString(hash) {
			return "", errors.New("the job has neither a PFX nor the thumbprint of a certificate to bind")
		}
		return hash, nil
	}
	return leafHash(task)
}

// sslBinding is one binding as netsh shows it.
type sslBinding struct {
	at, hash, appID, store string
	// rest are the other lines of it, as they are.
	rest []string
}

var (
	isHash  = regexp.MustCompile(`^[0-9a-f]{40}$`)
	isAppID = regexp.MustCompile(`^\{[0-9a-fA-F-]{36}\}$`)
)

// sslBindings reads `netsh http show sslcert`
// (learn.microsoft.com, "netsh http"): blocks of lines "name : value".
func (w *Worker) sslBindings(ctx context.Context) ([]sslBinding, error) {
	if w.Host == nil || w.Host.OS() != "windows" {
		return nil, nil
	}
	stdout, stderr, code, err := w.Host.Run(ctx, "netsh", "http", "show", "sslcert")
	if err != nil {
		return nil, fmt.Errorf("list the bindings of HTTP.sys: %w", err)
	}
	found := parseBindings(stdout)
	// It ends with 1 where there is none.
	if code != 0 && code != 1 {
		return nil, fmt.Errorf("list the bindings of HTTP.sys: exit code %d: %s", code, excerpt(stderr+stdout, secret.Secret{}))
	}
	return found, nil
}

// parseBindings goes by the form of the values, as the names are in the
// language of the computer: an address with a port begins a binding, a hash, a
// GUID and the name of a store follow.
func parseBindings(text string) []sslBinding {
	var found []sslBinding
	for line := range strings.Lines(text) {
		_, value, ok := strings.Cut(line, " : ")
		if value = strings.TrimSpace(value); !ok {
			continue
		}
		if isEndpoint(value) {
			if len(found) == maxBindings {
				return found
			}
			found = append(found, sslBinding{at: value})
			continue
		}
		if len(found) == 0 {
			continue
		}
		last := &found[len(found)-1]
		switch {
		case last.hash == "" && isHash.MatchString(strings.ToLower(value)):
			last.hash = strings.ToLower(value)
		case last.appID == "" && isAppID.MatchString(value):
			last.appID = value
		case last.appID != "" && last.store == "":
			last.store = value
		default:
			last.rest = append(last.rest, strings.Join(strings.Fields(line), " "))
		}
	}
	return found
}

// isEndpoint tells "0.0.0.0:443", "[::]:443" and "gis.example.com:443".
func isEndpoint(value string) bool {
	host, port, err := net.SplitHostPort(value)
	if err != nil || host == "" || strings.ContainsAny(host, " {}()") {
		return false
	}
	number, err := net.LookupPort("tcp", port)
	return err == nil && number > 0 && port[0] >= '0' && port[0] <= '9'
}

// options are netsh's parameters for what a binding has beside its certificate
// (learn.microsoft.com, "netsh http"), by the names that an English Windows
// shows, "Enabled" or "Set" (guess: those from "Reject Connections" on); a
// binding that is updated without them would get the defaults. A Windows of another language shows other names:
// what it changes thereby is seen afterwards (changedOtherwise).
var options = []struct{ shown, parameter string }{
	{"Verify Client Certificate Revocation", "verifyclientcertrevocation"},
	{"Verify Revocation Using Cached Client Certificate Only", "verifyrevocationwithcachedclientcertonly"},
	{"Usage Check", "usagecheck"},
	{"DS Mapper Usage", "dsmapperusage"},
	{"Negotiate Client Certificate", "clientcertnegotiation"},
	{"Reject Connections", "reject"},
	{"Disable HTTP2", "disablehttp2"},
	{"Disable QUIC", "disablequic"},
	{"Disable TLS1.2", "disabletls12"},
	{"Disable TLS1.3", "disabletls13"},
	{"Disable OCSP Stapling", "disableocspstapling"},
	{"Enable Token Binding", "enabletokenbinding"},
	{"Log Extended Events", "logextendedevents"},
	{"Disable Legacy TLS Versions", "disablelegacytls"},
	{"Enable Session Ticket", "enablesessionticket"},
	{"Disable Session ID", "disablesessionid"},
}

// echoed are the parameters that keep a binding's own options.
func (b sslBinding) echoed() []string {
	var kept []string
	for _, line := range b.rest {
		name, value, _ := strings.Cut(line, " : ")
		for _, option := range options {
			if name != option.shown {
				continue
			}
			switch value {
			case "Enabled", "Set":
				kept = append(kept, option.parameter+"=enable")
			case "Disabled":
				kept = append(kept, option.parameter+"=disable")
			}
		}
	}
	return kept
}

// rebind gives one binding another certificate, which is in one of the stores.
// "update" does it at once; where it is refused (before Windows Server 2016),
// the binding is deleted and added, to the end, whoever gives up meanwhile:
// between the two nothing is served.
func (w *Worker) rebind(ctx context.Context, binding sslBinding, hash string, stores []string) error {
	where := "hostnameport=" + binding.at
	if host, _, _ := net.SplitHostPort(binding.at); isAddress(host) {
		where = "ipport=" + binding.at
	}
	netsh := func(verb string, args ...string) error {
		stdout, stderr, code, err := w.Host.Run(ctx, "netsh", append([]string{"http", verb, "sslcert", where}, args...)...)
		if err == nil && code != 0 {
			err = fmt.Errorf("exit code %d: %s", code, excerpt(stderr+stdout, secret.Secret{}))
		}
		if err != nil {
			return fmt.Errorf("%s the binding %s: %w", verb, binding.at, err)
		}
		return nil
	}
	// An option that this netsh does not know is not worth the binding: without
	// them it gets the defaults, which changedOtherwise tells.
	try := func(verb, hash string, stores []string) (first error) {
		for _, options := range [][]string{binding.echoed(), nil} {
			for _, store := range stores {
				err := netsh(verb, append([]string{"certhash=" + hash, "appid=" + binding.appID, "certstorename=" + store}, options...)...)
				if err == nil || ctx.Err() != nil {
					return err
				}
				first = cmp.Or(first, err)
			}
		}
		return first
	}
	refused := try("update", hash, stores)
	if refused == nil || ctx.Err() != nil {
		return refused
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if err := netsh("delete"); err != nil {
		return errors.Join(refused, err)
	}
	if err := try("add", hash, stores); err != nil {
		// Better the old certificate than none.
		return errors.Join(err, try("add", binding.hash, storesOf(binding)))
	}
	return nil
}

// storesOf are the stores in which the certificate of a binding may be: the one
// that the binding names, and those that IIS puts certificates into.
func storesOf(binding sslBinding) []string {
	stores := []string{binding.store}
	for _, other := range []string{"MY", "WebHosting"} {
		if !strings.EqualFold(other, binding.store) {
			stores = append(stores, other)
		}
	}
	return slices.DeleteFunc(stores, func(store string) bool { return store == "" })
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// changedOtherwise says of which bindings more was changed than the certificate.
func (w *Worker) changedOtherwise(ctx context.Context, before []sslBinding, hash string) string {
	after, err := w.sslBindings(ctx)
	if err != nil {
		return "what else the bindings have could not be read again"
	}
	var changed []string
	for _, was := range before {
		for _, is := range after {
			if is.at == was.at && is.hash == hash && was.hash != hash && strings.Join(is.rest, "\n") != strings.Join(was.rest, "\n") {
				changed = append(changed, was.at)
			}
		}
	}
	if len(changed) == 0 {
		return ""
	}
	return "options of these bindings have changed, too: " + strings.Join(changed, ", ")
}

// leafHash is the SHA-1 of the leaf in the task's PFX.
func leafHash(task Task) (string, error) {
	bundle, err := pki.ReadPFX([]byte(task.PFX.Reveal()), task.PFXPassword)
	if err != nil {
		return "", fmt.Errorf("the PFX cannot be read: %w", err)
	}
	return sha1Of(bundle.Leaf), nil
}
