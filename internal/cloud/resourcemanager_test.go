package cloud

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestGetSendsWhatResourceManagerExpects(t *testing.T) {
	azure := newAzure(t)
	azure.mux.HandleFunc("GET "+gatewayID, func(w http.ResponseWriter, r *http.Request) {
		if got := r.URL.Query().Get("api-version"); got != GatewayAPI {
			t.Errorf("api-version %q", got)
		}
		if got := r.Header.Get("Authorization"); got != "Bearer "+token {
			t.Errorf("authorization %q", got)
		}
		if got := r.Header.Get("User-Agent"); !strings.HasPrefix(got, "cartouche/1.2.3 ") {
			t.Errorf("user agent %q", got)
		}
		answer(w, 200, `{"id":"x","n":9007199254740993}`)
	})
	got, err := azure.manager().Get(t.Context(), gatewayID, GatewayAPI)
	if err != nil {
		t.Fatal(err)
	}
	if text := compact(t, got); text != `{"id":"x","n":9007199254740993}` {
		t.Errorf("got %s", text)
	}
}

// The SDK's own limit is 60 s: with it, the 429 would come back at once.
func TestLongRetryAfterIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		var calls []Call
		rm, err := NewResourceManager(Public(), credential{}, Options{
			Observe: func(c Call) { calls = append(calls, c) },
			Client: &http.Client{Transport: roundTrip(func(r *http.Request) *http.Response {
				if asked++; asked == 1 {
					return reply(r, 429, `{"error":{"code":"TooManyRequests","message":"slowly"}}`, "Retry-After", "300")
				}
				return reply(r, 200, `{"id":"x"}`)
			})},
		})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := rm.Get(t.Context(), gatewayID, GatewayAPI); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited != 300*time.Second {
			t.Errorf("waited %s, want 5 minutes", waited)
		}
		if len(calls) != 2 || calls[0].Status != 429 || calls[0].RetryAfter != 300*time.Second || calls[1].Status != 200 {
			t.Errorf("told of %+v", calls)
		}
	})
}

func TestRetryAfterBeyondPatienceIsAnError(t *testing.T) {
	azure := newAzure(t)
	azure.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 429, `{"error":{"code":"TooManyRequests","message":"tomorrow"}}`, "Retry-After", "86400")
	})
	_, err := azure.manager().Get(t.Context(), gatewayID, GatewayAPI)
	if !IsThrottled(err) || IsConflict(err) || Uncertain(err) {
		t.Errorf("got %#v", err)
	}
	if e := err.(*Error); e.RetryAfter != 24*time.Hour || e.Hint == "" || e.RequestID != "request-77" {
		t.Errorf("got %+v", e)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	other := newAzure(t)
	azure := newAzure(t)
	azure.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
	})
	_, err := azure.manager().Get(t.Context(), gatewayID, GatewayAPI)
	if err == nil || status(err) != http.StatusTemporaryRedirect {
		t.Errorf("got %v", err)
	}
	if n := other.count("GET"); n != 0 {
		t.Errorf("the other host was asked %d times", n)
	}
}

func TestRepliesAreBounded(t *testing.T) {
	azure := newAzure(t)
	azure.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		// Small on the wire, large when it is unpacked.
		w.Header().Set("Content-Encoding", "gzip")
		packed := gzip.NewWriter(w)
		_, _ = io.Copy(packed, io.LimitReader(spaces{}, maximumReply+1))
		_ = packed.Close()
	})
	_, err := azure.manager().Get(t.Context(), gatewayID, GatewayAPI)
	if err == nil || !strings.Contains(err.Error(), "larger than 64 MiB") {
		t.Errorf("got %v", err)
	}
	if n := azure.count("GET"); n != 1 {
		t.Errorf("it was asked for %d times", n)
	}
}

func TestDeepRepliesAreRefused(t *testing.T) {
	azure := newAzure(t)
	azure.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, `{"a":`+strings.Repeat("[", 5000)+strings.Repeat("]", 5000)+`}`)
	})
	_, err := azure.manager().Get(t.Context(), gatewayID, GatewayAPI)
	if err == nil || !strings.Contains(err.Error(), "nests deeper") {
		t.Errorf("got %v", err)
	}
}

func TestAnswersThatAreNoJSONObject(t *testing.T) {
	for _, body := range []string{"", "null", "[]", `"text"`, "<html>sign in to the hotel's network</html>", `{"a":1} {"b":2}`} {
		azure := newAzure(t)
		azure.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { answer(w, 200, body) })
		if got, err := azure.manager().Get(t.Context(), gatewayID, GatewayAPI); err == nil {
			t.Errorf("%q became %v", body, got)
		}
	}
}

func TestAnIdCannotLeaveItsPath(t *testing.T) {
	azure := newAzure(t)
	var asked *url.URL
	azure.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL
		answer(w, 200, `{}`)
	})
	rm := azure.manager()
	for _, id := range []string{"//evil.test/a", "/a?api-version=1&x=y#z", "@evil.test/a", "/a b/ü"} {
		if _, err := rm.Get(t.Context(), id, GatewayAPI); err != nil {
			t.Fatalf("%q: %v", id, err)
		}
		if query := asked.Query(); len(query) != 1 || query.Get("api-version") != GatewayAPI {
			t.Errorf("%q asked for %s", id, asked)
		}
	}
}

// A conditional-access change makes Resource Manager ask for a fresher token in
// the middle of things; the SDK fetches one and repeats the request once.
func TestFresherTokenIsFetchedWhenClaimsAreDemanded(t *testing.T) {
	azure := newAzure(t)
	asked := 0
	azure.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked == 1 {
			answer(w, 401, `{"error":{"code":"InvalidAuthenticationToken"}}`, "WWW-Authenticate",
				`Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="`)
			return
		}
		answer(w, 200, `{"id":"x"}`)
	})
	if _, err := azure.manager().Get(t.Context(), gatewayID, GatewayAPI); err != nil {
		t.Fatal(err)
	}
	if len(azure.calls) != 2 || azure.calls[0].Status != 401 {
		t.Errorf("told of %+v", azure.calls)
	}
}

func TestPlainHTTPIsRefused(t *testing.T) {
	cloud := Public()
	cloud.ResourceManager = "http://management.azure.com"
	if _, err := NewResourceManager(cloud, credential{}, Options{Client: http.DefaultClient}); err == nil {
		t.Error("a token would have gone over plain HTTP")
	}
}

type roundTrip func(*http.Request) *http.Response

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

// reply makes an answer without a network, for tests with a clock of their own.
func reply(r *http.Request, status int, body string, headers ...string) *http.Response {
	response := &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}
	for i := 0; i+1 < len(headers); i += 2 {
		response.Header.Set(headers[i], headers[i+1])
	}
	return response
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
