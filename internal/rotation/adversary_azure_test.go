package rotation

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/egress"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// plainAzure is a Resource Manager with one gateway and a will of its own: what
// a PUT does, the test says. The world's one is too well behaved for that.
type plainAzure struct {
	document  cloud.Document
	put       func(request *http.Request, sent cloud.Document) (status int)
	ifMatches []string
	// lists are the answers to paths that end so.
	lists map[string]string
}

func (a *plainAzure) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if request.Method == http.MethodPut {
		var sent cloud.Document
		if err := json.NewDecoder(request.Body).Decode(&sent); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		a.ifMatches = append(a.ifMatches, request.Header.Get("If-Match"))
		if status := a.put(request, sent); status != http.StatusOK {
			w.WriteHeader(status)
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	for end, text := range a.lists {
		if strings.HasSuffix(request.URL.Path, end) {
			_, _ = io.WriteString(w, text)
			return
		}
	}
	_ = json.NewEncoder(w).Encode(a.document)
}

type anybody struct{}

func (anybody) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "t", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// switching is a runner before such an Azure, and the move to be made.
func switching(t *testing.T) (*plainAzure, *Runner, []Move, *pki.Bundle) {
	t.Helper()
	ca := newTestCA(t)
	renewed := ca.issue(90, domain)
	azure := &plainAzure{document: gatewayDocument(t, certificates("frontendCert", ca.issue(9, domain)), httpsListener("https", "frontendCert", domain))}
	server := httptest.NewTLSServer(azure)
	t.Cleanup(server.Close)
	manager, err := cloud.NewResourceManager(cloud.Cloud{Name: "test", ResourceManager: server.URL, AuthorityHost: server.URL + "/", Audience: "https://test/"},
		anybody{}, cloud.Options{Client: server.Client()})
	if err != nil {
		t.Fatal(err)
	}
	return azure, &Runner{Azure: manager, Patience: Patience{Interval: time.Millisecond, Backoff: time.Millisecond}},
		[]Move{{Listener: "https", From: "frontendCert", To: "cartouche-x"}}, renewed
}

func TestAWriteIsOnConditionOfWhatWasRead(t *testing.T) {
	azure, runner, moves, renewed := switching(t)
	azure.put = func(_ *http.Request, sent cloud.Document) int { azure.document = sent; return http.StatusOK }
	done, err := runner.write(t.Context(), PhaseSwitch, gatewayID, switchTo(moves, renewed), 0)
	if err != nil || done.Writes != 1 {
		t.Fatalf("write = %+v, %v; want one write", done, err)
	}
	if len(azure.ifMatches) != 1 || azure.ifMatches[0] != `W/"1"` {
		t.Errorf("If-Match = %q, want the ETag that was read", azure.ifMatches)
	}
}

// Azure answers 200 and changes nothing: the answer is not believed.
func TestAnAnswerIsNotBelieved(t *testing.T) {
	azure, runner, moves, renewed := switching(t)
	azure.put = func(*http.Request, cloud.Document) int { return http.StatusOK }
	done, err := runner.write(t.Context(), PhaseSwitch, gatewayID, switchTo(moves, renewed), 0)
	if err == nil || !strings.Contains(err.Error(), "3 times") || done.Writes != 3 || len(azure.ifMatches) != 3 {
		t.Errorf("write = %d writes, %v, and the gateway counts %d; want three and an error", done.Writes, err, len(azure.ifMatches))
	}
}

// Ctrl-C while a PUT is on its way: the answer is waited for, so that the write
// is known of when going back begins.
func TestAnAnswerIsWaitedForAfterCtrlC(t *testing.T) {
	azure, runner, moves, renewed := switching(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	hungUp := false
	azure.put = func(request *http.Request, sent cloud.Document) int {
		cancel()
		select {
		case <-request.Context().Done():
			hungUp = true
		case <-time.After(200 * time.Millisecond):
		}
		azure.document = sent
		return http.StatusOK
	}
	done, err := runner.write(ctx, PhaseSwitch, gatewayID, switchTo(moves, renewed), 0)
	if err == nil || done.Writes != 1 || hungUp {
		t.Errorf("write = %+v, %v, hung up: %t; want one write, waited for, and then the interrupt", done, err, hungUp)
	}
}

// Somebody else was faster: the gateway is read again, and the change is made
// anew on what they have made of it. Of a broken answer nobody knows whether it
// took effect, so it counts as a write.
func TestAChangeThatMetAnotherIsMadeAnew(t *testing.T) {
	for _, test := range []struct{ status, writes int }{
		{http.StatusConflict, 1}, {http.StatusPreconditionFailed, 1}, {http.StatusTooManyRequests, 1}, {http.StatusBadGateway, 2},
	} {
		azure, runner, moves, renewed := switching(t)
		first := true
		azure.put = func(_ *http.Request, sent cloud.Document) int {
			if first {
				first = false
				azure.document["etag"] = `W/"2"`
				azure.document["tags"].(map[string]any)["owner"] = "somebody else"
				return test.status
			}
			azure.document = sent
			return http.StatusOK
		}
		done, err := runner.write(t.Context(), PhaseSwitch, gatewayID, switchTo(moves, renewed), 0)
		if err != nil || done.Writes != test.writes {
			t.Errorf("%d: %+v, %v; want %d writes", test.status, done, err, test.writes)
			continue
		}
		if got := strings.Join(azure.ifMatches, " "); got != `W/"1" W/"2"` {
			t.Errorf("%d: If-Match = %s, want the ETag of each reading", test.status, got)
		}
		if owner := done.Gateway.Tags()["owner"]; owner != "somebody else" {
			t.Errorf("%d: their tag is %q, it was lost", test.status, owner)
		}
	}
}

// A gateway whose last change failed is written once more, though its document
// is as wanted; one on which a change is under way is not written at all.
func TestAWriteWaitsAndMendsTheGateway(t *testing.T) {
	azure, runner, moves, renewed := switching(t)
	document, err := switchTo(moves, renewed)(mustParse(t, azure.document), 0)
	if err != nil {
		t.Fatal(err)
	}
	azure.document = document
	properties(azure.document)["provisioningState"] = "Failed"
	azure.put = func(_ *http.Request, sent cloud.Document) int {
		azure.document = sent
		properties(azure.document)["provisioningState"] = "Succeeded"
		return http.StatusOK
	}
	if done, err := runner.write(t.Context(), PhaseSwitch, gatewayID, switchTo(moves, renewed), 0); err != nil || done.Writes != 1 {
		t.Errorf("failed gateway: %+v, %v; want one write", done, err)
	}

	azure, runner, moves, renewed = switching(t)
	properties(azure.document)["provisioningState"] = "Updating"
	azure.put = func(*http.Request, cloud.Document) int {
		t.Error("a busy gateway was written")
		return http.StatusConflict
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := runner.write(ctx, PhaseSwitch, gatewayID, switchTo(moves, renewed), 0); err == nil {
		t.Error("busy gateway: written")
	}
}

// The handshakes are as they should be, and Azure says nothing of a backend
// that was up before.
func TestAProofAsksForTheBackends(t *testing.T) {
	azure, runner, _, renewed := switching(t)
	network, err := egress.FromEnvironment(func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	runner.Network, runner.Looker = network, &handshake.Looker{}
	port := doors(t, renewed)
	c := claim{
		phase: PhaseProve, expected: expecting(port, renewed, renewed), judge: unjudged,
		before: State{
			Listeners: loopback(port), Backends: []cloud.BackendServer{{Pool: "portal", Setting: "https", Address: "10.0.0.4", Health: "Healthy"}},
		},
	}
	c.before.Deployment.GatewayID = gatewayID
	azure.lists = map[string]string{"/backendhealth": `{"backendAddressPools":[]}`}
	if proof := runner.prove(t.Context(), c); proof.OK || len(proof.Failures) != 1 {
		t.Errorf("nothing is said: proof = %t, %v; want one failure", proof.OK, proof.Failures)
	}
	azure.lists["/backendhealth"] = `{"backendAddressPools":[{"backendAddressPool":{"id":"/x/portal"},"backendHttpSettingsCollection":[
		{"backendHttpSettings":{"id":"/x/https"},"servers":[{"address":"10.0.0.4","health":"Healthy"}]}]}]}`
	if proof := runner.prove(t.Context(), c); !proof.OK {
		t.Errorf("it is up: %v", proof.Failures)
	}
}
