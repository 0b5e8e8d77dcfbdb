package entra_test

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/entra"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

const (
	tenant   = "aaaaaaaa-1111-4111-8111-111111111111"
	other    = "bbbbbbbb-1111-4111-8111-111111111111"
	app      = "cccccccc-1111-4111-8111-111111111111"
	audience = "https://management.core.windows.net/"
)

func setUp(t *testing.T, application entra.Application) (*entra.Server, *ground.Ground) {
	t.Helper()
	application.ClientID, application.ObjectID = app, "object"
	g := ground.New(1, nil)
	key, err := sharedKey()
	if err != nil {
		t.Fatal(err)
	}
	s, err := entra.New(entra.Options{Key: key, Ground: g, Host: "login.microsoftonline.com", Aliases: []string{"login.windows.net"}, Resources: []string{audience},
		Tenants: []entra.Tenant{{ID: tenant, Domain: "contoso.onmicrosoft.com", Name: "Contoso", Applications: []entra.Application{application}}, {ID: other, Name: "Fabrikam"}}})
	if err != nil {
		t.Fatal(err)
	}
	return s, g
}

func ask(s *entra.Server, path string, form url.Values) (int, map[string]any) {
	method, body := http.MethodGet, ""
	if form != nil {
		method, body = http.MethodPost, form.Encode()
	}
	request := httptest.NewRequest(method, "https://login.microsoftonline.com"+path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, request)
	var out map[string]any
	_ = json.Unmarshal(answer.Body.Bytes(), &out)
	return answer.Code, out
}

func credentials(change ...string) url.Values {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {app}, "client_secret": {"right"}, "scope": {audience + "/.default"}}
	for i := 0; i+1 < len(change); i += 2 {
		form.Set(change[i], change[i+1])
	}
	return form
}

func TestATokenVerifiesByTheWorldAndByItsPublishedKeys(t *testing.T) {
	s, _ := setUp(t, entra.Application{Secret: "right"})
	status, got := ask(s, "/"+tenant+"/oauth2/v2.0/token", credentials())
	if status != http.StatusOK || got["expires_in"] != 3599.0 {
		t.Fatalf("%d %v", status, got)
	}
	token, _ := got["access_token"].(string)
	caller, err := s.Verify(token, []string{"https://management.core.windows.net"})
	if err != nil || caller.Tenant != tenant || caller.ObjectID != "object" || caller.Continuous {
		t.Errorf("%+v, %v", caller, err)
	}
	if _, err := s.Verify(token, []string{"https://vault.azure.net"}); !errors.Is(err, entra.ErrAudience) {
		t.Errorf("for another audience: %v", err)
	}
	if _, err := s.Verify(token+"x", []string{audience}); !errors.Is(err, entra.ErrMalformed) {
		t.Errorf("with a broken signature: %v", err)
	}
	_, keys := ask(s, "/common/discovery/v2.0/keys", nil)
	kid := keys["keys"].([]any)[0].(map[string]any)["kid"]
	header, _, _ := strings.Cut(token, ".")
	if raw, _ := base64.RawURLEncoding.DecodeString(header); !strings.Contains(string(raw), kid.(string)) {
		t.Errorf("header %s does not name key %v", raw, kid)
	}
}

func TestRefusals(t *testing.T) {
	s, _ := setUp(t, entra.Application{Secret: "right"})
	for name, row := range map[string]struct {
		tenant string
		form   url.Values
		status int
		number float64
	}{
		"wrong secret":     {tenant, credentials("client_secret", "wrong"), 401, 7000215},
		"no secret":        {tenant, credentials("client_secret", ""), 401, 7000218},
		"unknown app":      {tenant, credentials("client_id", "nobody"), 400, 700016},
		"app of elsewhere": {other, credentials(), 400, 700016},
		"unknown tenant":   {"nowhere.example", credentials(), 400, 90002},
		"unknown resource": {tenant, credentials("scope", "https://what.example/.default"), 400, 500011},
		"scope of people":  {tenant, credentials("scope", "openid"), 400, 1002012},
		"other grant":      {tenant, credentials("grant_type", "password"), 400, 70003},
	} {
		status, got := ask(s, "/"+row.tenant+"/oauth2/v2.0/token", row.form)
		numbers, _ := got["error_codes"].([]any)
		if status != row.status || len(numbers) != 1 || numbers[0] != row.number {
			t.Errorf("%s: %d %v, want %d AADSTS%.0f", name, status, got, row.status, row.number)
		}
	}
}

