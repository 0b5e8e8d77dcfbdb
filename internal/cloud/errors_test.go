package cloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestParseErrorBody(t *testing.T) {
	tests := []struct {
		name string
		body string
		want errorBody
	}{
		{"common", `{"error":{"code":"AuthorizationFailed","message":"The client\r\ndoes not have authorization."}}`,
			errorBody{"AuthorizationFailed", "The client does not have authorization.", nil}},
		{"details, nested", `{"error":{"code":"A","message":"a","details":[{"code":"B","message":"b","details":[{"code":"C","message":"c"}]},{"code":"D"}]}}`,
			errorBody{"A", "a", []ErrorDetail{{"B", "b"}, {"C", "c"}, {"D", ""}}}},
		{"inner error", `{"error":{"code":"Forbidden","message":"no","innererror":{"code":"ForbiddenByRbac"}}}`,
			errorBody{"Forbidden", "no", []ErrorDetail{{"ForbiddenByRbac", ""}}}},
		{"failed operation", `{"status":"Failed","error":{"code":"Canceled","message":"superseded"}}`,
			errorBody{"Canceled", "superseded", nil}},
		{"failed operation without a reason", `{"status":"Failed"}`, errorBody{"Failed", "the operation ended as Failed", nil}},
		{"failed resource", `{"properties":{"provisioningState":"Failed"}}`, errorBody{"Failed", "the operation ended as Failed", nil}},
		{"no envelope", `{"code":"X","message":"y"}`, errorBody{"X", "y", nil}},
		{"odata", `{"odata.error":{"code":"X","message":{"lang":"en","value":"y"}}}`, errorBody{"X", "y", nil}},
		{"entra", `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided."}`,
			errorBody{"invalid_client", "AADSTS7000215: Invalid client secret provided.", nil}},
		{"JSON in the message", `{"error":{"code":"DeploymentFailed","message":"{\"error\":{\"code\":\"Inner\",\"message\":\"why\"}}"}}`,
			errorBody{"DeploymentFailed", "why", []ErrorDetail{{"Inner", "why"}}}},
		{"a proxy's page", `<html><head><title>Blocked</title></head><body>by <b>policy</b></body></html>`, errorBody{"", "Blocked by policy", nil}},
		{"nothing", ``, errorBody{}},
		{"other kinds", `{"error":{"code":7,"message":[],"details":{"a":1},"innererror":"x"}}`, errorBody{}},
		{"terminal tricks", `{"error":{"code":"X","message":"\u001b[31mred\u202e\u0000"}}`, errorBody{"X", "[31mred", nil}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, parseErrorBody([]byte(test.body)), cmp.AllowUnexported(errorBody{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzParseErrorBody(f *testing.F) {
	f.Add([]byte(`{"error":{"code":"A","message":"{\"error\":{\"message\":\"{}\"}}","details":[{"code":"B","details":[{}]}],"innererror":{}}}`))
	f.Add([]byte(`<html>` + strings.Repeat("<b>x", 1000)))
	f.Fuzz(func(t *testing.T, data []byte) {
		body := parseErrorBody(data)
		texts := []string{body.code, body.message}
		if len(body.details) > maximumDetails {
			t.Errorf("%d details", len(body.details))
		}
		for _, detail := range body.details {
			texts = append(texts, detail.Code, detail.Message)
		}
		for _, text := range texts {
			if len(text) > maximumText || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
				t.Errorf("not fit to be shown: %q", text)
			}
		}
	})
}

func TestPredicates(t *testing.T) {
	write := func(status int, code string) error {
		return fmt.Errorf("stage: %w", &Error{Operation: "write", Status: status, Code: code, Write: true})
	}
	read := func(status int, code string) error { return &Error{Operation: "read", Status: status, Code: code} }
	type predicate struct {
		name string
		is   func(error) bool
	}
	tests := []struct {
		err  error
		want string
	}{
		{read(404, "ResourceNotFound"), "notfound"},
		{read(403, "AuthorizationFailed"), "forbidden"},
		{read(401, "ExpiredAuthenticationToken"), "unauthorized"},
		{read(429, "TooManyRequests"), "throttled"},
		{read(409, "Conflict"), ""},
		{write(409, "AnotherOperationInProgress"), "conflict"},
		{write(412, "PreconditionFailed"), "conflict"},
		{write(429, "RetryableError"), "throttled conflict"},
		{write(409, "ScopeLocked"), ""},
		{write(200, "CanceledAndSupersededDueToAnotherOperation"), "conflict"},
		{&Error{Operation: "write", Status: 429, Write: true, MayHaveTakenEffect: true}, "throttled uncertain"},
		{errors.New("other"), ""},
		{nil, ""},
	}
	predicates := []predicate{{"notfound", IsNotFound}, {"forbidden", IsForbidden}, {"unauthorized", IsUnauthorized}, {"throttled", IsThrottled}, {"conflict", IsConflict}, {"uncertain", Uncertain}}
	for _, test := range tests {
		var held []string
		for _, p := range predicates {
			if p.is(test.err) {
				held = append(held, p.name)
			}
		}
		if got := strings.Join(held, " "); got != test.want {
			t.Errorf("%v: got %q, want %q", test.err, got, test.want)
		}
	}
}

func TestEveryHintIsForACodeAsItIsLookedUp(t *testing.T) {
	for code, hint := range hints {
		if code != strings.ToLower(code) {
			t.Errorf("%s is never found", code)
		}
		if hint == "" || strings.ContainsAny(hint, "\n\t") {
			t.Errorf("%s: %q", code, hint)
		}
	}
	if hintFor("Canceled", []ErrorDetail{{Code: "CanceledAndSupersededDueToAnotherOperation"}}) == "" {
		t.Error("the detail's hint was not found")
	}
}

func TestErrorWithoutABodySaysTheStatus(t *testing.T) {
	azure := newAzure(t)
	azure.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusConflict) })
	_, err := azure.manager().Get(t.Context(), gatewayID, GatewayAPI)
	if got := err.Error(); got != "read applicationGateways agw-prod: HTTP status 409 Conflict" {
		t.Errorf("got %s", got)
	}
}

func TestListErrorsSayWhatWasListed(t *testing.T) {
	azure := newAzure(t)
	azure.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 403, `{"error":{"code":"AuthorizationFailed","message":"no"}}`)
	})
	_, err := azure.manager().Locks(t.Context(), gatewayID)
	if got := err.Error(); got != "list locks of applicationGateways agw-prod: AuthorizationFailed: no" {
		t.Errorf("got %s", got)
	}
	_, err = azure.manager().Subscriptions(t.Context())
	if got := err.Error(); got != "list subscriptions: AuthorizationFailed: no" {
		t.Errorf("got %s", got)
	}
}

