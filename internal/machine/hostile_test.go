package machine_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// What a machine says is data: whatever it is, the look at it ends soon, is
// bounded, and cannot steer a terminal.

const escape = "\x1b]0;gotcha\x07\u202e<script>alert(1)</script>"

// hostile is a Server whose certificate is known and whose mind is not. Its
// answers are by the end of the path; answers that are not given are sound.
func hostile(t *testing.T, answers map[string]http.HandlerFunc) machine.Job {
	t.Helper()
	sound := map[string]string{
		"generateToken": `{"token":"t0ken"}`, "admin": `{"fullVersion":"11.5.0"}`, "machines": `{"machines":[{"machineName":"M"}]}`,
		"M": `{"webServerCertificateAlias":"own"}`, "sslcertificates": `{"certificates":["own"]}`,
		"own": `{"entryType":"PrivateKeyEntry","sha256Fingerprint":"` + strings.Repeat("ab", 32) + `"}`, "healthcheck": `{"success":true}`, "config": `{}`, "findItems": `{"items":[]}`,
	}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else nobody is told that the client has gone
		end := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		if answer, ok := answers[end]; ok {
			answer(w, r)
			return
		}
		if text, ok := sound[end]; ok {
			_, _ = io.WriteString(w, text)
			return
		}
		_, _ = io.WriteString(w, `{"status":"error","messages":["Could not find resource or operation"],"code":404}`)
	}))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	job := jobAt(t, server, machine.Server)
	job.Pins = []string{pki.Fingerprint(server.Certificate())}
	return job
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

func quoted(text string) string {
	said, _ := json.Marshal(text)
	return string(said)
}

// slowly says a byte at a time, and never comes to an end.
func slowly(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		_, _ = io.WriteString(w, " ")
		_ = http.NewResponseController(w).Flush()
		time.Sleep(20 * time.Millisecond)
	}
}

func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	many := strings.TrimSuffix(strings.Repeat(`"a%06d",`, 100_000), ",")
	numbers := make([]any, 100_000)
	for i := range numbers {
		numbers[i] = i
	}
	deep := strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000)
	huge := `{"certificates":["` + strings.Repeat("x", 2<<20) + `"]}`
	for name, test := range map[string]struct {
		answers map[string]http.HandlerFunc
		says    string // in the trouble of the component
	}{
		"as it should be":              {nil, ""},
		"a hundred thousand aliases":   {map[string]http.HandlerFunc{"sslcertificates": says(`{"certificates":[` + fmt.Sprintf(many, numbers...) + `]}`)}, "too large"},
		"thousands of aliases":         {map[string]http.HandlerFunc{"sslcertificates": says(`{"certificates":[` + fmt.Sprintf(many, numbers...)[:20_000-1] + `]}`)}, "only the first 300 were read"},
		"a depth without end":          {map[string]http.HandlerFunc{"sslcertificates": says(`{"certificates":` + deep + `}`)}, "something else than JSON"},
		"a depth in a list":            {map[string]http.HandlerFunc{"machines": says(`{"machines":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`)}, "lacks what was asked for"},
		"more than anybody can read":   {map[string]http.HandlerFunc{"sslcertificates": says(huge)}, "too large"},
		"an active alias that steers":  {map[string]http.HandlerFunc{"M": says(`{"webServerCertificateAlias":` + quoted(escape) + `}`)}, "does not say which"},
		"an error that steers":         {map[string]http.HandlerFunc{"sslcertificates": says(`{"status":"error","messages":[` + quoted(escape) + `],"code":500}`)}, "refused"},
		"a page that steers":           {map[string]http.HandlerFunc{"machines": says("<html><title>" + escape + "</title></html>")}, "something else than JSON"},
		"a version that steers":        {map[string]http.HandlerFunc{"admin": says(`{"fullVersion":` + quoted(escape) + `}`)}, ""},
		"a machine's name that steers": {map[string]http.HandlerFunc{"machines": says(`{"machines":[{"machineName":` + quoted("../"+escape) + `}]}`)}, "no such thing"},
		"a subject and names that steer": {map[string]http.HandlerFunc{"own": says(`{"subject":` + quoted(escape) + `,"issuer":` + quoted(escape) +
			`,"subjectAlternativeNames":[` + quoted("DNSName: "+escape) + `],"sha256Fingerprint":"` + strings.Repeat("ab", 32) + `"}`)}, ""},
		"settings that steer":       {map[string]http.HandlerFunc{"config": says(`{"Protocol":` + quoted(escape) + `}`)}, ""},
		"a list that never ends":    {map[string]http.HandlerFunc{"sslcertificates": slowly}, "deadline exceeded"},
		"an entry that never ends":  {map[string]http.HandlerFunc{"own": slowly}, "answers so slowly"},
		"a sign-in that never ends": {map[string]http.HandlerFunc{"generateToken": slowly}, "deadline exceeded"},
		"headers that never come":   {map[string]http.HandlerFunc{"machines": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}, "deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			job := hostile(t, test.answers)
			worker := &machine.Worker{}
			if strings.Contains(name, "never") {
				worker.Within(3 * time.Second) // which a busy computer needs to sign in
			}
			begun := time.Now()
			report := worker.Do(t.Context(), job)
			if took := time.Since(begun); took > time.Minute {
				t.Errorf("it took %s", took)
			}
			seen := report.Components[0]
			if !strings.Contains(seen.Trouble, test.says) || test.says == "" && seen.Trouble != "" {
				t.Errorf("trouble: %q, want what says %q", seen.Trouble, test.says)
			}
			if test.says != "" && (seen.TroubleCode == "" || seen.TroubleCode == machine.CodeInterrupted) {
				t.Errorf("code %q", seen.TroubleCode)
			}
			harmless(t, report, 1<<20)
		})
	}
}