func TestDiscoveryNamesTheTenantAndTheAliases(t *testing.T) {
	s, _ := setUp(t, entra.Application{})
	for _, name := range []string{tenant, "contoso.onmicrosoft.com"} {
		_, got := ask(s, "/"+name+"/v2.0/.well-known/openid-configuration", nil)
		if got["issuer"] != "https://login.microsoftonline.com/"+tenant+"/v2.0" {
			t.Errorf("%s: issuer %v", name, got["issuer"])
		}
	}
	if _, got := ask(s, "/"+tenant+"/.well-known/openid-configuration", nil); got["issuer"] != "https://sts.windows.net/"+tenant+"/" {
		t.Errorf("v1 issuer %v", got["issuer"])
	}
	_, got := ask(s, "/common/discovery/instance?api-version=1.1&authorization_endpoint=https://login.windows.net/common/oauth2/v2.0/authorize", nil)
	if raw, _ := json.Marshal(got); !strings.Contains(string(raw), `"login.windows.net"`) {
		t.Errorf("no aliases: %s", raw)
	}
}

func TestAClientAssertionIsVerified(t *testing.T) {
	ca, err := authority.New(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	issued, err := ca.Issue(authority.Spec{Names: []string{"app"}})
	if err != nil {
		t.Fatal(err)
	}
	s, _ := setUp(t, entra.Application{Certificates: append(issued.Chain[:0:0], issued.Leaf)})
	assert := func(key crypto.Signer) url.Values {
		now := time.Now()
		token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{"iss": app, "sub": app, "exp": now.Add(time.Minute).Unix(), "aud": "https://login.microsoftonline.com/" + tenant + "/oauth2/v2.0/token"})
		sum := sha256.Sum256(issued.Leaf.Raw)
		token.Header["x5t#S256"] = hex.EncodeToString(sum[:])
		signed, err := token.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return credentials("client_secret", "", "client_assertion", signed)
	}
	if status, got := ask(s, "/"+tenant+"/oauth2/v2.0/token", assert(issued.Key)); status != http.StatusOK {
		t.Errorf("%d %v", status, got)
	}
	stranger, err := ca.Issue(authority.Spec{Names: []string{"app"}})
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := ask(s, "/"+tenant+"/oauth2/v2.0/token", assert(stranger.Key)); status != http.StatusUnauthorized {
		t.Errorf("an assertion of another key: %d", status)
	}
}

func TestARevokedTokenIsWorthless(t *testing.T) {
	s, _ := setUp(t, entra.Application{Secret: "right"})
	_, got := ask(s, "/"+tenant+"/oauth2/v2.0/token", credentials("claims", `{"access_token":{"xms_cc":{"values":["CP1"]}}}`))
	token, _ := got["access_token"].(string)
	caller, err := s.Verify(token, []string{audience})
	if err != nil || !caller.Continuous {
		t.Fatalf("%+v %v", caller, err)
	}
	s.Revoke(caller)
	if _, err := s.Verify(token, []string{audience}); !errors.Is(err, entra.ErrRevoked) {
		t.Errorf("%v", err)
	}
}

func TestFaultsAtTheTokenEndpoint(t *testing.T) {
	s, g := setUp(t, entra.Application{Secret: "right"})
	for name, want := range map[string]int{"throttle": 429, "unavailable": 503, "unauthorized": 401} {
		g.Faults.Add(ground.Fault{Name: name, Step: entra.StepToken})
		if status, _ := ask(s, "/"+tenant+"/oauth2/v2.0/token", credentials()); status != want {
			t.Errorf("%s: %d, want %d", name, status, want)
		}
	}
	if status, _ := ask(s, "/"+tenant+"/oauth2/v2.0/token", credentials()); status != http.StatusOK {
		t.Errorf("after the faults: %d", status)
	}
}
