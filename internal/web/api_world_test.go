package web

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/lease"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rehearse"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/secret"
	"github.com/cartouche-gis/cartouche/internal/shape"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
)

// apiStage is a program that asks the API, and holds each answer to the document.
type apiStage struct {
	*renewalStage
	mu       sync.Mutex // of what follows: tests beside each other ask
	document *jsonschema.Compiler
	// answered are the operations whose good answers were seen.
	answered map[string]bool
}

func newAPIStage(t *testing.T, st *renewalStage) *apiStage {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(openAPI))
	if err != nil {
		t.Fatal(err)
	}
	strict(value)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("openapi.json", value); err != nil {
		t.Fatal(err)
	}
	return &apiStage{renewalStage: st, document: compiler, answered: map[string]bool{}}
}

// strict lets no object have a field that the document does not name: to others it
// promises that there may be more.
func strict(value any) {
	switch value := value.(type) {
	case map[string]any:
		_, isObject := value["properties"].(map[string]any)
		if _, known := value["type"].(string); isObject && known {
			value["additionalProperties"] = false
		}
		for _, inner := range value {
			strict(inner)
		}
	case []any:
		for _, inner := range value {
			strict(inner)
		}
	}
}

// request is what is asked.
type request struct {
	operation string // as in the document: "GET /history/{run}"
	path      string // below /api/v1
	form      map[string]string
	files     map[string][]byte
	header    map[string]string
}

// ask asks, and compares the answer with the document.
func (st *apiStage) ask(t *testing.T, q request, status int, into any) http.Header {
	t.Helper()
	answer := st.send(t, q)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != status {
		t.Fatalf("%s %s: %d, want %d: %.2000s", q.operation, q.path, answer.StatusCode, status, body)
	}
	for _, secret := range []string{"opens it", st.variables["CARTOUCHE_SITE_ADMIN_PASSWORD"], st.variables["AZURE_CLIENT_SECRET"]} {
		if secret != "" && bytes.Contains(body, []byte(secret)) {
			t.Errorf("%s %s tells a secret", q.operation, q.path)
		}
	}
	if kind := answer.Header.Get("Content-Type"); kind != "application/json" {
		t.Fatalf("%s: %s", q.operation, kind)
	}
	st.hold(t, q.operation, status, body)
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatalf("%s: %v", q.operation, err)
	}
	return answer.Header
}

