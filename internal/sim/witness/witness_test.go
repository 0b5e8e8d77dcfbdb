package witness_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/site"
	"github.com/cartouche-gis/cartouche/internal/sim/witness"
)

// bench is a world with a witness and somebody who changes the world, as a
// client does.
type bench struct {
	testing.TB
	world   *sim.World
	visitor *worldtest.Visitor
	watch   *witness.Witness
	gateway string
}

func start(t *testing.T, world string) *bench {
	t.Helper()
	w := worldtest.Start(t, sim.Options{World: world, Scale: 3000, Current: sim.CurrentCertificate{Key: "p256"}, Machines: sim.MachineState{Key: "p256"}})
	return &bench{TB: t, world: w, visitor: worldtest.Enter(t, w.Environment(), cloud.Options{}), watch: w.Watch(witness.Allow{}), gateway: w.Deployments()[0].GatewayID}
}

type tree = map[string]any

// put changes the gateway by hand and waits until it has.
func (b *bench) put(change func(properties tree)) {
	b.Helper()
	document, err := b.visitor.Azure.Get(b.Context(), b.gateway, cloud.GatewayAPI)
	if err != nil {
		b.Fatal(err)
	}
	change(document["properties"].(tree))
	operation, err := b.visitor.Azure.Put(b.Context(), b.gateway, cloud.GatewayAPI, document, "")
	if err == nil {
		_, err = operation.Wait(b.Context())
	}
	if err != nil {
		b.Fatal(err)
	}
}

// show lets all listeners show a certificate, under a new entry or in place of
// the old one.
func (b *bench) show(issued *authority.Issued, entry string) {
	b.Helper()
	pfx, err := issued.PFX("secret-of-the-pfx")
	if err != nil {
		b.Fatal(err)
	}
	b.put(func(properties tree) {
		data := tree{"data": base64.StdEncoding.EncodeToString(pfx), "password": "secret-of-the-pfx"}
		entries := properties["sslCertificates"].([]any)
		if entry == "" {
			entries[0].(tree)["properties"] = data
			return
		}
		properties["sslCertificates"] = append(entries, tree{"name": entry, "properties": data})
		for _, listener := range properties["httpListeners"].([]any) {
			if inner := listener.(tree)["properties"].(tree); inner["sslCertificate"] != nil {
				inner["sslCertificate"] = tree{"id": b.gateway + "/sslCertificates/" + entry}
			}
		}
	})
}

// tells checks that the witness says these things and nothing else, in any order.
func (b *bench) tells(want ...string) {
	b.Helper()
	got := b.watch.Violations()
	for _, sentence := range want {
		if !slices.ContainsFunc(got, func(told string) bool { return strings.Contains(told, sentence) }) {
			b.Errorf("it is not told that %q", sentence)
		}
	}
	for _, told := range got {
		if !slices.ContainsFunc(want, func(sentence string) bool { return strings.Contains(told, sentence) }) {
			b.Errorf("it is told that %q", told)
		}
	}
}

func TestAGoodRotationIsNoViolation(t *testing.T) {
	t.Parallel()
	b := start(t, "ha")
	next, _, _ := b.world.NewCertificate()
	b.watch.AlsoLeaf(fingerprint(next))
	b.show(next, "cartouche-1")
	b.tells()
	if leaks := b.watch.Leaks("secret-of-the-pfx"); len(leaks) > 0 {
		t.Error(leaks)
	}
}

func TestAnotherLeafIsTold(t *testing.T) {
	t.Parallel()
	b := start(t, "single")
	next, _, _ := b.world.NewCertificate()
	b.show(next, "cartouche-1")
	b.tells("neither the old nor the new one")
}

func fingerprint(issued *authority.Issued) string {
	sum := sha256.Sum256(issued.Leaf.Raw)
	return hex.EncodeToString(sum[:])
}

// issue makes a certificate for the deployment's names.
func (b *bench) issue(spec authority.Spec) *authority.Issued {
	b.Helper()
	if spec.Names == nil {
		spec.Names = []string{b.world.Deployments()[0].Domain}
	}
	spec.Key = "p256"
	issued, err := b.world.Authority().Issue(spec)
	if err != nil {
		b.Fatal(err)
	}
	b.watch.AlsoLeaf(fingerprint(issued))
	return issued
}

func TestAnIncompleteChainIsTold(t *testing.T) {
	t.Parallel()
	b := start(t, "single")
	next := b.issue(authority.Spec{})
	next.Chain = nil
	b.show(next, "cartouche-1")
	b.tells("which no visitor accepts")
}

