package cloud

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// A repeated PUT of a stale body is a lost update (azure-cli#28615). The SDK
// repeats on all of these.
func TestPutIsSentExactlyOnce(t *testing.T) {
	reset := func(w http.ResponseWriter) {
		connection, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = connection.(interface{ NetConn() net.Conn }).NetConn().Close()
		}
	}
	refuse := func(status int, code string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			answer(w, status, `{"error":{"code":"`+code+`","message":"no"}}`, "retry-after-ms", "1")
		}
	}
	tests := []struct {
		name      string
		answer    func(http.ResponseWriter)
		conflict  bool
		uncertain bool
	}{
		{"429 RetryableError", refuse(429, "RetryableError"), true, false},
		{"409 AnotherOperationInProgress", refuse(409, "AnotherOperationInProgress"), true, false},
		{"412 PreconditionFailed", refuse(412, "PreconditionFailed"), true, false},
		{"409 ScopeLocked", refuse(409, "ScopeLocked"), false, false},
		{"400", refuse(400, "ApplicationGatewaySslCertificateInvalidData"), false, false},
		{"403", refuse(403, "LinkedAuthorizationFailed"), false, false},
		{"408", refuse(408, "RequestTimeout"), false, true},
		{"500", refuse(500, "InternalServerError"), false, true},
		{"503", refuse(503, "ServiceUnavailable"), false, true},
		{"reset after the request was read", reset, false, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			azure := newAzure(t)
			azure.mux.HandleFunc("PUT "+gatewayID, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				test.answer(w)
			})
			_, err := azure.manager().Put(t.Context(), gatewayID, GatewayAPI, Document{"location": "westeurope"}, `W/"1"`)
			if err == nil {
				t.Fatal("no error")
			}
			if n := azure.count("PUT"); n != 1 {
				t.Errorf("sent %d times", n)
			}
			if IsConflict(err) != test.conflict || Uncertain(err) != test.uncertain {
				t.Errorf("conflict %t, uncertain %t: %v", IsConflict(err), Uncertain(err), err)
			}
		})
	}
}

// The SDK answers MissingSubscriptionRegistration by registering the provider
// in the customer's subscription and repeating the PUT.
func TestNoProviderIsRegistered(t *testing.T) {
	azure := newAzure(t)
	azure.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 409, `{"error":{"code":"MissingSubscriptionRegistration","message":"The subscription is not registered to use namespace 'Microsoft.Network'."}}`)
	})
	_, err := azure.manager().Put(t.Context(), gatewayID, GatewayAPI, Document{}, "")
	if !HasCode(err, "MissingSubscriptionRegistration") || IsConflict(err) {
		t.Errorf("got %v", err)
	}
	if len(azure.requests) != 1 {
		t.Errorf("%d requests were made: %v", len(azure.requests), azure.calls)
	}
}

func TestNothingWasWrittenWhenNobodyWasReached(t *testing.T) {
	azure := newAzure(t)
	rm := azure.manager()
	azure.Close()
	_, err := rm.Put(t.Context(), gatewayID, GatewayAPI, Document{}, "")
	var refused *net.OpError
	if err == nil || Uncertain(err) || !errors.As(err, &refused) {
		t.Errorf("got %v", err)
	}
	if strings.Contains(err.Error(), "http") {
		t.Errorf("the error shows an address: %v", err)
	}
}

func TestPutSendsTheDocumentAndItsCondition(t *testing.T) {
	const text = `{"big":9007199254740993,"huge":1e400,"markup":"<a&b>","nested":{"list":[1.50,null,true]}}`
	azure := newAzure(t)
	azure.mux.HandleFunc("PUT "+gatewayID, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) != text {
			t.Errorf("sent %s", body)
		}
		if got := r.Header.Get("If-Match"); got != `W/"1"` {
			t.Errorf("If-Match %q", got)
		}
		answer(w, 200, `{"properties":{"provisioningState":"Updating"},"huge":1e400}`, "Azure-AsyncOperation", azure.URL+operationPath)
	})
	azure.mux.HandleFunc("GET "+gatewayID, func(w http.ResponseWriter, r *http.Request) { answer(w, 200, text) })
	rm := azure.manager()
	read, err := rm.Get(t.Context(), gatewayID, GatewayAPI)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rm.Put(t.Context(), gatewayID, GatewayAPI, read, `W/"1"`); err != nil {
		t.Fatal(err)
	}
}