func (st *apiStage) send(t *testing.T, q request) *http.Response {
	t.Helper()
	method, _, _ := strings.Cut(q.operation, " ")
	var body bytes.Buffer
	kind := ""
	switch {
	case q.files != nil:
		parts := multipart.NewWriter(&body)
		for name, value := range q.form {
			_ = parts.WriteField(name, value)
		}
		for name, data := range q.files {
			part, _ := parts.CreateFormFile(name, name+".pfx")
			_, _ = part.Write(data)
		}
		_ = parts.Close()
		kind = parts.FormDataContentType()
	case q.form != nil:
		form := url.Values{}
		for name, value := range q.form {
			form.Set(name, value)
		}
		body.WriteString(form.Encode())
		kind = "application/x-www-form-urlencoded"
	}
	r, err := http.NewRequestWithContext(t.Context(), method, st.base+apiPath+q.path, &body)
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	answer, err := st.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// hold compares an answer with the schema of the document for it.
func (st *apiStage) hold(t *testing.T, operation string, status int, body []byte) {
	t.Helper()
	method, path, _ := strings.Cut(operation, " ")
	which := "default"
	if status < 300 {
		which = strconv.Itoa(status)
		st.mu.Lock()
		st.answered[operation] = true
		st.mu.Unlock()
	}
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
	pointer := "openapi.json#/paths/" + escape.Replace(path) + "/" + strings.ToLower(method) + "/responses/" + which + "/content/" + escape.Replace("application/json") + "/schema"
	st.holdTo(t, pointer, operation, body)
}

func (st *apiStage) holdTo(t *testing.T, pointer, what string, body []byte) {
	t.Helper()
	st.mu.Lock()
	schema, err := st.document.Compile(pointer)
	st.mu.Unlock()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if err := schema.Validate(value); err != nil {
		t.Errorf("%s: the answer is not as the document says: %v", what, err)
	}
}

// failure is what of a failure is looked at.
type failure struct {
	Error app.Failure `json:"error"`
	Exit  int         `json:"exit"`
}

// TestTheAPIInAWorld asks everything of servers on worlds, and holds each answer to
// the document: what is in it, and nothing else.
func TestTheAPIInAWorld(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	answered := map[string]bool{}
	t.Run("worlds", func(t *testing.T) {
		for _, asked := range []struct {
			world string
			begin func(*testing.T, string) *renewalStage
			ask   func(*apiStage, *testing.T)
		}{
			{"ha", func(t *testing.T, world string) *renewalStage { return newRenewalStage(t, world) }, (*apiStage).lookThroughAPI},
			{"single", func(t *testing.T, world string) *renewalStage { return newRenewalStage(t, world) }, (*apiStage).renewThroughAPI},
			{"twin", nobodyIn, (*apiStage).signInThroughAPI},
		} {
			t.Run(asked.world, func(t *testing.T) {
				t.Parallel()
				st := newAPIStage(t, asked.begin(t, asked.world))
				asked.ask(st, t)
				mu.Lock()
				defer mu.Unlock()
				maps.Copy(answered, st.answered)
			})
		}
	})
	for _, route := range apiTable {
		operation := route.method + " " + route.path
		if !answered[operation] && operation != "POST /runs/{run}/stop" { // see TestStoppingThroughTheAPI
			t.Errorf("no good answer of %s was seen", operation)
		}
	}
}

// ofDeployment is the address of the world's first deployment.
func (st *apiStage) ofDeployment() string { return "/deployments/" + st.world.Deployments()[0].Domain }

func (st *apiStage) lookThroughAPI(t *testing.T) {
	t.Helper()
	at := st.ofDeployment()
	var version app.VersionValue
	if st.ask(t, request{operation: "GET /version", path: "/version"}, 200, &version); version.Version != "test" {
		t.Errorf("%+v", version)
	}
	var account app.AccountValue
	if st.ask(t, request{operation: "GET /account", path: "/account"}, 200, &account); account.TenantID == "" {
		t.Errorf("%+v", account)
	}
	var list []map[string]any
	for _, operation := range []string{"GET /account/tenants", "GET /account/subscriptions", "GET /deployments", "GET /vaults"} {
		if st.ask(t, request{operation: operation, path: strings.TrimPrefix(operation, "GET ")}, 200, &list); len(list) == 0 {
			t.Errorf("%s: empty", operation)
		}
	}
	var shown app.ShowValue
	st.ask(t, request{operation: "GET /deployments/{deployment}", path: at}, 200, &shown)
	if shown.JudgedAt != nil || len(shown.Listeners) == 0 || len(shown.Wire) == 0 {
		t.Errorf("%+v", shown)
	}
	byPage := "/deployments/" + PathID(shown.Deployment)
	if st.ask(t, request{operation: "GET /deployments/{deployment}", path: byPage + "?at=2031-01-01"}, 200, &shown); shown.JudgedAt == nil || len(shown.Darkening) == 0 {
		t.Errorf("%v %v", shown.JudgedAt, shown.Darkening)
	}
	for _, other := range st.world.Deployments() {
		if other.GatewayID != "" {
			continue
		}
		var failed struct {
			Wire []any `json:"wire"`
			failure
		}
		st.ask(t, request{operation: "GET /deployments/{deployment}", path: "/deployments/" + other.Domain}, http.StatusConflict, &failed)
		if failed.Error.Code != "cannot-update" || len(failed.Wire) == 0 {
			t.Errorf("without a gateway: %+v", failed)
		}
	}
	var verified struct {
		OK    bool         `json:"ok"`
		Error *app.Failure `json:"error"`
		Exit  int          `json:"exit"`
	}
	if st.ask(t, request{operation: "GET /deployments/{deployment}/verify", path: at + "/verify"}, 200, &verified); verified.OK != (verified.Error == nil) || verified.OK != (verified.Exit == 0) {
		t.Errorf("%+v", verified)
	}
	var inVault app.VaultCertificatesValue
	st.ask(t, request{operation: "GET /vaults/{vault}/certificates", path: "/vaults/entvault/certificates?for=" + strings.TrimPrefix(at, "/deployments/")}, 200, &inVault)
	if len(inVault.Certificates) == 0 || len(inVault.Names) == 0 {
		t.Fatalf("%+v", inVault)
	}
	name := inVault.Certificates[0].Name
	if st.ask(t, request{operation: "GET /vaults/{vault}/certificates/{certificate}", path: "/vaults/entvault/certificates/" + name}, 200, &inVault); inVault.Certificates[0].Name != name {
		t.Errorf("%+v", inVault)
	}
	st.uploadThroughAPI(t)
	st.claimThroughAPI(t)
	var document map[string]any
	if st.ask(t, request{operation: "GET /openapi.json", path: "/openapi.json"}, 200, &document); document["openapi"] != "3.1.0" {
		t.Errorf("%v", document["openapi"])
	}
	status, page := st.get(t, "/api")
	for _, want := range []string{"/api/v1/runs/{run}/undo", "site-admin-password", "(secret)"} {
		if status != 200 || !strings.Contains(page, want) {
			t.Errorf("%d: the page does not say %q", status, want)
		}
	}
}

// uploadThroughAPI puts a file into a vault, twice.
func (st *apiStage) uploadThroughAPI(t *testing.T) {
	t.Helper()
	domain := st.world.Deployments()[0].Domain
	put := request{operation: "POST /vaults/{vault}/certificates/{certificate}", path: "/vaults/entvault/certificates/by-a-program", form: map[string]string{"password": "opens it", "for": domain}}
	var failed failure
	st.ask(t, put, http.StatusBadRequest, &failed)
	put.files = map[string][]byte{"pfx": st.pfx(t, func(s *authority.Spec) { s.Names = []string{"other.example.com"} }, "opens it")}
	if st.ask(t, put, http.StatusUnprocessableEntity, &failed); failed.Error.Code != "certificate-refused" || len(failed.Error.Findings) == 0 {
		t.Errorf("%+v", failed)
	}
	put.files["pfx"] = st.pfx(t, nil, "opens it")
	var put1 app.UploadValue
	if st.ask(t, put, http.StatusOK, &put1); put1.Outcome != app.UploadCreated || put1.Certificate.Name != "by-a-program" {
		t.Errorf("%+v", put1)
	}
	if st.ask(t, put, http.StatusOK, &put1); put1.Outcome != app.UploadUnchanged {
		t.Errorf("the same again: %+v", put1)
	}
}

// claimThroughAPI breaks the claim of a run on another computer, and of no other one.
func (st *apiStage) claimThroughAPI(t *testing.T) {
	t.Helper()
	see := request{operation: "GET /deployments/{deployment}/claim", path: st.ofDeployment() + "/claim"}
	free := request{operation: "POST /deployments/{deployment}/unlock", path: st.ofDeployment() + "/unlock", form: map[string]string{"run": "another"}}
	var seen app.UnlockValue
	if st.ask(t, see, http.StatusOK, &seen); seen.Outcome != "free" || len(seen.Claims) != 0 {
		t.Errorf("%+v", seen)
	}
	if st.ask(t, free, http.StatusOK, &seen); seen.Outcome != "free" {
		t.Errorf("%+v", seen)
	}
	session, err := st.session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	site := st.options.App.ClaimsOf(session.Runner(rotation.Credentials{}), st.world.Deployments()[0].GatewayID)
	held, err := site.Acquire(t.Context(), lease.Holder{Who: "anna", Host: "gis-01", State: "elsewhere", Run: "20261127-1015-abcd"})
	if err != nil {
		t.Fatal(err)
	}
	if st.ask(t, see, http.StatusOK, &seen); seen.Outcome != "claimed" || len(seen.Claims) != 1 || seen.Claims[0].Host != "gis-01" {
		t.Fatalf("%+v", seen)
	}
	var failed failure
	if st.ask(t, free, http.StatusConflict, &failed); failed.Error.Code != "moved" {
		t.Errorf("%+v", failed)
	}
	if err := held.May(t.Context()); err != nil {
		t.Errorf("the claim of another run was broken: %v", err)
	}
	free.form["run"] = seen.Claims[0].Run
	if st.ask(t, free, http.StatusOK, &seen); seen.Outcome != "broken" || len(seen.Claims) != 1 {
		t.Errorf("%+v", seen)
	}
	if err := held.May(t.Context()); err == nil {
		t.Error("the claim was not broken")
	}
}

// signInThroughAPI signs in as an application and as a person, and out.
func (st *apiStage) signInThroughAPI(t *testing.T) {
	t.Helper()
	var failed failure
	st.ask(t, request{operation: "GET /account", path: "/account"}, http.StatusUnauthorized, &failed)
	given := map[string]string{}
	for _, v := range st.world.Environment() {
		given[v.Name] = v.Value
	}
	in := func(fields ...string) request {
		q := request{operation: "POST /account/sign-in", path: "/account/sign-in", form: map[string]string{}}
		for i := 0; i < len(fields); i += 2 {
			q.form[fields[i]] = fields[i+1]
		}
		return q
	}
	st.ask(t, in("sign-in", "azure-cli", "client-secret", "x"), http.StatusBadRequest, &failed)
	application := in("tenant", given["AZURE_TENANT_ID"], "client-id", given["AZURE_CLIENT_ID"], "client-secret", "not it")
	if st.ask(t, application, http.StatusUnauthorized, &failed); failed.Error.Code != "sign-in-failed" {
		t.Errorf("%+v", failed)
	}
	application.form["client-secret"] = given["AZURE_CLIENT_SECRET"]
	var account app.AccountValue
	if st.ask(t, application, http.StatusOK, &account); account.SignIn != cloud.ServicePrincipal || account.Name != given["AZURE_CLIENT_ID"] || account.From != app.ByLogin {
		t.Errorf("%+v", account)
	}
	var list []map[string]any
	if st.ask(t, request{operation: "GET /deployments", path: "/deployments"}, http.StatusOK, &list); len(list) == 0 {
		t.Error("the application sees nothing")
	}
	var out app.LogoutValue
	if st.ask(t, request{operation: "POST /account/sign-out", path: "/account/sign-out"}, http.StatusOK, &out); out.WasSignedIn != given["AZURE_CLIENT_ID"] {
		t.Errorf("%+v", out)
	}
	st.ask(t, request{operation: "GET /account", path: "/account"}, http.StatusUnauthorized, &failed)

	var asked signInAsked
	st.ask(t, in("sign-in", "browser"), http.StatusAccepted, &asked)
	if asked.Code != nil || !strings.HasPrefix(asked.Address, "https://login.microsoftonline.com/") {
		t.Errorf("%+v", asked)
	}
	stop := request{operation: "POST /account/sign-in/{signin}/stop", path: "/account/sign-in/" + asked.ID + "/stop"}
	if st.ask(t, stop, http.StatusConflict, &failed); failed.Error.Code != "interrupted" {
		t.Errorf("%+v", failed)
	}
	header := st.ask(t, in("sign-in", "device-code", "subscription", "Contoso GIS Test"), http.StatusAccepted, &asked)
	result := request{operation: "GET /account/sign-in/{signin}", path: "/account/sign-in/" + asked.ID}
	if asked.Code == nil || asked.Until == nil || header.Get("Location") != asked.Result || asked.Result != apiPath+result.path {
		t.Fatalf("%+v %v", asked, header)
	}
	st.ask(t, result, http.StatusAccepted, &asked)
	if err := st.person(t).EnterCode(t.Context(), asked.Address, *asked.Code); err != nil {
		t.Fatal(err)
	}
	result.header = map[string]string{"Prefer": "wait"}
	header = st.ask(t, result, http.StatusOK, &account)
	if account.Name != st.variables["CARTOUCHE_WORLD_USER"] || len(account.Subscriptions) != 1 || account.Subscriptions[0].Name != "Contoso GIS Test" {
		t.Errorf("%+v", account)
	}
	if warned := header.Get(warningHeader); !strings.Contains(warned, "3 tenants know") {
		t.Errorf("warned of %q", warned)
	}
	stop.path = "/account/sign-in/" + asked.ID + "/stop"
	st.ask(t, stop, http.StatusOK, &account) // it has ended
	st.elsewhereThroughAPI(t, account)
	stop.path = "/account/sign-in/none/stop"
	st.ask(t, stop, http.StatusNotFound, &failed)
}

// elsewhereThroughAPI goes to another tenant and back to one subscription, without
// anybody who signs in again.
func (st *apiStage) elsewhereThroughAPI(t *testing.T, before app.AccountValue) {
	t.Helper()
	to := func(form map[string]string) request {
		return request{operation: "POST /account", path: "/account", form: form}
	}
	var account app.AccountValue
	var failed failure
	st.ask(t, to(map[string]string{}), http.StatusBadRequest, &failed)
	for _, unknown := range []map[string]string{{"tenant": "nowhere.example.com"}, {"subscription": "No Such"}, {"tenant": "Fabrikam", "subscription": "Contoso GIS Test"}} {
		if st.ask(t, to(unknown), http.StatusBadRequest, &failed); failed.Error.Code != "usage" {
			t.Errorf("%v: %+v", unknown, failed)
		}
	}
	st.ask(t, request{operation: "GET /account", path: "/account"}, http.StatusOK, &account)
	if account.TenantID != before.TenantID || len(account.Subscriptions) != 1 {
		t.Errorf("what could not be done has changed the sign-in: %+v", account)
	}
	if st.ask(t, to(map[string]string{"tenant": before.TenantID}), http.StatusOK, &account); account.TenantID != before.TenantID || len(account.Subscriptions) != 0 {
		t.Errorf("all of the tenant: %+v", account)
	}
	if st.ask(t, to(map[string]string{"tenant": "Fabrikam"}), http.StatusOK, &account); !strings.HasPrefix(account.TenantName, "Fabrikam") || account.Name != before.Name || len(account.Subscriptions) != 0 {
		t.Errorf("another tenant: %+v", account)
	}
	st.ask(t, to(map[string]string{"tenant": before.TenantID, "subscription": "Contoso GIS Test"}), http.StatusOK, &account)
	if account.TenantID != before.TenantID || len(account.Subscriptions) != 1 || account.Subscriptions[0].Name != "Contoso GIS Test" {
		t.Errorf("back: %+v", account)
	}
}

func (st *apiStage) checkThroughAPI(t *testing.T, pfx []byte) {
	t.Helper()
	check := func(form map[string]string, files map[string][]byte) request {
		return request{operation: "POST /check", path: "/check", form: form, files: files}
	}
	domain := st.world.Deployments()[0].Domain
	var judged struct {
		Kind string `json:"kind"`
		OK   bool   `json:"ok"`
		failure
	}
	if st.ask(t, check(map[string]string{"password": "opens it", "for": domain}, map[string][]byte{"pfx": pfx}), 200, &judged); judged.Kind != "file" || !judged.OK {
		t.Errorf("%+v", judged)
	}
	st.ask(t, check(map[string]string{"password": "opens it", "for": domain + ", other.example.org"}, map[string][]byte{"pfx": pfx}), 200, &judged)
	if judged.OK || judged.Exit != app.ExitFindings || judged.Error.Code != "findings" {
		t.Errorf("a name that is not in it: %+v", judged)
	}
	if st.ask(t, check(map[string]string{"host": domain}, nil), 200, &judged); judged.Kind != "host" {
		t.Errorf("%+v", judged)
	}
	var failed failure
	st.ask(t, check(map[string]string{"password": "hunter2hunter2"}, map[string][]byte{"pfx": pfx}), http.StatusUnprocessableEntity, &failed)
	if failed.Error.Code != "wrong-password" || failed.Exit != app.ExitRefused || strings.Contains(failed.Error.Message+failed.Error.Hint, "hunter2") {
		t.Errorf("%+v", failed)
	}
}

func (st *apiStage) renewThroughAPI(t *testing.T) {
	t.Helper()
	at, pfx := st.ofDeployment(), st.pfx(t, nil, "opens it")
	st.checkThroughAPI(t, pfx)
	var runs []map[string]any
	if st.ask(t, request{operation: "GET /history", path: "/history"}, 200, &runs); len(runs) != 0 {
		t.Errorf("runs before anything was done: %v", runs)
	}
	planning := request{operation: "POST /deployments/{deployment}/plan", path: at + "/plan", form: map[string]string{"password": "opens it"}, files: map[string][]byte{"pfx": pfx}}
	applying := request{operation: "POST /deployments/{deployment}/apply", path: at + "/apply"}

	var refused struct {
		Hash string `json:"hash"`
		failure
	}
	expired := planning
	expired.files = map[string][]byte{"pfx": st.pfx(t, func(s *authority.Spec) {
		s.NotBefore, s.NotAfter = time.Now().AddDate(0, -3, 0), time.Now().AddDate(0, 0, -1)
	}, "opens it")}
	st.ask(t, expired, http.StatusUnprocessableEntity, &refused)
	if refused.Hash == "" || refused.Error.Code != "certificate-refused" || refused.Exit != app.ExitRefused {
		t.Errorf("a refused plan: %+v", refused)
	}
	applying.form = map[string]string{"plan": refused.Hash}
	st.ask(t, applying, http.StatusConflict, &refused)
	if refused.Error.Code != "moved" {
		t.Errorf("applying a refused plan: %+v", refused)
	}

	var made rotation.Plan
	st.ask(t, planning, 200, &made)
	if st.world.Ground().Ledger.Count(ground.GatewayWrite) != 0 {
		t.Error("planning has written")
	}
	st.rehearseThroughAPI(t, planning)
	applying.form = map[string]string{"plan": made.Hash, "allow-older": "true"}
	st.ask(t, applying, http.StatusBadRequest, &refused)
	applying.form = map[string]string{"plan": made.Hash}
	var begun underway
	header := st.ask(t, applying, http.StatusAccepted, &begun)
	if header.Get("Location") != begun.Result || begun.Run == "" {
		t.Errorf("%v %+v", header, begun)
	}
	st.ask(t, applying, http.StatusConflict, &refused) // a yes counts once
	st.listenThroughAPI(t, begun.Run)
	// So does a program that was started since, of what was told.
	later := newAPIStage(t, &renewalStage{stage: newStage(t, st.options), world: st.world, variables: st.variables})
	later.listenThroughAPI(t, begun.Run)
	if status, page := later.get(t, "/runs/"+begun.Run); status != http.StatusOK || !strings.Contains(page, `id="messages"`) {
		t.Errorf("%d, what was told is lost:\n%s", status, plain(page))
	}

	var run struct{ Outcome, ID string }
	if st.ask(t, request{operation: "GET /history/{run}", path: "/history/" + begun.Run}, 200, &run); run.Outcome != string(rotation.Verified) {
		t.Fatalf("%+v", run)
	}
	var kept []map[string]any
	if st.ask(t, request{operation: "GET /evidence", path: "/evidence"}, 200, &kept); len(kept) != 1 || kept[0]["file"] == "" {
		t.Errorf("%v", kept)
	}
	var file map[string]any
	st.ask(t, request{operation: "GET /evidence/{run}", path: "/evidence/" + begun.Run}, 200, &file)
	var result rotation.Result
	undo := request{operation: "POST /runs/{run}/undo", path: "/runs/" + begun.Run + "/undo", header: map[string]string{"Prefer": "wait"}}
	if st.ask(t, undo, 200, &result); result.Outcome != rotation.Verified || result.UndoOf != begun.Run {
		t.Errorf("%+v", result)
	}
	planned := st.savedPlan(t, planning)
	again := request{operation: applying.operation, path: applying.path, form: planning.form, files: planning.files, header: undo.header}
	if st.ask(t, again, 200, &result); result.Outcome != rotation.Verified {
		t.Errorf("%+v", result)
	}
	if st.ask(t, again, 200, &result); result.Outcome != rotation.NothingToDo {
		t.Errorf("%+v", result)
	}
	st.applySavedPlan(t, pfx, planned)
	clean := request{operation: "POST /deployments/{deployment}/clean", path: at + "/clean", form: map[string]string{}, header: undo.header}
	if st.ask(t, clean, 200, &result); result.Outcome != rotation.NothingToDo || len(result.Soaking) == 0 {
		t.Errorf("%+v", result)
	}
	clean.form["now"] = "true"
	if st.ask(t, clean, 200, &result); result.Outcome != rotation.Cleaned || len(result.Removed) == 0 {
		t.Errorf("%+v", result)
	}
	if st.ask(t, request{operation: "GET /history", path: "/history"}, 200, &runs); len(runs) != 7 {
		t.Errorf("%d runs", len(runs))
	}
}

// rehearseThroughAPI rehearses what was planned, well and not, and saves the shape.
func (st *apiStage) rehearseThroughAPI(t *testing.T, planning request) {
	t.Helper()
	since := len(st.world.Ground().Ledger.Events())
	q := request{operation: "POST /deployments/{deployment}/rehearse", path: st.ofDeployment() + "/rehearse", form: maps.Clone(planning.form), files: planning.files}
	q.form["scale"] = "600"
	var came struct {
		rehearse.Rehearsal
		failure
	}
	if st.ask(t, q, 200, &came); came.Outcome != rotation.Verified || len(came.Steps) == 0 || came.Visitors.Sent == 0 || came.Visitors.Failed > 0 || !strings.HasSuffix(came.Next, "/apply") {
		t.Errorf("%+v", came)
	}
	q.form["fault"] = "failed-operation@gateway-put*1,throttle@gateway-get"
	if st.ask(t, q, http.StatusInternalServerError, &came); came.Outcome != rotation.Restored || came.Exit != app.ExitRestored || !strings.Contains(came.Error.Serving, "not touched") {
		t.Errorf("%+v", came)
	}
	q.form["fault"] = "nonsense@edge"
	st.ask(t, q, http.StatusBadRequest, &came)
	q.form["fault"], q.form["scale"] = "", "5000"
	st.ask(t, q, http.StatusBadRequest, &came)

	shaped := request{operation: "GET /deployments/{deployment}/shape", path: st.ofDeployment() + "/shape"}
	var saved shape.Shape
	if st.ask(t, shaped, 200, &saved); saved.Masked || saved.Deployment.Domain != st.world.Deployments()[0].Domain {
		t.Errorf("%+v", saved.Deployment)
	}
	shaped.path += "?mask=true"
	if st.ask(t, shaped, 200, &saved); !saved.Masked || saved.Deployment.Domain == st.world.Deployments()[0].Domain {
		t.Errorf("%+v", saved.Deployment)
	}
	if list := st.happened(since); len(list) > 0 {
		t.Errorf("it happened to the deployment: %+v", list)
	}
}

// savedPlan is a plan as a program would keep it in a file.
func (st *apiStage) savedPlan(t *testing.T, planning request) []byte {
	t.Helper()
	var plan json.RawMessage
	st.ask(t, planning, http.StatusOK, &plan)
	return plan
}

// applySavedPlan sends a plan that rests on what is not so any more: another run has
// come between.
func (st *apiStage) applySavedPlan(t *testing.T, pfx, planned []byte) {
	t.Helper()
	applying := request{operation: "POST /deployments/{deployment}/apply", path: st.ofDeployment() + "/apply", header: map[string]string{"Prefer": "wait"}}
	for name, test := range map[string]struct {
		plan   []byte
		form   map[string]string
		pfx    bool
		status int
		code   string
	}{
		"no plan":        {[]byte("{}"), nil, true, http.StatusBadRequest, "usage"},
		"an edited one":  {bytes.Replace(planned, []byte(`"cloud":"public"`), []byte(`"cloud":"usgov"`), 1), nil, true, http.StatusConflict, "plan-edited"},
		"without a file": {planned, nil, false, http.StatusBadRequest, "usage"},
		"more than that": {planned, map[string]string{"allow-older": "true"}, true, http.StatusBadRequest, "usage"},
	} {
		applying.form = map[string]string{"password": "opens it"}
		maps.Copy(applying.form, test.form)
		applying.files = map[string][]byte{"plan": test.plan}
		if test.pfx {
			applying.files["pfx"] = pfx
		}
		var failed failure
		if st.ask(t, applying, test.status, &failed); failed.Error.Code != test.code {
			t.Errorf("%s: %+v", name, failed)
		}
	}
	applying.form, applying.files = map[string]string{"password": "opens it"}, map[string][]byte{"plan": planned, "pfx": pfx}
	var result rotation.Result
	if st.ask(t, applying, http.StatusOK, &result); result.Outcome != rotation.NothingToDo {
		t.Errorf("what is there already: %+v", result)
	}
	other := st.pfx(t, nil, "opens it")
	applying.files["pfx"] = other
	var failed failure
	if st.ask(t, applying, http.StatusConflict, &failed); failed.Error.Code != "other-certificate" {
		t.Errorf("%+v", failed)
	}
	// The good way: nothing has come between.
	planning := request{operation: "POST /deployments/{deployment}/plan", path: st.ofDeployment() + "/plan", form: applying.form, files: map[string][]byte{"pfx": other}}
	applying.files["plan"] = st.savedPlan(t, planning)
	if st.ask(t, applying, http.StatusOK, &result); result.Outcome != rotation.Verified {
		t.Errorf("%+v", result)
	}
}

// listenThroughAPI hears the events of a run to its end.
func (st *apiStage) listenThroughAPI(t *testing.T, run string) {
	t.Helper()
	const operation = "GET /runs/{run}/events"
	q := request{operation: operation, path: "/runs/" + run + "/events"}
	var failed failure
	st.ask(t, q, http.StatusBadRequest, &failed)
	q.header = map[string]string{"Accept": "text/event-stream"}
	answer := st.send(t, q)
	defer answer.Body.Close()
	heard, done := 0, false
	for rows := bufio.NewScanner(answer.Body); rows.Scan(); {
		name, text, _ := strings.Cut(rows.Text(), ": ")
		switch {
		case name == "event" && text == "done":
			done = true
		case name == "event":
			rows.Scan()
			rows.Scan() // its id and its data, which is none
		case name == "data" && !done:
			heard++
			st.holdTo(t, "openapi.json#/components/schemas/Event", operation, []byte(text))
		}
	}
	if heard < 3 || !done {
		t.Errorf("%d events, done: %v", heard, done)
	}
	st.answered[operation] = true
}

// TestStoppingThroughTheAPI stops a run in the middle: it goes back, and its
// failure is that of the command.
func TestStoppingThroughTheAPI(t *testing.T) {
	t.Parallel()
	b := newRunBench(t)
	reached, stopped := make(chan struct{}), make(chan struct{})
	b.on = func(event rotation.Event) {
		if event.Phase == rotation.PhaseProve {
			sync.OnceFunc(func() { close(reached) })()
			b.on = nil
			<-stopped
		}
	}
	id := b.begin()
	<-reached
	st := newAPIStage(t, &renewalStage{stage: b.stage, variables: b.visitor.Variables})
	_, pfx, password := b.world.NewCertificate()
	var locked failure
	st.ask(t, request{
		operation: "POST /deployments/{deployment}/apply", path: "/deployments/" + b.state.Deployment.Domain + "/apply",
		form: map[string]string{"password": password}, files: map[string][]byte{"pfx": pfx},
	}, http.StatusConflict, &locked)
	if locked.Error.Code != "locked" || locked.Exit != app.ExitLocked {
		t.Errorf("while a run goes on: %+v", locked)
	}
	var begun underway
	st.ask(t, request{operation: "POST /runs/{run}/stop", path: "/runs/" + id + "/stop"}, http.StatusAccepted, &begun)
	close(stopped)
	if run := b.ended(id); run.Outcome != string(rotation.Restored) || begun.Run != id {
		t.Errorf("%s, %+v", run.Outcome, begun)
	}
}

// TestTheCertificatesOfMachinesThroughTheAPI plans, replaces, takes back and cleans
// as a program does.
func TestTheCertificatesOfMachinesThroughTheAPI(t *testing.T) {
	t.Parallel()
	inside := newMachinesStage(t)
	st := newAPIStage(t, inside.renewalStage)
	at, wait := st.ofDeployment(), map[string]string{"Prefer": "wait"}
	form := func(more ...string) map[string]string {
		form := map[string]string{"site-admin": inside.admin, "site-admin-password": inside.password, "reach": "direct"}
		for i := 0; i < len(more); i += 2 {
			form[more[i]] = more[i+1]
		}
		return form
	}
	planning := request{operation: "POST /deployments/{deployment}/plan", path: at + "/plan"}
	var failed failure
	planning.form = map[string]string{"internal": "issue"}
	st.ask(t, planning, http.StatusBadRequest, &failed)
	planning.form = form("internal", "issue", "without-portal", "true")
	st.ask(t, planning, http.StatusBadRequest, &failed)
	planning.form, planning.files = form("internal", "pfx", "internal-pfx-password", "not it"), map[string][]byte{"internal-pfx:portal": st.pfx(t, nil, "opens it")}
	if st.ask(t, planning, http.StatusUnprocessableEntity, &failed); failed.Error.Code != "wrong-password" {
		t.Errorf("%+v", failed)
	}
	planning.form, planning.files = form("internal", "ca"), map[string][]byte{"ca": []byte("none")}
	if st.ask(t, planning, http.StatusUnprocessableEntity, &failed); failed.Error.Code != "not-pfx" {
		t.Errorf("%+v", failed)
	}
	planning.form, planning.files = form("internal", "pfx", "internal-pfx-password", "opens it"), map[string][]byte{"internal-pfx:portal": st.pfx(t, nil, "opens it")}
	planning.files["internal-pfx:Portal"] = planning.files["internal-pfx:portal"]
	st.ask(t, planning, http.StatusBadRequest, &failed)
	delete(planning.files, "internal-pfx:Portal")
	var made rollout.Plan
	if st.ask(t, planning, http.StatusUnprocessableEntity, &made); made.Source != rollout.FromPFX || !made.Findings.Has("name-not-covered") {
		t.Errorf("a file for clients, at a machine: %+v", made)
	}
	planning.form, planning.files = form("internal", "ca", "ca-password", "opens it"), map[string][]byte{"ca": testAuthority(t, "opens it")}
	if st.ask(t, planning, http.StatusOK, &made); made.Source != rollout.FromAuthority || made.Authority == nil || !strings.Contains(made.Authority.Subject, "CN=Machines") {
		t.Errorf("%+v", made)
	}
	kept := st.savedPlan(t, planning)
	saved := request{operation: "POST /deployments/{deployment}/apply", path: at + "/apply", header: wait}
	for name, test := range map[string]struct {
		form  map[string]string
		ca    []byte
		wants int
		code  string
	}{
		"not said where they come from": {form(), nil, http.StatusBadRequest, "usage"},
		"another source":                {form("internal", "issue"), nil, http.StatusBadRequest, "usage"},
		"another authority":             {form("internal", "ca", "ca-password", "opens it"), testAuthority(t, "opens it"), http.StatusConflict, "moved"},
		"another choice":                {form("internal", "ca", "ca-password", "opens it", "valid-days", "17"), planning.files["ca"], http.StatusConflict, "moved"},
	} {
		saved.form, saved.files = test.form, map[string][]byte{"plan": kept}
		if test.ca != nil {
			saved.files["ca"] = test.ca
		}
		if st.ask(t, saved, test.wants, &failed); failed.Error.Code != test.code {
			t.Errorf("a saved plan, %s: %+v", name, failed)
		}
	}
	planning.form, planning.files = form("internal", "issue", "valid-days", "90"), nil
	kept = st.savedPlan(t, planning)
	if st.ask(t, planning, http.StatusOK, &made); made.Source != rollout.Fresh || made.Hash == "" || len(made.Ports) == 0 {
		t.Fatalf("%+v", made)
	}

	var result rollout.Result
	applying := request{operation: "POST /deployments/{deployment}/apply", path: at + "/apply", header: wait, form: map[string]string{"plan": made.Hash, "internal": "issue"}}
	st.ask(t, applying, http.StatusBadRequest, &failed)
	applying.form = map[string]string{"plan": made.Hash}
	if st.ask(t, applying, http.StatusOK, &result); result.Outcome != rotation.Verified || len(result.Machines) == 0 {
		t.Fatalf("%+v", result)
	}
	run := result.RunID
	cleaning := request{operation: "POST /deployments/{deployment}/clean", path: at + "/clean", header: wait, form: form("internal", "true")}
	if st.ask(t, cleaning, http.StatusOK, &result); result.Outcome != rotation.NothingToDo || len(result.Soaking) == 0 {
		t.Errorf("%+v", result)
	}
	undo := request{operation: "POST /runs/{run}/undo", path: "/runs/" + run + "/undo", header: wait, form: map[string]string{"reach": "direct"}}
	if st.ask(t, undo, http.StatusConflict, &failed); failed.Exit != app.ExitPreflight {
		t.Errorf("without a login: %+v", failed)
	}
	undo.form = form()
	if st.ask(t, undo, http.StatusOK, &result); result.Outcome != rotation.Verified || result.UndoOf != run || len(result.Machines) == 0 {
		t.Errorf("%+v", result)
	}
	saved.form, saved.files = form("internal", "issue"), map[string][]byte{"plan": kept}
	if st.ask(t, saved, http.StatusConflict, &failed); failed.Error.Code != "moved" { // there are new entries in the keystores
		t.Errorf("a plan from before: %+v", failed)
	}
	cleaning.form["now"] = "true"
	if st.ask(t, cleaning, http.StatusOK, &result); result.Outcome != rotation.Cleaned {
		t.Errorf("%+v", result)
	}

	saved.files["plan"] = st.savedPlan(t, planning) // for 90 days, which the plan says itself
	if st.ask(t, saved, http.StatusOK, &result); result.Outcome != rotation.Verified || len(result.Machines) == 0 {
		t.Errorf("a saved plan: %+v", result)
	}
}

// testAuthority is the file of an authority with its key.
func testAuthority(t *testing.T, password string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root, err := pki.NewRoot(key, "Machines", time.Now(), 900)
	if err != nil {
		t.Fatal(err)
	}
	file, err := pki.WriteAuthority(root, secret.New(password))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// tryPasswordsThroughAPI guesses at the password of the site administrator, after the
// pages were tried with three wrong ones for "siteadmin": a program gets no more
// tries than they do, and none is counted that nobody has judged.
func (st *apiStage) tryPasswordsThroughAPI(t *testing.T) {
	t.Helper()
	plan := func(login, password string) request {
		return request{operation: "POST /deployments/{deployment}/plan", path: st.ofDeployment() + "/plan",
			form: map[string]string{"password": "x", "site-admin": login, "site-admin-password": password}, files: map[string][]byte{"pfx": st.pfx(t, nil, "x")}}
	}
	right := st.variables["CARTOUCHE_SITE_ADMIN_PASSWORD"]
	var failed failure
	if st.ask(t, plan("siteadmin", right), http.StatusTooManyRequests, &failed); failed.Error.Code != "throttled" || !strings.Contains(failed.Error.Message, "not tried") {
		t.Errorf("%+v", failed)
	}
	faults := st.world.Ground().Faults
	faults.Add(ground.Fault{Name: "unavailable", Step: "portal-token", Times: -1})
	for range wizard.MostAttempts + 1 {
		if st.ask(t, plan("another", right), http.StatusConflict, &failed); failed.Error.Code != "blocked" {
			t.Errorf("while Portal is not there: %+v", failed)
		}
	}
	faults.Clear()
	for range wizard.MostAttempts {
		if st.ask(t, plan("another", "guess"), http.StatusConflict, &failed); failed.Error.Code != "blocked" {
			t.Errorf("a wrong password: %+v", failed)
		}
	}
	st.ask(t, plan("another", "guess"), http.StatusTooManyRequests, &failed)
	clean := request{operation: "POST /deployments/{deployment}/clean", path: st.ofDeployment() + "/clean", form: map[string]string{"site-admin": "another", "site-admin-password": "guess"}}
	st.ask(t, clean, http.StatusTooManyRequests, &failed)
}