func TestAnExpiredLeafIsTold(t *testing.T) {
	t.Parallel()
	b := start(t, "single")
	b.show(b.issue(authority.Spec{NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().Add(-time.Hour)}), "cartouche-1")
	b.tells("which no visitor accepts")
}

func TestALeafForAnotherNameIsTold(t *testing.T) {
	t.Parallel()
	b := start(t, "sites")
	b.show(b.issue(authority.Spec{}), "cartouche-1") // all listeners, also those of other names
	b.tells("which does not name")
}

func TestAnOldEntryThatIsOverwrittenIsTold(t *testing.T) {
	t.Parallel()
	b := start(t, "single")
	b.show(b.issue(authority.Spec{}), "")
	b.tells("certificate entry frontendCert, which was in use, is no longer there")
}

func TestAListenerThatIsGoneIsTold(t *testing.T) {
	t.Parallel()
	b := start(t, "single")
	b.put(func(properties tree) {
		rules := properties["requestRoutingRules"].([]any)
		properties["requestRoutingRules"] = slices.DeleteFunc(rules, func(rule any) bool {
			return strings.Contains(strings.ToLower(rule.(tree)["properties"].(tree)["httpListener"].(tree)["id"].(string)), "https")
		})
	})
	b.tells("no longer serves listener", "requestRoutingRules")
}

func TestARootThatIsGoneIsTold(t *testing.T) {
	t.Parallel()
	b := start(t, "ha")
	b.put(func(properties tree) {
		settings := properties["backendHttpSettingsCollection"].([]any)
		of := settings[0].(tree)["properties"].(tree)
		for _, setting := range settings {
			if roots, _ := setting.(tree)["properties"].(tree)["trustedRootCertificates"].([]any); len(roots) > 0 {
				of = setting.(tree)["properties"].(tree)
				break
			}
		}
		gone := of["trustedRootCertificates"].([]any)[0].(tree)["id"].(string)
		for _, setting := range settings {
			inner := setting.(tree)["properties"].(tree)
			roots, _ := inner["trustedRootCertificates"].([]any)
			inner["trustedRootCertificates"] = slices.DeleteFunc(roots, func(root any) bool { return root.(tree)["id"] == gone })
		}
		properties["trustedRootCertificates"] = slices.DeleteFunc(properties["trustedRootCertificates"].([]any), func(root any) bool {
			return strings.HasSuffix(gone, "/"+root.(tree)["name"].(string))
		})
	})
	b.tells("I2: ", "I3: ", "I7: ")
	// Putting it back is not told again, and what is told stays.
	if first := b.watch.Violations(); !slices.Equal(first, b.watch.Violations()) {
		t.Error("asking again tells something else")
	}
}

// siteOf is the first site of a product.
func (b *bench) siteOf(product string) *site.Site {
	for _, s := range b.world.Sites() {
		if s.Product() == product {
			return s
		}
	}
	b.Fatalf("no %s", product)
	return nil
}

// awaitUp waits until a machine's outage of the kind has ended, by the ledger.
func (b *bench) awaitUp(machines int) {
	b.Helper()
	ended := make(chan struct{}, 100)
	defer b.world.Ground().Watchers.Add(func(s ground.Sight) {
		if event, ok := s.(ground.Event); ok && event.Kind == ground.MachineUp {
			ended <- struct{}{}
		}
	})()
	for b.world.Ground().Ledger.Count(ground.MachineUp) < machines {
		<-ended
	}
}

