package entra_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/cartouche-gis/cartouche/internal/sim/entra"
)

func TestAWorkloadsTokenStandsForTheApplication(t *testing.T) {
	const subject, forEntra = "system:serviceaccount:gis:cartouche", "api://AzureADTokenExchange"
	issuer := &entra.Issuer{URL: "https://cluster.example.com/1/", Now: time.Now, Key: sharedKey}
	stranger := &entra.Issuer{URL: issuer.URL, Now: time.Now, Key: sync.OnceValues(newKey)} // the same name, another key
	elsewhere := &entra.Issuer{URL: "https://cluster.example.com/2/", Now: time.Now, Key: sharedKey}
	s := withPeople(t, func(o *entra.Options) {
		o.Issuers = []*entra.Issuer{issuer}
		o.Tenants[0].Applications[0].Federated = []entra.Federated{{Issuer: issuer.URL, Subject: "system:serviceaccount:gis:other", Audience: forEntra}, {Issuer: issuer.URL, Subject: subject, Audience: forEntra}}
	})
	for name, row := range map[string]struct {
		issuer            *entra.Issuer
		subject, audience string
		life              time.Duration
		want              float64
	}{
		"right":            {issuer, subject, forEntra, time.Hour, 0},
		"another issuer":   {elsewhere, subject, forEntra, time.Hour, 700211},
		"another audience": {issuer, subject, "sts.amazonaws.com", time.Hour, 700212},
		"another subject":  {issuer, "system:serviceaccount:gis:intruder", forEntra, time.Hour, 700213},
		"too old":          {issuer, subject, forEntra, -time.Hour, 700024},
		"another key":      {stranger, subject, forEntra, time.Hour, 50013},
	} {
		token, err := row.issuer.Mint(row.subject, row.audience, row.life)
		if err != nil {
			t.Fatal(err)
		}
		status, got := ask(s, "/"+tenant+"/oauth2/v2.0/token", credentials("client_secret", "", "client_assertion", token))
		if number(got) != row.want || (row.want == 0) != (status == http.StatusOK) {
			t.Errorf("%s: %d %v, want %.0f", name, status, got, row.want)
		}
	}
	if _, got := ask(s, "/"+tenant+"/oauth2/v2.0/token", credentials("client_secret", "", "client_assertion", "nonsense")); number(got) != 50027 {
		t.Errorf("no token at all: %v", got)
	}
}

// Somebody who reads the issuer's documents, as Entra does, can check its tokens.
func TestAnIssuerPublishesItsKey(t *testing.T) {
	issuer := &entra.Issuer{URL: "https://cluster.example.com/1/", Now: time.Now, Key: sharedKey}
	fetch := func(address string) (out map[string]any) {
		w := httptest.NewRecorder()
		issuer.ServeHTTP(w, httptest.NewRequest(http.MethodGet, address, nil))
		_ = json.Unmarshal(w.Body.Bytes(), &out)
		return out
	}
	document := fetch(issuer.URL + ".well-known/openid-configuration")
	keys, _ := fetch(document["jwks_uri"].(string))["keys"].([]any)
	token, err := issuer.Mint("subject", "audience", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	parsed, _, err := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{})
	if err != nil || document["issuer"] != issuer.URL || len(keys) != 1 || keys[0].(map[string]any)["kid"] != parsed.Header["kid"] {
		t.Errorf("%v: %v, %v", err, document, keys)
	}
}

func TestTheMetadataServiceAsksForItsHeader(t *testing.T) {
	s := withPeople(t)
	system := entra.Identity{ClientID: "system-client", ObjectID: "system-object", Tenant: entra.Tenant{ID: tenant}}
	first := entra.Identity{ClientID: "first-client", ObjectID: "first-object", ResourceID: "/subscriptions/s/first", Tenant: entra.Tenant{ID: tenant}}
	second := entra.Identity{ClientID: "second-client", ObjectID: "second-object", ResourceID: "/subscriptions/s/second", Tenant: entra.Tenant{ID: tenant}}
	get := func(query string, header ...string) (int, map[string]any) {
		request := httptest.NewRequest(http.MethodGet, "http://169.254.169.254/metadata/identity/oauth2/token?"+query, nil)
		request.Header.Set("Metadata", "true")
		for i := 0; i+1 < len(header); i += 2 {
			request.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		s.Metadata().ServeHTTP(w, request)
		var out map[string]any
		_ = json.Unmarshal(w.Body.Bytes(), &out)
		return w.Code, out
	}
	usual := "api-version=2018-02-01&resource=" + url.QueryEscape(audience)
	for name, row := range map[string]struct {
		has    []entra.Identity
		query  string
		header []string
		want   string // client id; "" is a refusal
	}{
		"its own":              {[]entra.Identity{first, system, second}, usual, nil, "system-client"},
		"the only one":         {[]entra.Identity{first}, usual, nil, "first-client"},
		"one of two":           {[]entra.Identity{first, second}, usual + "&client_id=second-client", nil, "second-client"},
		"by object":            {[]entra.Identity{first, second}, usual + "&object_id=second-object", nil, "second-client"},
		"by resource":          {[]entra.Identity{first, second}, usual + "&msi_res_id=/SUBSCRIPTIONS/s/second", nil, "second-client"},
		"which of two":         {[]entra.Identity{first, second}, usual, nil, ""},
		"none":                 {nil, usual, nil, ""},
		"unknown":              {[]entra.Identity{system}, usual + "&client_id=nobody", nil, ""},
		"no header":            {[]entra.Identity{system}, usual, []string{"Metadata", ""}, ""},
		"forwarded":            {[]entra.Identity{system}, usual, []string{"X-Forwarded-For", "10.0.0.9"}, ""},
		"no version":           {[]entra.Identity{system}, "resource=" + url.QueryEscape(audience), nil, ""},
		"for something else":   {[]entra.Identity{system}, "api-version=2018-02-01&resource=https://what.example", nil, ""},
		"for nothing that is ": {[]entra.Identity{system}, "api-version=2018-02-01", nil, ""},
	} {
		s.SetIdentities(row.has...)
		status, got := get(row.query, row.header...)
		id, _ := got["client_id"].(string)
		if id != row.want || (status == http.StatusOK) != (row.want != "") {
			t.Errorf("%s: %d %v, want %q", name, status, got, row.want)
			continue
		}
		if row.want == "" {
			if status != http.StatusBadRequest || got["error"] == nil || got["error_description"] == nil {
				t.Errorf("%s: %d %v", name, status, got)
			}
			continue
		}
		if _, text := got["expires_in"].(string); !text {
			t.Errorf("expires_in is not text: %v", got)
		}
		if caller, err := s.Verify(got["access_token"].(string), []string{audience}); err != nil || caller.ClientID != row.want {
			t.Errorf("%s: %+v %v", name, caller, err)
		}
	}
}

func TestAppServiceKnowsItsClientsByAHeader(t *testing.T) {
	s := withPeople(t)
	s.SetIdentities(entra.Identity{ClientID: "site", ObjectID: "object", Tenant: entra.Tenant{ID: tenant}})
	for secret, want := range map[string]int{"right": 200, "wrong": 401, "": 401} {
		request := httptest.NewRequest(http.MethodGet, "http://169.254.129.2:8081/msi/token?api-version=2019-08-01&resource="+url.QueryEscape(audience), nil)
		request.Header.Set("X-IDENTITY-HEADER", secret)
		w := httptest.NewRecorder()
		s.AppService("right").ServeHTTP(w, request)
		if w.Code != want {
			t.Errorf("%q: %d %s, want %d", secret, w.Code, w.Body, want)
		}
	}
}