func TestRetryAfterInAllItsSpellings(t *testing.T) {
	now := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name, value string
		want        time.Duration
	}{
		{"Retry-After", "300", 5 * time.Minute},
		{"Retry-After", "Mon, 23 Nov 2026 08:01:30 GMT", 90 * time.Second},
		{"Retry-After", "Mon, 23 Nov 2026 07:00:00 GMT", 0},
		{"Retry-After", "soon", 0},
		{"Retry-After", "-5", 0},
		{"retry-after-ms", "250", 250 * time.Millisecond},
		{"x-ms-retry-after-ms", "1500", 1500 * time.Millisecond},
	} {
		header := http.Header{}
		header.Set(test.name, test.value)
		if got := retryAfter(header, now); got != test.want {
			t.Errorf("%s: %s: got %s, want %s", test.name, test.value, got, test.want)
		}
	}
}

func TestAnAnswerThatBreaksOff(t *testing.T) {
	azure := newAzure(t)
	azure.mux.HandleFunc("PUT "+gatewayID, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(200)
		_, _ = io.WriteString(w, `{"properties":`)
		panic(http.ErrAbortHandler)
	})
	_, err := azure.put(t.Context())
	if !Uncertain(err) || azure.count("PUT") != 1 {
		t.Errorf("got %v after %d requests", err, azure.count("PUT"))
	}
}

func TestErrorIsJSONWithoutWhatLiesBeneath(t *testing.T) {
	e := &Error{Operation: "read", Message: "no", err: errors.New("canary")}
	text, err := json.Marshal(e)
	if err != nil || strings.Contains(string(text), "canary") {
		t.Errorf("%s, %v", text, err)
	}
}
