package evidence

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func certificate(t *testing.T, name string, names ...string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(noon.Unix()), Subject: pkix.Name{CommonName: name}, DNSNames: names,
		NotBefore: noon.AddDate(0, -1, 0), NotAfter: noon.AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// story is a run as the journal has it: a certificate was replaced and proved.
type story struct{ old, new *x509.Certificate }

func aStory(t *testing.T) story {
	return story{certificate(t, "old", "gis.example.com"), certificate(t, "new", "gis.example.com")}
}

func seen(leaf *x509.Certificate, at time.Time) handshake.Observation {
	return handshake.Observation{
		Target: "gis.example.com:443", Address: "203.0.113.4:443", ServerName: "gis.example.com", At: at, Took: 9 * time.Millisecond,
		Protocol: "TLS 1.3", CipherSuite: "TLS_AES_128_GCM_SHA256", Chain: []*x509.Certificate{leaf},
	}
}

func asJSON(t *testing.T, value any) json.RawMessage {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (s story) run(t *testing.T, id string, n int) journal.Run {
	began := noon.Add(time.Duration(n) * time.Hour)
	proof := rotation.Proof{
		OK: true, Wire: []handshake.Observation{seen(s.new, began.Add(8*time.Second))}, Looks: 5, Handshakes: 1,
		Expected: []rotation.Expected{{Target: "gis.example.com:443", Address: "203.0.113.4:443", ServerName: "gis.example.com", Leaves: []string{pki.Fingerprint(s.new)}}},
	}
	plan := rotation.Plan{Format: 2, Deployment: "bm", Certificate: pki.Describe(s.new), Source: "new.pfx"}
	plan.Hash = rotation.HashPlan(plan)
	return journal.Run{
		ID: id, DeploymentID: "bm1", DeploymentName: "bm", GatewayID: "/subscriptions/1/gateways/agw", Cloud: "public",
		Plan: asJSON(t, plan), PlanHash: plan.Hash, Version: "1.0", By: "me", StartedAt: began, FinishedAt: began.Add(10 * time.Second),
		Outcome: "verified", Summary: asJSON(t, map[string]any{"outcome": "verified", "gatewayWrites": 1, "operations": []string{"op-1"}, "seconds": 10.00004}),
		Steps: []journal.Step{
			{Index: 0, Kind: "switch", Title: "switch", StartedAt: began, FinishedAt: began.Add(2 * time.Second), Outcome: "done", Result: asJSON(t, []string{"op-1"})},
			{Index: 1, Kind: "prove", Title: "prove", StartedAt: began.Add(2 * time.Second), FinishedAt: began.Add(9 * time.Second), Outcome: "done", Result: asJSON(t, proof)},
		},
		Evidence: []journal.Evidence{
			{Kind: "hands", Data: json.RawMessage(`{"computer":"desk","system":"linux/amd64","caller":"oid"}`), At: began},
			{Kind: "wire before", Data: asJSON(t, []handshake.Observation{seen(s.old, began.Add(-time.Second))}), At: began},
			{Kind: "backends before", Data: json.RawMessage(`[{"pool":"p","address":"m1","health":"Healthy"}]`), At: began},
		},
	}
}

// kept writes the evidence of runs into a directory.
func kept(t *testing.T, key *Key, runs ...journal.Run) []Kept {
	t.Helper()
	store := Store{Dir: filepath.Join(t.TempDir(), "evidence")}
	written, err := store.Keep(runs, func(id string) (journal.Run, error) {
		return runs[slices.IndexFunc(runs, func(r journal.Run) bool { return r.ID == id })], nil
	}, key, noon)
	if err != nil {
		t.Fatal(err)
	}
	return written
}

func given(t *testing.T, dir string, list ...Kept) []Given {
	t.Helper()
	var all []Given
	for _, one := range list {
		data, err := os.ReadFile(one.Path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, Given{Name: one.Path, Data: data, Dir: dir})
	}
	return all
}

// codes are the refusals of all reports.
func codes(reports []Report) string {
	var list []string
	for _, r := range reports {
		for _, f := range r.Findings {
			if f.Severity == pki.Refusal && !slices.Contains(list, f.Code) {
				list = append(list, f.Code)
			}
		}
	}
	return strings.Join(list, " ")
}

func newKey(t *testing.T, kind string) *Key {
	t.Helper()
	var private any
	var err error
	switch kind {
	case "rsa":
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ecdsa":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	key, err := OpenKey(privatePEM(t, private, ""), nil, "")
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func privatePEM(t *testing.T, private any, passphrase string) []byte {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(private, "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block)
}

func TestARunAsItWas(t *testing.T) {
	t.Parallel()
	s := aStory(t)
	one := kept(t, newKey(t, "ed25519"), s.run(t, "run-1", 0))[0]
	info, err := os.Stat(one.Path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	reports := Verify(given(t, "", one), nil, "1.0")
	if r := reports[0]; !r.Holds || r.Signature.State != "signed" || r.Run != "run-1" || r.Outcome != "verified" {
		t.Errorf("got %+v", r)
	}
	d := one.File.Document
	switch {
	case d.Run.Computer != "desk" || d.Run.Command != "apply" || d.Run.About != "external":
		t.Errorf("run %+v", d.Run)
	case d.Served(d.Before).Subject != "CN=old" || d.Served(d.After).Subject != "CN=new":
		t.Errorf("served %v and %v", d.Served(d.Before), d.Served(d.After))
	case len(d.Before.Backends) != 1 || len(d.Operations) != 1 || len(d.Steps) != 2 || len(d.Certificates) != 2:
		t.Errorf("something is missing: %+v", d)
	case !strings.Contains(d.Sentence(), "gis.example.com see was replaced"):
		t.Error(d.Sentence())
	}
}

// Whatever is changed in a file is found, and so is each member that is taken away.
func TestTamperingIsFound(t *testing.T) {
	t.Parallel()
	s := aStory(t)
	for _, key := range []*Key{nil, newKey(t, "ed25519")} {
		one := kept(t, key, s.run(t, "run-1", 0))[0]
		whole := given(t, "", one)[0]
		var members map[string]json.RawMessage
		if err := json.Unmarshal(one.File.Message, &members); err != nil {
			t.Fatal(err)
		}
		for name := range members {
			for how, other := range map[string]any{"null": nil, "text": "other", "object": map[string]any{}, "gone": gone{}} {
				changed, same := tampered(t, whole.Data, name, other)
				if same {
					continue
				}
				if reports := Verify([]Given{{Name: "f", Data: changed}}, nil, "1.0"); reports[0].Holds {
					t.Errorf("%s of the evidence as %s is not found (signed: %t)", name, how, key != nil)
				}
			}
		}
		for name, other := range map[string]any{"sha256": strings.Repeat("0", 64), "signature": "x", "evidence": map[string]any{}} {
			var file map[string]any
			if err := json.Unmarshal(whole.Data, &file); err != nil {
				t.Fatal(err)
			}
			file[name] = other
			if reports := Verify([]Given{{Name: "f", Data: canonical(file)}}, nil, "1.0"); reports[0].Holds {
				t.Errorf("%s is not found", name)
			}
		}
		for at := range len(whole.Data) { // any byte
			if at%97 != 0 {
				continue
			}
			changed := slices.Clone(whole.Data)
			changed[at] ^= 1
			if reports := Verify([]Given{{Name: "f", Data: changed}}, nil, "1.0"); reports[0].Holds {
				t.Fatalf("byte %d is not found", at)
			}
		}
	}
}

type gone struct{}

// tampered changes a member of the evidence and leaves everything else.
func tampered(t *testing.T, data []byte, name string, other any) (changed []byte, same bool) {
	t.Helper()
	value, err := decode(data)
	if err != nil {
		t.Fatal(err)
	}
	inner := value.(map[string]any)["evidence"].(map[string]any)
	if _, remove := other.(gone); remove {
		delete(inner, name)
	} else if same = inner[name] == nil && other == nil; !same {
		inner[name] = other
	}
	return canonical(value), same
}

// Who changes a file and makes its hash anew is found where the content
// contradicts itself.
func TestWhatDoesNotHoldTogether(t *testing.T) {
	t.Parallel()
	s := aStory(t)
	stranger := certificate(t, "stranger", "gis.example.com")
	for _, test := range []struct {
		name   string
		change func(*Document)
		want   string
	}{
		{"as it was", func(*Document) {}, ""},
		{"another leaf afterwards", func(d *Document) {
			d.Certificates[pki.Fingerprint(stranger)] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: stranger.Raw}))
			d.After.Handshakes[0].Chain = []string{pki.Fingerprint(stranger)}
		}, "handshake-other"},
		{"the old leaf afterwards, as if it had been wanted", func(d *Document) {
			d.After.Handshakes[0].Chain, d.After.Handshakes[0].Expected = []string{pki.Fingerprint(s.old)}, []string{pki.Fingerprint(s.old)}
		}, "handshake-other"},
		{"the old leaf at one of two addresses", func(d *Document) {
			other := d.After.Handshakes[0]
			other.Address, other.Chain = "203.0.113.5:443", []string{pki.Fingerprint(s.old)}
			d.After.Handshakes = append(d.After.Handshakes, other)
		}, "handshake-other"},
		{"no handshake afterwards", func(d *Document) { d.After.Handshakes = []Handshake{} }, "no-proof"},
		{"nothing afterwards", func(d *Document) { d.After = nil }, "no-proof"},
		{"a proof that failed", func(d *Document) { d.After.Proved = new(bool) }, "proof-failed"},
		{"restored, and it was not", func(d *Document) { d.Outcome.Word = "restored" }, "handshake-other"},
		{"another certificate under a fingerprint", func(d *Document) {
			d.Certificates[pki.Fingerprint(s.new)] = d.Certificates[pki.Fingerprint(s.old)]
		}, "certificate-other"},
		{"a certificate that is gone", func(d *Document) { delete(d.Certificates, pki.Fingerprint(s.old)) }, "certificate-missing"},
		{"another plan", func(d *Document) { d.PlanHash = strings.Repeat("a", 64) }, "plan-other"},
		{"an edited plan", func(d *Document) {
			d.Plan = json.RawMessage(strings.Replace(string(d.Plan), "new.pfx", "old.pfx", 1))
		}, "plan-edited"},
		{"the first of the chain, and not number 1", func(d *Document) { d.Number = 7 }, "chain-broken"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			document := Of(s.run(t, "run-1", 0), noon)
			document.Number = 1
			test.change(&document)
			data, err := seal(document, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := codes(Verify([]Given{{Name: "f", Data: data}}, nil, "1.0")); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestTheChain(t *testing.T) {
	t.Parallel()
	s := aStory(t)
	all := kept(t, nil, s.run(t, "run-1", 0), s.run(t, "run-2", 1), s.run(t, "run-3", 2))
	other := kept(t, nil, s.run(t, "run-1", 0), s.run(t, "run-x", 1))[1]
	for _, test := range []struct {
		name, want string
		dir        string
		list       []Kept
	}{
		{"all of them", "", "d", all},
		{"in any order", "", "d", []Kept{all[2], all[0], all[1]}},
		{"the middle one is gone", "chain-gap", "d", []Kept{all[0], all[2]}},
		{"the first one is gone from a directory", "chain-gap", "d", all[1:]},
		{"the first one was not given", "", "", all[1:]},
		{"the last one alone", "", "", all[2:]},
		{"the middle one is another", "chain-broken", "d", []Kept{all[0], other, all[2]}},
		{"one more with the same number", "chain-fork chain-broken", "d", append(slices.Clone(all), other)},
		{"a copy", "", "d", append(slices.Clone(all), all[1])},
	} {
		got := codes(Verify(given(t, test.dir, test.list...), nil, "1.0"))
		if got != test.want && !(strings.HasPrefix(test.want, "chain-fork") && strings.Contains(got, "chain-fork")) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

// A run that was cut off has evidence that says so, and more of it when its end
// became known; both stay in the chain.
func TestARunInDoubt(t *testing.T) {
	t.Parallel()
	s := aStory(t)
	cut, next := s.run(t, "run-1", 0), s.run(t, "run-2", 1)
	cut.Outcome, cut.Summary, cut.FinishedAt = journal.InDoubt, nil, time.Time{}
	cut.Steps = cut.Steps[:1]
	cut.Steps[0].Outcome, cut.Steps[0].FinishedAt = journal.InDoubt, time.Time{}
	store := Store{Dir: t.TempDir()}
	keep := func(runs ...journal.Run) []Kept {
		written, err := store.Keep(runs, func(id string) (journal.Run, error) {
			return runs[slices.IndexFunc(runs, func(r journal.Run) bool { return r.ID == id })], nil
		}, nil, noon)
		if err != nil {
			t.Fatal(err)
		}
		return written
	}
	first := keep(cut, next)
	if len(first) != 2 || !strings.Contains(first[0].File.Document.Sentence(), "has no end") || first[0].File.Document.After != nil {
		t.Fatalf("got %+v", first)
	}
	if again := keep(cut, next); len(again) != 0 {
		t.Errorf("written twice: %v", again)
	}
	cut.Outcome, cut.FinishedAt = journal.FoundVerified, noon
	later := keep(cut, next)
	if len(later) != 1 || filepath.Base(later[0].Path) != "run-1.2.json" || later[0].File.Document.Number != 3 {
		t.Fatalf("got %+v", later)
	}
	if got := codes(Verify(given(t, "d", append(first, later...)...), nil, "1.0")); got != "" {
		t.Errorf("got %q", got)
	}
}

// A file that was damaged keeps nobody from writing the next ones.
func TestADamagedFileIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := aStory(t)
	runs := []journal.Run{s.run(t, "run-1", 0), s.run(t, "run-2", 1)}
	all := kept(t, nil, runs[0])
	if err := os.WriteFile(all[0].Path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	store := Store{Dir: filepath.Dir(filepath.Dir(all[0].Path))}
	written, err := store.Keep(runs, func(id string) (journal.Run, error) {
		return runs[slices.IndexFunc(runs, func(r journal.Run) bool { return r.ID == id })], nil
	}, nil, noon)
	if err != nil || len(written) != 1 || written[0].File.Document.Run.ID != "run-2" {
		t.Fatalf("got %v, %v", written, err)
	}
	if got := codes(Verify(given(t, "d", all[0], written[0]), nil, "1.0")); got != "unreadable" {
		t.Errorf("got %q", got)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	passphrase := func(text string) func() (secret.Secret, error) {
		return func() (secret.Secret, error) { return secret.New(text), nil }
	}
	public, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, want string
		data       []byte
		ask        func() (secret.Secret, error)
	}{
		{"plain", "", privatePEM(t, private, ""), nil},
		{"encrypted", "", privatePEM(t, private, "open sesame"), passphrase("open sesame")},
		{"wrong passphrase", "the passphrase does not open it", privatePEM(t, private, "open sesame"), passphrase("open barley")},
		{"nobody to ask", "nobody", privatePEM(t, private, "open sesame"), func() (secret.Secret, error) { return secret.Secret{}, errors.New("nobody") }},
		{"public without an agent", "SSH_AUTH_SOCK", ssh.MarshalAuthorizedKey(public), nil},
		{"age", "encrypts and cannot sign", []byte("AGE-SECRET-KEY-1QQQ\n"), nil},
		{"age recipient", "encrypts and cannot sign", []byte("age1qqq\n"), nil},
		{"small RSA", "less than 2048 bits", privatePEM(t, small, ""), nil},
		{"nothing", "neither a private key", []byte("hello"), nil},
		{"too large", "too large", make([]byte, MaxKeyFile+1), nil},
	} {
		key, err := OpenKey(test.data, test.ask, "")
		switch {
		case test.want == "" && (err != nil || key == nil):
			t.Errorf("%s: %v", test.name, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

func TestTheAgentSigns(t *testing.T) {
	t.Parallel()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: private}); err != nil {
		t.Fatal(err)
	}
	socket := serveAgent(t, ring)
	public, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	key, err := OpenKey(ssh.MarshalAuthorizedKey(public), nil, socket)
	if err != nil {
		t.Fatal(err)
	}
	one := kept(t, key, aStory(t).run(t, "run-1", 0))[0]
	if r := Verify(given(t, "", one), nil, "1.0")[0]; !r.Holds || r.Signature.State != "signed" {
		t.Errorf("got %+v", r)
	}
	_, another, _ := ed25519.GenerateKey(rand.Reader)
	other, err := ssh.NewPublicKey(another.Public())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKey(ssh.MarshalAuthorizedKey(other), nil, socket); err == nil || !strings.Contains(err.Error(), "ssh-add") {
		t.Errorf("got %v", err)
	}
}

func TestAllowedSigners(t *testing.T) {
	t.Parallel()
	key, stranger := newKey(t, "ed25519"), newKey(t, "ecdsa")
	run := aStory(t).run(t, "run-1", 0)
	signed, unsigned := kept(t, key, run)[0], kept(t, nil, run)[0]
	for _, test := range []struct {
		name, list, state, want string
		file                    Kept
	}{
		{"known", "me@example.com " + key.authorized(), "known", "", signed},
		{"with a comment, a blank line and options", "# who\n\n\"me@example.com,you\" namespaces=\"git,cartouche-*\",valid-after=\"20260101\" " + key.authorized() + " desk\n", "known", "", signed},
		{"another", "me@example.com " + stranger.authorized(), "stranger", "signer-not-allowed", signed},
		{"for git only", "me@example.com namespaces=\"git\" " + key.authorized(), "stranger", "signer-not-allowed", signed},
		{"no longer", "me@example.com valid-before=\"20260101Z\" " + key.authorized(), "stranger", "signer-not-allowed", signed},
		{"not yet", "me@example.com valid-after=\"20270101Z\" " + key.authorized(), "stranger", "signer-not-allowed", signed},
		{"unsigned", "me@example.com " + key.authorized(), "unsigned", "unsigned", unsigned},
	} {
		allowed, err := ParseAllowedSigners([]byte(test.list))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		reports := Verify(given(t, "", test.file), allowed, "1.0")
		if got := codes(reports); got != test.want || reports[0].Signature.State != test.state {
			t.Errorf("%s: got %q, %+v", test.name, got, reports[0].Signature)
		}
	}
	for _, bad := range []string{"", "# nobody", "me", "me cert-authority " + key.authorized(), "me strange " + key.authorized(), "me valid-after=\"soon\" " + key.authorized()} {
		if _, err := ParseAllowedSigners([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// The signature of one file is no signature of another, nor one for something else.
func TestASignatureIsOfItsContent(t *testing.T) {
	t.Parallel()
	key := newKey(t, "ed25519")
	one := kept(t, key, aStory(t).run(t, "run-1", 0))[0].File
	for name, armored := range map[string]string{
		"of other content": must(sign(key.signer, []byte("other"))),
		"cut":              one.Signature[:len(one.Signature)/2],
		"no base64":        armorBegin + "\n!!\n" + armorEnd,
		"empty":            armorBegin + "\n" + armorEnd,
		"huge":             strings.Repeat("A", maxArmor+1),
	} {
		if _, err := checkSignature(armored, one.Message); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// A good signature by another key than the file names is none of it.
func TestTheSignatureIsByTheKeyThatIsNamed(t *testing.T) {
	t.Parallel()
	key, other := newKey(t, "ed25519"), newKey(t, "ed25519")
	data := given(t, "", kept(t, key, aStory(t).run(t, "run-1", 0))[0])[0].Data
	value, err := decode(data)
	if err != nil {
		t.Fatal(err)
	}
	file := value.(map[string]any)
	file["signature"] = must(sign(other.signer, canonical(file["evidence"])))
	if got := codes(Verify([]Given{{Name: "f", Data: canonical(file)}}, nil, "1.0")); got != "signature-broken" {
		t.Errorf("got %q", got)
	}
}

func must(text string, err error) string {
	if err != nil {
		panic(err)
	}
	return text
}

// ssh-keygen reads our signatures, and we read those of ssh-keygen.
func TestSSHKeygenAgrees(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("there is no ssh-keygen here")
	}
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			at := func(name string) string { return filepath.Join(dir, name) }
			ssh := func(stdin []byte, args ...string) (string, error) {
				command := exec.CommandContext(context.Background(), program, args...)
				command.Stdin = strings.NewReader(string(stdin))
				out, err := command.CombinedOutput()
				return string(out), err
			}
			if out, err := ssh(nil, "-q", "-t", kind, "-N", "open sesame", "-f", at("key")); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			data, err := os.ReadFile(at("key"))
			if err != nil {
				t.Fatal(err)
			}
			key, err := OpenKey(data, func() (secret.Secret, error) { return secret.New("open sesame"), nil }, "")
			if err != nil {
				t.Fatal(err)
			}
			file := kept(t, key, aStory(t).run(t, "run-1", 0))[0].File
			write := func(name, text string) {
				if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write("sig", file.Signature)
			write("signers", "me@example.com "+key.authorized()+"\n")
			verify := []string{"-Y", "verify", "-f", at("signers"), "-I", "me@example.com", "-n", Namespace, "-s", at("sig")}
			if out, err := ssh(file.Message, verify...); err != nil {
				t.Errorf("ssh-keygen does not take it: %v: %s", err, out)
			}
			if out, err := ssh(append(file.Message, ' '), verify...); err == nil {
				t.Errorf("ssh-keygen takes anything: %s", out)
			}
			write("message", string(file.Message))
			if out, err := ssh(nil, "-p", "-P", "open sesame", "-N", "", "-f", at("key")); err != nil { // without its passphrase
				t.Fatalf("%v: %s", err, out)
			}
			if out, err := ssh(nil, "-Y", "sign", "-f", at("key"), "-n", Namespace, at("message")); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			theirs, err := os.ReadFile(at("message.sig"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := checkSignature(string(theirs), file.Message); err != nil {
				t.Errorf("a signature of ssh-keygen is not taken: %v", err)
			}
			if out, err := ssh(nil, "-Y", "sign", "-f", at("key"), "-n", "git", "-O", "hashalg=sha256", at("sig")); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if theirs, err = os.ReadFile(at("sig.sig")); err != nil {
				t.Fatal(err)
			}
			if _, err := checkSignature(string(theirs), []byte(file.Signature)); err == nil || !strings.Contains(err.Error(), `"git"`) {
				t.Errorf("a signature for git is taken: %v", err)
			}
		})
	}
}

// jq prints the message, so that nobody needs this program.
func TestJQAgrees(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("jq")
	if err != nil {
		t.Skip("there is no jq here")
	}
	run := aStory(t).run(t, "run-1", 0)
	run.By = "ü \u2028 <b>&\"\\\t\u0001 \U0001f511 ｡"
	run.Steps[0].Intent = json.RawMessage(`{"seconds":0.00012,"b":[],"a":{},"tenth":0.1,"whole":1.0,"neg":-3.14159,"zero":-0.0,"big":123456789012}`)
	one := kept(t, nil, run)[0]
	out, err := exec.CommandContext(context.Background(), program, "-S", ".evidence", one.Path).Output()
	if err != nil {
		t.Fatal(err)
	}
	if string(out) != string(one.File.Message) {
		t.Errorf("jq prints another text:\n%s\nand not\n%s", out, one.File.Message)
	}
}

func TestHostileFiles(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ data, want string }{
		"empty":         {"", "not JSON"},
		"deep":          {strings.Repeat("[", 100), "nested more than"},
		"deep, closed":  {strings.Repeat("[", 100) + strings.Repeat("]", 100), "nested more than"},
		"large":         {strings.Repeat(" ", maxSize+1), "more than evidence has"},
		"huge number":   {`{"evidence":1e999}`, "larger than evidence has"},
		"no object":     {`[]`, "no evidence of Cartouche"},
		"other format":  {`{"evidence":{"format":"x"}}`, "no evidence of Cartouche"},
		"newer":         {`{"evidence":{"format":"cartouche-evidence","version":2}}`, "use a newer one"},
		"more behind":   {`{} {}`, "more after"},
		"cut":           {`{"evidence":{"format":"cartouche-evidence",`, "not JSON"},
		"no hash":       {`{"evidence":{"format":"cartouche-evidence","version":1}}`, ""},
		"wrong types":   {`{"evidence":{"format":"cartouche-evidence","version":1,"run":[]},"sha256":"","signature":null}`, ""},
		"another case":  {`{"Evidence":{},"evidence":{"format":"cartouche-evidence","version":1},"sha256":"x","signature":null}`, ""},
		"quoted braces": {`"[[[[[{{{{\"[["`, "no evidence of Cartouche"},
	} {
		if _, err := Read([]byte(test.data)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

// A name twice, or in another case, is another document for another reader.
func TestOneReadingOnly(t *testing.T) {
	t.Parallel()
	data := string(given(t, "", kept(t, nil, aStory(t).run(t, "run-1", 0))[0])[0].Data)
	for name, changed := range map[string]string{
		"a name twice":    strings.Replace(data, `"planHash":`, `"planHash": "x",`+"\n    "+`"planHash":`, 1),
		"another case":    strings.Replace(data, `"number": 1,`, `"Number": 2,`+"\n    "+`"number": 1,`, 1),
		"spaces":          data + " ",
		"other order":     strings.Replace(data, `"version": 1`, `"version":  1`, 1),
		"another member":  strings.Replace(data, `"signature": null`, `"signature": null,`+"\n"+`  "zz": 1`, 1),
		"another spelled": strings.Replace(data, `"verified"`, `"verif\u0069ed"`, 1),
	} {
		if changed == data {
			t.Fatalf("%s changes nothing", name)
		}
		if reports := Verify([]Given{{Name: "f", Data: []byte(changed)}}, nil, "1.0"); reports[0].Holds {
			t.Errorf("%s is taken", name)
		}
	}
}

func FuzzRead(f *testing.F) {
	document := Of(journal.Run{ID: "run-1", StartedAt: noon, Outcome: "verified", Plan: json.RawMessage(`{"kind":"internal"}`)}, noon)
	document.Number = 1
	data, err := seal(document, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"evidence":{"format":"cartouche-evidence","version":1},"sha256":"x","signature":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Read(data)
		report := Verify([]Given{{Name: "f", Data: data}}, nil, "1.0")[0]
		if err != nil && report.Holds {
			t.Fatal("what cannot be read holds")
		}
		if err != nil {
			return
		}
		if _, err := Page(file, report); err != nil {
			t.Fatal(err)
		}
		if report.Holds && fmt.Sprint(file.SHA256) != hashOf(file.Message) {
			t.Fatal("a wrong hash holds")
		}
	})
}

func FuzzSignature(f *testing.F) {
	f.Add("x", []byte("message"))
	f.Add(armorBegin+"\nU1NIU0lHAAAAAQ==\n"+armorEnd, []byte("message"))
	f.Fuzz(func(t *testing.T, text string, message []byte) {
		_, _ = ParseAllowedSigners([]byte(text))
		if _, err := checkSignature(text, message); err == nil {
			t.Fatal("nobody has signed that")
		}
	})
}

// Names from outside are shown as text, and nothing of the page is fetched or run.
func TestThePageShowsMarkupAsText(t *testing.T) {
	t.Parallel()
	const evil = `<script>alert(1)</script>`
	s := story{certificate(t, evil, "gis.example.com"), certificate(t, `"><img src=x onerror=alert(1)>`, "<b>x</b>.example.com")}
	run := s.run(t, "run-1", 0)
	run.DeploymentName, run.By = evil, "me\u202eevil\x1b[31m"
	run.Steps[0].Title, run.Steps[0].Error = evil, evil
	run.Plan = json.RawMessage(`{"steps":[{"title":"<script>alert(2)</script>","changes":["javascript:alert(3)"]}]}`)
	run.PlanHash = `'"><svg/onload=alert(4)>`
	one := kept(t, nil, run)[0]
	page, err := Page(one.File, Verify(given(t, "", one), nil, "1.0")[0])
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for _, bad := range []string{"<script", "<img", "<svg", "<b>x", "\u202e", "\x1b", "http://", "https://", "href=", "@import", "url("} {
		if strings.Contains(text, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	for _, shown := range []string{"&lt;script&gt;alert(1)", `me\u202eevil`, "does not hold", "unsigned"} {
		if !strings.Contains(text, shown) {
			t.Errorf("the page does not say %q", shown)
		}
	}
}

// The page says what an auditor asks for.
func TestThePage(t *testing.T) {
	t.Parallel()
	s := aStory(t)
	one := kept(t, newKey(t, "ed25519"), s.run(t, "run-1", 0))[0]
	page, err := Page(one.File, Verify(given(t, "", one), nil, "1.0")[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, wanted := range []string{
		"gis.example.com", "CN=old", "CN=new", pki.Fingerprint(s.old), pki.Fingerprint(s.new), "as wanted", "TLS 1.3", "op-1",
		one.File.Hash, "SHA256:", "ssh-keygen -Y verify", "10s", "@media print", "prefers-color-scheme",
	} {
		if !strings.Contains(string(page), wanted) {
			t.Errorf("the page does not say %q", wanted)
		}
	}
	if strings.Contains(string(page), "does not hold") {
		t.Error("the page says that it does not hold")
	}
}

// serveAgent is an ssh-agent at a socket.
func serveAgent(t *testing.T, ring agent.Agent) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent") // the names of sockets are short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(ring, connection) }()
		}
	}()
	return socket
}
