package pki

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// answering is a server that says one thing, wherever it is asked.
type answering struct {
	body, location string
	asked          int
}

func (a *answering) RoundTrip(r *http.Request) (*http.Response, error) {
	a.asked++
	status := http.StatusOK
	if a.location != "" && a.asked%3 != 0 {
		status = http.StatusFound
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Location": {a.location}}, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}, nil
}

// Whatever an AIA address answers: only who has signed the certificate is taken
// for its issuer, and nobody is asked for long or where they should not be.
func FuzzAIA(f *testing.F) {
	key, err := NewKey(2048)
	if err != nil {
		f.Fatal(err)
	}
	root, err := NewRoot(key, "Root", today.AddDate(-1, 0, 0), 3650)
	if err != nil {
		f.Fatal(err)
	}
	issued, err := root.Issue(key, []string{"gis.example.com"}, today.AddDate(0, 0, -1), 90)
	if err != nil {
		f.Fatal(err)
	}
	leaf := *issued.Leaf
	leaf.IssuingCertificateURL = []string{"http://pki.example.com/ca.crt", "ldap:///x", "http://127.0.0.1/"}
	roots := MozillaRoots()
	f.Add(root.Certificate.Raw, "")
	f.Add(leaf.Raw, "http://127.0.0.1:22/")
	f.Add(root.Certificate.Raw, "//pki.example.com/\u202e")
	seed(f, func(data []byte) { f.Add(data, "") })
	f.Fuzz(func(t *testing.T, body []byte, location string) {
		server := &answering{body: string(body), location: location}
		aia := AIA{Roots: roots}
		client := &http.Client{Transport: server, CheckRedirect: aia.client().CheckRedirect}
		found, _, err := aia.fetchIssuer(t.Context(), client, &leaf)
		if server.asked > aiaAddresses*(aiaRedirects+1) {
			t.Errorf("%d requests", server.asked)
		}
		if found != nil && leaf.CheckSignatureFrom(found) != nil {
			t.Errorf("%s is taken for the issuer", found.Subject)
		}
		if (found == nil) != (err != nil) {
			t.Errorf("both %v and %v", found, err)
		}
	})
}