func TestTwoMachinesOfARoleAtOnceAreTold(t *testing.T) {
	t.Parallel()
	b := start(t, "ha")
	server := b.siteOf(site.Server)
	for i, machine := range server.Machines() {
		if err := server.Restart(machine); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			b.awaitUp(1)
			b.tells() // one after the other is as it must be
			if err := server.Restart(machine); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.awaitUp(3)
	b.tells("are restarting at the same time")
}

func TestAnotherLeafOfAMachineIsTold(t *testing.T) {
	t.Parallel()
	b := start(t, "ha")
	server := b.siteOf(site.Server)
	if err := server.Switch(server.Machines()[0], "SelfSignedCertificate"); err != nil {
		t.Fatal(err)
	}
	b.awaitUp(1)
	b.tells("I2: ")
}

func TestSettingsThatAreResetAreTold(t *testing.T) {
	t.Parallel()
	b := start(t, "ha")
	b.world.Manager().Edit(b.gateway, func(document map[string]any) { document["tags"].(map[string]any)["by"] = "hand" })
	b.tells() // a person may
	b.put(func(properties tree) {
		properties["backendHttpSettingsCollection"].([]any)[0].(tree)["properties"].(tree)["requestTimeout"] = 7
	})
	b.tells("requestTimeout is 7")
}

func TestWhatAPersonChangedMustStay(t *testing.T) {
	t.Parallel()
	b := start(t, "single")
	document, err := b.visitor.Azure.Get(t.Context(), b.gateway, cloud.GatewayAPI)
	if err != nil {
		t.Fatal(err)
	}
	timeout := func(to int) {
		b.put(func(properties tree) {
			properties["backendHttpSettingsCollection"].([]any)[0].(tree)["properties"].(tree)["requestTimeout"] = to
		})
	}
	b.watch.ByHand(func() { timeout(99) })
	b.tells()
	operation, err := b.visitor.Azure.Put(t.Context(), b.gateway, cloud.GatewayAPI, document, "") // a client that read before
	if err == nil {
		_, err = operation.Wait(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	b.tells("requestTimeout is ")
}

func TestSecretsInAddressesHeadersAndDocumentsAreFound(t *testing.T) {
	t.Parallel()
	const secret = "correct horse/battery+staple"
	wide := func(text string) (out []byte) {
		for _, r := range text {
			out = append(out, byte(r), 0)
		}
		return out
	}
	for name, leak := range map[string]func(b *bench){
		"as it is":    func(b *bench) { b.ask("/", http.Header{"X-Note": {"it is " + secret}}) },
		"URL-encoded": func(b *bench) { b.ask("/?password="+url.QueryEscape(secret), nil) },
		"in hex":      func(b *bench) { b.ask("/"+hex.EncodeToString([]byte(secret)), nil) },
		"in base64": func(b *bench) {
			b.world.Manager().Edit(b.gateway, func(document map[string]any) {
				document["tags"].(map[string]any)["note"] = base64.StdEncoding.EncodeToString([]byte(`{"a":"` + secret + `"}`))
			})
		},
		"in base64 of UTF-16": func(b *bench) {
			b.ask("/", http.Header{"X-Note": {base64.StdEncoding.EncodeToString(wide(`{"a":"` + secret + `"}`))}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t, "single")
			if found := b.watch.Leaks(secret); len(found) > 0 {
				t.Fatalf("before anything leaked: %v", found)
			}
			leak(b)
			b.ask("/", http.Header{"Authorization": {"Bearer " + secret + "2"}})
			if found := b.watch.Leaks(secret, "another one"); len(found) == 0 || !strings.HasSuffix(found[0], ", "+name) {
				t.Errorf("found %v", found)
			}
			if found := b.watch.Leaks(secret + "2"); len(found) > 0 {
				t.Errorf("of Authorization: %v", found)
			}
		})
	}
}

// The control door is for those who are another process.
func TestTheWitnessAnswersThroughTheDoor(t *testing.T) {
	t.Parallel()
	b := start(t, "single")
	say := func(method, path, body string) (answer struct{ Violations, LeftBehind, Leaks []string }) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, "http://"+sim.ControlHost+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := b.visitor.Client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %s", method, path, response.Status)
		}
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	next, _, _ := b.world.NewCertificate()
	say(http.MethodPost, "/witness?leaf="+strings.ToUpper(fingerprint(next)), "")
	b.show(next, "cartouche-1")
	if got := say(http.MethodGet, "/witness", ""); len(got.Violations)+len(got.LeftBehind) > 0 {
		t.Errorf("of a good rotation: %+v", got)
	}
	b.show(b.issue(authority.Spec{}), "cartouche-2")
	if got := say(http.MethodGet, "/witness", ""); len(got.Violations) != 2 { // one of each instance
		t.Errorf("of another leaf: %+v", got)
	}
	if got := say(http.MethodPost, "/witness/leaks", `["`+next.Leaf.Issuer.CommonName+`", "bmAppGateway"]`); len(got.Leaks) == 0 {
		t.Error("nothing is found")
	}
}

func TestAnEmptyPoolIsTold(t *testing.T) {
	t.Parallel()
	b := start(t, "ha")
	pool := func(properties tree) tree {
		return properties["backendAddressPools"].([]any)[0].(tree)["properties"].(tree)
	}
	b.put(func(properties tree) {
		pool(properties)["backendAddresses"] = pool(properties)["backendAddresses"].([]any)[:1]
	})
	b.tells()
	if left := b.watch.LeftBehind(); len(left) != 1 || !strings.Contains(left[0], "backendAddresses") {
		t.Errorf("left behind: %v", left)
	}
	b.put(func(properties tree) { pool(properties)["backendAddresses"] = []any{} })
	b.tells("nobody left in pool")
}

// ask sends a request to the Resource Manager.
func (b *bench) ask(path string, header http.Header) {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, b.visitor.Cloud.ResourceManager+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	request.Header = header
	answer, err := b.visitor.Client.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	_ = answer.Body.Close()
}
