package site

import (
	"cmp"
	"context"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// IIS is the web server of a machine with a Web Adaptor: HTTP.sys with its
// bindings, the store LocalMachine\My, and the adaptor, which leads to the
// machine's own port (S31). Source: DSCResources/ArcGIS_IIS_TLS of
// Esri/arcgis-powershell-dsc.
type IIS struct {
	machine *machine
	adaptor string
	socket  socket

	mu       sync.Mutex
	store    map[string]*entry // by thumbprint, upper-case hex
	bindings map[string]binding
}

// binding is one line of "netsh http show sslcert".
type binding struct {
	hash, application, store string
}

// iisApplication is IIS' own id in HTTP.sys.
const iisApplication = "{4dc3e181-e14b-4a21-b022-59fc669b0914}"

// everyAddress is the binding that Esri's DSC makes: no host name, no SNI.
const everyAddress = "0.0.0.0:443"

// StartIIS starts IIS on a machine of a site, with a Web Adaptor of that name
// and with what the machine itself serves bound to port 443.
func StartIIS(s *Site, machine, adaptor string) (*IIS, error) {
	m := s.machine(machine)
	if m == nil {
		return nil, fmt.Errorf("start IIS: there is no machine %q", machine)
	}
	i := &IIS{machine: m, adaptor: adaptor, socket: socket{site: s}, store: map[string]*entry{}, bindings: map[string]binding{}}
	own := m.served.Load()
	i.store[thumbprint(own.leaf)] = own
	i.bindings[everyAddress] = binding{thumbprint(own.leaf), iisApplication, "MY"}
	s.recordLeaf(m.name, 443, own)
	if err := i.socket.open(i.handler(), m.dialledAs(), []int{443}, i.leaf); err != nil {
		return nil, errors.Join(fmt.Errorf("start IIS: %w", err), i.Close())
	}
	return i, nil
}

// Close stops it.
func (i *IIS) Close() error {
	i.socket.close()
	return nil
}

// handler is the Web Adaptor: /<adaptor>/… is /<context>/… of the machine.
// Source: "About ArcGIS Web Adaptor", enterprise.arcgis.com.
func (i *IIS) handler() http.Handler {
	m := i.machine
	back := &url.URL{Scheme: "https", Host: fmt.Sprintf("%s:%d", m.host, m.site.product.port)}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(back)
			r.Out.URL.Path = "/" + m.site.spec.Context + strings.TrimPrefix(r.In.URL.Path, "/"+i.adaptor)
			r.SetXForwarded()
		},
		Transport: &http.Transport{DialTLSContext: i.dial, DisableKeepAlives: true},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			writeHTML(w, http.StatusInternalServerError, "Error", "Could not access any server machines. Please contact your system administrator.")
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch first := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")[0]; {
		case strings.EqualFold(first, i.adaptor):
			proxy.ServeHTTP(w, r)
		case r.URL.Path == "/":
			writeHTML(w, http.StatusOK, "IIS Windows Server", "")
		default:
			writeHTML(w, http.StatusNotFound, "404 - File or directory not found.", "")
		}
	})
}

func (i *IIS) dial(ctx context.Context, network, address string) (net.Conn, error) {
	m := i.machine
	if m.site.spec.Options.AdaptorVerifies {
		return m.dialTLS(ctx, network, address)
	}
	raw, err := m.site.ground.Inside.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	secure := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	return secure, secure.HandshakeContext(ctx)
}

// leaf is what HTTP.sys shows: the binding of the host name, else that of every
// address; without one, or when its certificate is gone, nothing.
func (i *IIS) leaf(name string) (*entry, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	bound, ok := i.bindings[strings.ToLower(name)+":443"]
	if !ok {
		bound, ok = i.bindings[everyAddress]
	}
	if found := i.store[strings.ToUpper(bound.hash)]; ok && found != nil {
		return found, nil
	}
	return nil, errors.New("no certificate is bound to port 443")
}

// ImportPFX puts a certificate with its key into LocalMachine\My and answers
// its SHA-1 thumbprint (upper-case hex).
func (i *IIS) ImportPFX(pfx []byte, password string) (string, error) {
	made, err := readPFX(pfx, password)
	if err != nil {
		return "", errors.New("the specified network password is not correct") // Windows' words
	}
	// guess: only the leaf goes into this store, and IIS finds the chain in the
	// machine's other stores when it was imported too.
	i.mu.Lock()
	defer i.mu.Unlock()
	i.store[thumbprint(made.leaf)] = made
	return thumbprint(made.leaf), nil
}

// Certificates are those in LocalMachine\My.
func (i *IIS) Certificates() []*x509.Certificate {
	i.mu.Lock()
	defer i.mu.Unlock()
	var list []*x509.Certificate
	for _, hash := range slices.Sorted(maps.Keys(i.store)) {
		list = append(list, i.store[hash].leaf)
	}
	return list
}