// A server that quotes what it was sent must not bring it into an error.
func TestSecretsStayOutOfErrorsAndCalls(t *testing.T) {
	const password = "canary-pa55w0rd-\"\\"
	pfx := []byte(strings.Repeat("canary-pfx", 400))
	data := base64.StdEncoding.EncodeToString(pfx)
	azure := newAzure(t)
	azure.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sent := string(body)
		if !strings.Contains(sent, data) || !strings.Contains(sent, `canary-pa55w0rd-\"\\`) {
			t.Errorf("the secrets were not sent: %.200s", sent)
		}
		quoted := strings.Trim(compact(t, password), `"`)
		answer(w, 400, `{"error":{"code":"InvalidRequestFormat","message":"cannot read `+quoted+`",
			"details":[{"code":"`+quoted+`","message":"`+data+` and Bearer is `+quoted+`"}]}}`)
	})
	gateway := parse(t, gatewayText(t))
	edited, err := gateway.WithCertificate("new", pfx, secret.New(password), []string{"https"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = azure.manager().Put(t.Context(), gatewayID+"?sig=canary", GatewayAPI, edited, "")
	if err == nil {
		t.Fatal("no error")
	}
	everything := fmt.Sprintf("%v %+v %#v %+v %s", err, err, *err.(*Error), azure.calls, compact(t, err))
	everything += fmt.Sprintf("%v %+v %#v %s", edited, edited, edited, compact(t, edited))
	for _, canary := range []string{"canary-pa55", data[:40], token} {
		if strings.Contains(everything, canary) {
			t.Errorf("%q is in %.2000s", canary, everything)
		}
	}
}

func TestPostIsRepeatedOnlyWhenThrottled(t *testing.T) {
	for status, want := range map[int]int{429: 2, 500: 1, 503: 1} {
		azure := newAzure(t)
		azure.mux.HandleFunc("POST "+gatewayID+"/start", func(w http.ResponseWriter, r *http.Request) {
			if azure.count("POST") == 1 {
				answer(w, status, `{}`, "retry-after-ms", "1")
				return
			}
			answer(w, 200, ``)
		})
		_, err := azure.manager().Post(t.Context(), gatewayID, "start", GatewayAPI, nil)
		if n := azure.count("POST"); n != want || (err == nil) != (want == 2) {
			t.Errorf("after %d: sent %d times, %v", status, n, err)
		}
	}
}

func TestBackendHealthIsReadFromTheLocation(t *testing.T) {
	azure := newAzure(t)
	azure.mux.HandleFunc("POST "+gatewayID+"/backendhealth", func(w http.ResponseWriter, r *http.Request) {
		if azure.count("POST") == 1 {
			answer(w, 503, ``, "retry-after-ms", "1") // a read: it may be repeated
			return
		}
		answer(w, 202, ``, "Location", azure.URL+"/results/1?api-version=x", "Azure-AsyncOperation", azure.URL+"/operations/1?api-version=x", "retry-after-ms", "1")
	})
	azure.mux.HandleFunc("GET /operations/1", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, `{"status":"Succeeded"}`)
	})
	azure.mux.HandleFunc("GET /results/1", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, `{"backendAddressPools":[{"backendAddressPool":{"id":"`+gatewayID+`/backendAddressPools/portal"},
			"backendHttpSettingsCollection":[{"backendHttpSettings":{"id":"`+gatewayID+`/backendHttpSettingsCollection/s7443"},
			"servers":[{"address":"vm1","health":"Up"},{"address":"vm2","health":"Down","healthProbeLog":"cannot\u0007 connect"},7]}]}]}`)
	})
	got, err := azure.manager().BackendHealth(t.Context(), gatewayID)
	if err != nil {
		t.Fatal(err)
	}
	want := []BackendServer{
		{Pool: "portal", Setting: "s7443", Address: "vm1", Health: "Up"},
		{Pool: "portal", Setting: "s7443", Address: "vm2", Health: "Down", Log: "cannot connect"},
		{Pool: "portal", Setting: "s7443"},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %+v", got)
	}
}

func TestCancelledPutIsUncertain(t *testing.T) {
	azure := newAzure(t)
	arrived := make(chan struct{})
	azure.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server see the client leave
		close(arrived)
		select {
		case <-r.Context().Done():
		case <-time.After(10 * time.Second):
		}
	})
	ctx, cancel := contextWithCancel(t)
	go func() { <-arrived; cancel() }()
	_, err := azure.manager().Put(ctx, gatewayID, GatewayAPI, Document{}, "")
	if !Uncertain(err) || !errors.Is(err, ctx.Err()) {
		t.Errorf("got %v", err)
	}
}