// harmless is a report in which nothing steers a terminal, and that is no
// larger than it may be.
func harmless(t *testing.T, report machine.Report, most int) {
	t.Helper()
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > most {
		t.Errorf("the report has %d bytes", len(text))
	}
	for _, steering := range []string{`\u001b`, `\u0007`, "\u202e", `\u202e`} {
		if strings.Contains(string(text), steering) {
			t.Errorf("%s is in %.2000s", steering, text)
		}
	}
}

// A redirect would carry the password to wherever it points. Nothing goes there.
func TestARedirectToElsewhereGetsNothing(t *testing.T) {
	t.Parallel()
	var heard atomic.Int32
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard.Add(1) }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 307, 308} {
		for _, at := range []string{"generateToken", "machines", "sslcertificates", "healthcheck"} {
			job := hostile(t, map[string]http.HandlerFunc{at: func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, elsewhere.URL+r.URL.Path, status)
			}})
			seen := (&machine.Worker{}).Do(t.Context(), job).Components[0]
			if at != "healthcheck" && seen.TroubleCode != machine.CodeUnreachable || at == "healthcheck" && seen.Healthy {
				t.Errorf("%d at %s: %s %s, healthy %v", status, at, seen.TroubleCode, seen.Trouble, seen.Healthy)
			}
		}
	}
	if heard.Load() != 0 {
		t.Errorf("%d requests went elsewhere", heard.Load())
	}
}

// The certificate itself may hold anything, too, and it is a stranger's.
func TestACertificateThatSteers(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: escape}, DNSNames: []string{"a\x1b[2Jb.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	var heard atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); r.Method == http.MethodPost || strings.Contains(string(body), "canary") {
			heard.Add(1)
		}
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.StartTLS()
	defer server.Close()
	job := jobAt(t, server, machine.Server)
	for _, roots := range [][][]byte{nil, {der}} { // issued by nobody, and without the machine's name
		job.Roots = roots
		job.Tasks = []machine.Task{{Kind: machine.Restart, Port: job.Components[0].Port}}
		report := (&machine.Worker{}).Do(t.Context(), job)
		if report.Tasks[0].Code != machine.CodeUnverified || report.Components[0].TroubleCode != machine.CodeUnverified {
			t.Errorf("%+v", report.Tasks[0])
		}
		harmless(t, report, 1<<20)
	}
	if heard.Load() != 0 {
		t.Error("a password was sent")
	}
}