// RemoveCertificate takes one out of LocalMachine\My; a binding to it stays and
// serves nothing.
func (i *IIS) RemoveCertificate(hash string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.store[strings.ToUpper(hash)] == nil {
		return errors.New("cannot find the certificate in LocalMachine\\My")
	}
	delete(i.store, strings.ToUpper(hash))
	return nil
}

func thumbprint(certificate *x509.Certificate) string {
	sum := sha1.Sum(certificate.Raw)
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// Netsh is "netsh http …" with these arguments after "http":
// "show sslcert", "add sslcert ipport=… certhash=… appid=…", update and delete.
// Source: learn.microsoft.com/windows-server/networking/technologies/netsh/netsh-http;
// outputs seen in public questions. guess: the German words, which only show
// that a reader must not lean on English ones.
func (i *IIS) Netsh(args ...string) (stdout string, code int) {
	if len(args) < 2 || !strings.EqualFold(args[1], "sslcert") {
		return "The following command was not found: http " + strings.Join(args, " ") + ".\r\n", 1
	}
	given := map[string]string{}
	for _, arg := range args[2:] {
		key, value, _ := strings.Cut(arg, "=")
		given[strings.ToLower(key)] = value
	}
	at := strings.ToLower(cmp.Or(given["ipport"], given["hostnameport"]))
	i.mu.Lock()
	defer i.mu.Unlock()
	old, exists := i.bindings[at]
	switch verb := strings.ToLower(args[0]); {
	case verb == "show":
		return i.show(at)
	case at == "":
		return "The parameter is incorrect.\r\n", 1
	case verb == "add" && exists:
		return i.failed("add", 183, "Cannot create a file when that file already exists.")
	case (verb == "update" || verb == "delete") && !exists:
		return i.failed(map[string]string{"update": "update", "delete": "deletion"}[verb], 2, "The system cannot find the file specified.")
	case verb == "delete":
		delete(i.bindings, at)
		return "\r\nSSL Certificate successfully deleted\r\n\r\n", 0
	case verb == "add" || verb == "update":
		hash := strings.ToUpper(given["certhash"])
		found := i.store[hash]
		if found == nil {
			return i.failed(verb, 1312, "A specified logon session does not exist. It may already have been terminated.")
		}
		i.bindings[at] = binding{hash, cmp.Or(given["appid"], old.application), cmp.Or(given["certstorename"], "MY")}
		i.machine.site.recordLeaf(i.machine.name, 443, found)
		i.machine.site.tellServes(i.machine, "iis", 443, found)
		return map[string]string{"add": "\r\nSSL Certificate successfully added\r\n\r\n", "update": "\r\nSSL Certificate successfully updated\r\n\r\n"}[verb], 0
	}
	return "The following command was not found: http " + strings.Join(args, " ") + ".\r\n", 1
}

func (i *IIS) failed(what string, number int, text string) (string, int) {
	return fmt.Sprintf("\r\nSSL Certificate %s failed, Error: %d\r\n%s\r\n\r\n", what, number, text), 1
}

// bindEverywhere is what ArcGIS_IIS_TLS does: the binding of every address is
// removed and made anew, so that port 443 has none in between.
func (i *IIS) bindEverywhere(hash string) {
	i.Netsh("delete", "sslcert", "ipport="+everyAddress)
	i.Netsh("add", "sslcert", "ipport="+everyAddress, "certhash="+hash, "appid="+iisApplication, "certstorename=MY")
}

// bound is the thumbprint behind every address, "" without a binding.
func (i *IIS) bound() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.bindings[everyAddress].hash
}

// show lists one binding or all of them.
func (i *IIS) show(at string) (string, int) {
	words := []string{"SSL Certificate bindings:", "IP:port", "Hostname:port", "Certificate Hash", "Application ID", "Certificate Store Name"}
	if i.machine.site.spec.Options.NonEnglish {
		words = []string{"SSL-Zertifikatbindungen:", "IP:Port", "Hostname:Port", "Zertifikathash", "Anwendungs-ID", "Zertifikatspeichername"}
	}
	var out strings.Builder
	fmt.Fprintf(&out, "\r\n%s \r\n%s \r\n\r\n", words[0], strings.Repeat("-", 25))
	shown := 0
	for _, key := range slices.Sorted(maps.Keys(i.bindings)) {
		if at != "" && key != at {
			continue
		}
		shown++
		bound, kind := i.bindings[key], words[1]
		if host, _, _ := strings.Cut(key, ":"); net.ParseIP(host) == nil {
			kind = words[2]
		}
		for _, line := range [][2]string{{kind, key}, {words[3], strings.ToLower(bound.hash)}, {words[4], bound.application}, {words[5], bound.store},
			{"Verify Client Certificate Revocation", "Enabled"}, {"Usage Check", "Enabled"}, {"Ctl Identifier", "(null)"}, {"Negotiate Client Certificate", "Disabled"}} {
			fmt.Fprintf(&out, "    %-29s: %s \r\n", line[0], line[1])
		}
		out.WriteString("\r\n")
	}
	if shown == 0 && at != "" {
		return out.String() + "The system cannot find the file specified.\r\n\r\n", 1
	}
	return out.String(), 0
}
