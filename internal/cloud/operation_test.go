package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

const operationPath = "/subscriptions/5e2f/providers/Microsoft.Network/locations/westeurope/operations/op-1"

// operates lets the gateway take a PUT and then answer each look at the
// operation with the next of the given bodies, the last one for ever.
func (a *azure) operates(looks ...string) {
	a.mux.HandleFunc("PUT "+gatewayID, func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, `{"properties":{"provisioningState":"Updating"}}`,
			"Azure-AsyncOperation", a.URL+operationPath+"?api-version=2025-05-01&t=sig", "retry-after-ms", "1")
	})
	var looked atomic.Int32
	a.mux.HandleFunc("GET "+operationPath, func(w http.ResponseWriter, r *http.Request) {
		n := int(looked.Add(1))
		answer(w, 200, looks[min(n, len(looks))-1], "retry-after-ms", "1")
	})
	a.mux.HandleFunc("GET "+gatewayID, func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, `{"id":"`+gatewayID+`","n":9007199254740993,"huge":1e400,"properties":{"provisioningState":"Succeeded"}}`)
	})
}

func (a *azure) put(ctx context.Context) (*Operation, error) {
	return a.manager().Put(ctx, gatewayID, GatewayAPI, Document{"location": "westeurope"}, "")
}

func contextWithCancel(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}

func TestWaitGivesTheResourceAtTheEnd(t *testing.T) {
	azure := newAzure(t)
	azure.operates(`{"status":"InProgress"}`, `{"status":"InProgress"}`, `{"status":"Succeeded"}`)
	operation, err := azure.put(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if operation.ID() != "op-1" {
		t.Errorf("id %q", operation.ID())
	}
	got, err := operation.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if text := compact(t, got); !strings.Contains(text, `"n":9007199254740993`) || !strings.Contains(text, `"huge":1e400`) {
		t.Errorf("numbers were changed: %s", text)
	}
	if azure.calls[0].OperationID != "op-1" {
		t.Errorf("told of %+v", azure.calls[0])
	}
	for _, call := range azure.calls {
		if strings.Contains(call.Path, "?") || strings.Contains(fmt.Sprint(call), "sig") {
			t.Errorf("told of a query: %+v", call)
		}
	}
}

// A failed operation is a 200; its outer code says little.
func TestFailedOperationTellsTheInnermostCode(t *testing.T) {
	azure := newAzure(t)
	azure.operates(`{"status":"Failed","error":{"code":"ApplicationGatewayKeyVaultSecretException","message":"Problem occurred.",
		"details":[{"code":"ApplicationGatewayKeyVaultSecretAccessDenied","message":"Access denied for KeyVault Secret."}]}}`)
	operation, err := azure.put(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = operation.Wait(t.Context())
	var e *Error
	if !errors.As(err, &e) || e.Status != 200 || e.Code != "ApplicationGatewayKeyVaultSecretException" {
		t.Fatalf("got %#v", err)
	}
	if !HasCode(err, "ApplicationGatewayKeyVaultSecretAccessDenied") || !strings.Contains(e.Hint, "Key Vault Secrets User") {
		t.Errorf("details %v, hint %q", e.Details, e.Hint)
	}
	want := "write applicationGateways agw-prod: ApplicationGatewayKeyVaultSecretException: Problem occurred." +
		" (ApplicationGatewayKeyVaultSecretAccessDenied: Access denied for KeyVault Secret.)"
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	if Uncertain(err) || IsConflict(err) {
		t.Error("an operation that failed has ended, and nobody was faster")
	}
}

func TestSupersededOperationIsAConflict(t *testing.T) {
	azure := newAzure(t)
	azure.operates(`{"status":"Canceled","error":{"code":"Canceled","message":"Operation was canceled.",
		"details":[{"code":"CanceledAndSupersededDueToAnotherOperation","message":"Operation PutApplicationGatewayOperation was canceled and superseded."}]}}`)
	operation, err := azure.put(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err = operation.Wait(t.Context()); !IsConflict(err) {
		t.Errorf("got %v", err)
	}
}

func TestPollingAddressOnAForeignHostIsRefused(t *testing.T) {
	stranger := newAzure(t)
	for _, header := range []string{"Azure-AsyncOperation", "Operation-Location", "Location"} {
		azure := newAzure(t)
		azure.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			answer(w, 202, `{}`, header, stranger.URL+operationPath)
		})
		_, err := azure.put(t.Context())
		if !Uncertain(err) || !strings.Contains(err.Error(), "refused to send the sign-in") {
			t.Errorf("%s: got %v", header, err)
		}
	}
	if len(stranger.requests) != 0 {
		t.Errorf("the stranger was asked: %v", stranger.calls)
	}
}

// The address may also change on the way.
func TestPollingAddressThatMovesToAForeignHostIsRefused(t *testing.T) {
	stranger, azure := newAzure(t), newAzure(t)
	azure.mux.HandleFunc("PUT "+gatewayID, func(w http.ResponseWriter, r *http.Request) {
		answer(w, 202, ``, "Location", azure.URL+operationPath, "retry-after-ms", "1")
	})
	azure.mux.HandleFunc("GET "+operationPath, func(w http.ResponseWriter, r *http.Request) {
		answer(w, 202, ``, "Location", stranger.URL+operationPath, "retry-after-ms", "1")
	})
	operation, err := azure.put(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := operation.Wait(t.Context()); !Uncertain(err) || !strings.Contains(err.Error(), "refused to send the sign-in") {
		t.Errorf("got %v", err)
	}
	if len(stranger.requests) != 0 {
		t.Error("the stranger was asked")
	}
}

func TestResumeInAnotherProcess(t *testing.T) {
	azure := newAzure(t)
	azure.operates(`{"status":"InProgress"}`, `{"status":"Succeeded"}`)
	operation, err := azure.put(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	resume, err := operation.ResumeToken()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(resume, token) {
		t.Error("the token holds the sign-in")
	}
	resumed, err := azure.manager().Resume(resume)
	if err != nil {
		t.Fatal(err)
	}
	if resumed.ID() != "op-1" {
		t.Errorf("id %q", resumed.ID())
	}
	got, err := resumed.Wait(t.Context())
	if err != nil || textAt(got, "id") != gatewayID {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestResumeRefusesTokensThatLeadAway(t *testing.T) {
	azure := newAzure(t)
	for _, resume := range []string{
		``, `{`, `{"type":"Document"}`, `{"type":"Document","token":{}}`, strings.Repeat("x", maximumToken+1),
		`{"type":"Document","token":{"asyncURL":"https://evil.test/a","locURL":"","origURL":"` + azure.URL + `/a","method":"PUT","state":"InProgress"}}`,
		`{"type":"Document","token":{"asyncURL":"` + azure.URL + `/a","locURL":"","origURL":"https://evil.test/a","method":"PUT","state":"InProgress"}}`,
		`{"type":"Document","token":{"asyncURL":"` + azure.URL + `/a","locURL":"","origURL":"` + azure.URL + `/a","method":"PUT","state":"Succeeded"}}`,
		`{"type":"Document","token":{"type":"loc","pollURL":"https://evil.test/a","state":"InProgress"}}`,
	} {
		if _, err := azure.manager().Resume(resume); err == nil {
			t.Errorf("accepted %.200s", resume)
		}
	}
}

func TestLostPollingAddressIsUncertain(t *testing.T) {
	azure := newAzure(t)
	azure.operates(``)
	azure.mux.HandleFunc("GET /subscriptions/5e2f/providers/Microsoft.Network/locations/westeurope/operations/{$}", http.NotFound)
	operation, err := azure.put(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := operation.Wait(t.Context()); !Uncertain(err) {
		t.Errorf("an empty answer: %v", err)
	}
	azure = newAzure(t)
	azure.mux.HandleFunc("PUT "+gatewayID, func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, `{}`, "Azure-AsyncOperation", azure.URL+"/gone", "retry-after-ms", "1")
	})
	if operation, err = azure.put(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := operation.Wait(t.Context()); !Uncertain(err) || IsConflict(err) || !strings.Contains(err.Error(), "cannot be learned") {
		t.Errorf("404: %v", err)
	}
}

// An operation takes up to an hour; a network that is gone for a while, or a
// Resource Manager that hiccups, must not end it.
func TestWaitOutlivesTrouble(t *testing.T) {
	azure := newAzure(t)
	azure.operates(`{"status":"Succeeded"}`)
	var looked atomic.Int32
	azure.Config.Handler = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			// Nine refusals: more than the pipeline repeats one look.
			if r.URL.Path == operationPath && looked.Add(1) < 10 {
				answer(w, 503, ``, "retry-after-ms", "1")
				return
			}
			next.ServeHTTP(w, r)
		})
	}(azure.Config.Handler)
	rm := azure.manager()
	rm.interval = 1 // a nanosecond
	operation, err := rm.Put(t.Context(), gatewayID, GatewayAPI, Document{}, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := operation.Wait(t.Context()); err != nil {
		t.Errorf("got %v", err)
	}
}

// However long a look is to be put off, it is not put off for ever, nor at once
// repeated because the number has overflowed.
func TestLooksAreNotPutOffForEver(t *testing.T) {
	for _, asked := range []string{"900000", "31536000000", "9223372036854775807", "Fri, 31 Dec 9999 23:59:59 GMT"} {
		azure := newAzure(t)
		azure.mux.HandleFunc("PUT "+gatewayID, func(w http.ResponseWriter, r *http.Request) {
			answer(w, 201, `{}`, "Azure-AsyncOperation", azure.URL+operationPath, "Retry-After", asked)
		})
		operation, err := azure.put(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if operation.first != longestWait {
			t.Errorf("Retry-After: %s: the first look is in %s, want %s", asked, operation.first, longestWait)
		}
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	azure := newAzure(t)
	azure.operates(`{"status":"InProgress"}`)
	ctx, cancel := contextWithCancel(t)
	operation, err := azure.put(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := operation.Wait(ctx); !Uncertain(err) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
