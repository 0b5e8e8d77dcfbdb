package web

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
)

// emptyAPI is a computer on which nobody has signed in and nothing was done.
func emptyAPI(t *testing.T) *apiStage {
	t.Helper()
	directory := t.TempDir()
	lookup := func(name string) string {
		if name == "CARTOUCHE_STATE_DIR" {
			return directory
		}
		return ""
	}
	return newAPIStage(t, &renewalStage{stage: newStage(t, Options{App: &app.App{Lookup: lookup, Now: time.Now, Version: "test"}})})
}

// noPFX is a file that is none.
var noPFX = []byte("x")

// TestAPIFailures asks for what is not there or cannot be: each failure has the
// form of every command's, and the status of the table.
func TestAPIFailures(t *testing.T) {
	t.Parallel()
	st := emptyAPI(t)
	const run, show = "GET /history/{run}", "GET /deployments/{deployment}"
	const check, plan = "POST /check", "POST /deployments/{deployment}/plan"
	for name, test := range map[string]struct {
		request
		status int
		code   string
		exit   int
	}{
		"not signed in":          {request{operation: show, path: "/deployments/gis.example.com"}, 401, "not-signed-in", app.ExitPreflight},
		"no such run":            {request{operation: run, path: "/history/20260101-0000-0000"}, 404, "run-not-found", app.ExitUsage},
		"no such run's events":   {request{operation: "GET /runs/{run}/events", path: "/runs/x/events", header: map[string]string{"Accept": "text/event-stream"}}, 404, "run-not-found", app.ExitUsage},
		"no such run to undo":    {request{operation: "POST /runs/{run}/undo", path: "/runs/x/undo"}, 404, "run-not-found", app.ExitUsage},
		"no such run's evidence": {request{operation: "GET /evidence/{run}", path: "/evidence/x"}, 404, "run-not-found", app.ExitUsage},
		"a day that is none":     {request{operation: show, path: "/deployments/x?at=tomorrow"}, 400, "usage", app.ExitUsage},
		"a parameter too many":   {request{operation: show, path: "/deployments/x?day=2027-01-01"}, 400, "usage", app.ExitUsage},
		"a parameter twice":      {request{operation: show, path: "/deployments/x?at=2027-01-01&at=2028-01-01"}, 400, "usage", app.ExitUsage},
		"a parameter of none":    {request{operation: run, path: "/history/x?full=1"}, 400, "usage", app.ExitUsage},
		"a field too many":       {request{operation: plan, path: "/deployments/x/plan", form: map[string]string{"allow_older": "true"}}, 400, "usage", app.ExitUsage},
		"neither yes nor no":     {request{operation: plan, path: "/deployments/x/plan", form: map[string]string{"allow-older": "perhaps"}}, 400, "usage", app.ExitUsage},
		"a file as text":         {request{operation: check, path: "/check", form: map[string]string{"pfx": "text"}}, 400, "usage", app.ExitUsage},
		"roots that are none":    {request{operation: plan, path: "/deployments/x/plan", files: map[string][]byte{"roots": []byte("x")}}, 400, "usage", app.ExitUsage},
		"not a .pfx":             {request{operation: check, path: "/check", files: map[string][]byte{"pfx": []byte("x")}}, 422, "not-pfx", app.ExitRefused},
		"nothing to check":       {request{operation: check, path: "/check"}, 400, "usage", app.ExitUsage},
		"no such source":         {request{operation: plan, path: "/deployments/x/plan", form: map[string]string{"internal": "nowhere"}}, 400, "usage", app.ExitUsage},
		"both at once":           {request{operation: plan, path: "/deployments/x/plan", form: map[string]string{"internal": "issue", "password": "x"}}, 400, "usage", app.ExitUsage},
		"days of none":           {request{operation: plan, path: "/deployments/x/plan", form: map[string]string{"internal": "issue", "valid-days": "many"}}, 400, "usage", app.ExitUsage},
		"days too few":           {request{operation: plan, path: "/deployments/x/plan", form: map[string]string{"internal": "issue", "valid-days": "-1"}}, 400, "usage", app.ExitUsage},
		"of another source":      {request{operation: plan, path: "/deployments/x/plan", form: map[string]string{"internal": "issue", "ca-password": "x"}}, 400, "usage", app.ExitUsage},
		"of the machines":        {request{operation: plan, path: "/deployments/x/plan", form: map[string]string{"keep-old": "true"}}, 400, "usage", app.ExitUsage},
		"no authority":           {request{operation: plan, path: "/deployments/x/plan", form: map[string]string{"internal": "ca"}}, 400, "usage", app.ExitUsage},
		"no .pfx for Portal":     {request{operation: plan, path: "/deployments/x/plan", form: map[string]string{"internal": "pfx"}, files: map[string][]byte{"internal-pfx:portal": noPFX}}, 422, "not-pfx", app.ExitRefused},
		"machines of check":      {request{operation: check, path: "/check", files: map[string][]byte{"internal-pfx:portal": noPFX}}, 400, "usage", app.ExitUsage},
		"no such way in":         {request{operation: "POST /account/sign-in", path: "/account/sign-in", form: map[string]string{"sign-in": "magic"}}, 400, "usage", app.ExitUsage},
		"two proofs":             {request{operation: "POST /account/sign-in", path: "/account/sign-in", form: map[string]string{"sign-in": "service-principal", "client-secret": "x", "client-id": "y"}, files: map[string][]byte{"client-certificate": noPFX}}, 422, "not-pfx", app.ExitRefused},
		"a proof of another way": {request{operation: "POST /account/sign-in", path: "/account/sign-in", form: map[string]string{"sign-in": "browser", "client-id": "y"}}, 400, "usage", app.ExitUsage},
		"no such sign-in":        {request{operation: "GET /account/sign-in/{signin}", path: "/account/sign-in/x"}, 404, "not-found", app.ExitUsage},
		"a claim of nobody":      {request{operation: "POST /deployments/{deployment}/unlock", path: "/deployments/x/unlock"}, 400, "usage", app.ExitUsage},
		"an upload of nothing":   {request{operation: "POST /vaults/{vault}/certificates/{certificate}", path: "/vaults/v/certificates/a"}, 400, "usage", app.ExitUsage},
		"a file too large":       {request{operation: check, path: "/check", files: map[string][]byte{"pfx": make([]byte, wizard.MaxFile+1)}}, 413, "too-large", app.ExitPreflight},
		"a part too large":       {request{operation: check, path: "/check", form: map[string]string{"password": strings.Repeat("x", wizard.MaxField+1)}, files: map[string][]byte{"pfx": noPFX}}, 413, "too-large", app.ExitPreflight},
		"a field too large":      {request{operation: check, path: "/check", form: map[string]string{"host": strings.Repeat("x", wizard.MaxField+1)}}, 413, "too-large", app.ExitPreflight},
		"a form too large":       {request{operation: check, path: "/check", form: map[string]string{"host": strings.Repeat("x", 65<<10)}}, 413, "too-large", app.ExitPreflight},
		"no name in a vault":     {request{operation: "GET /vaults/{vault}/certificates/{certificate}", path: "/vaults/v/certificates/a_b"}, 400, "usage", app.ExitUsage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var failed failure
			st.ask(t, test.request, test.status, &failed)
			if failed.Error.Code != test.code || failed.Exit != test.exit || failed.Error.Message == "" {
				t.Errorf("%+v", failed)
			}
		})
	}
}

// TestAPIAnswersNobodyElse asks as who has not come in, as a page of another origin
// and as who speaks JSON: nothing is looked at, and the answer is a failure in JSON.
func TestAPIAnswersNobodyElse(t *testing.T) {
	t.Parallel()
	st := emptyAPI(t)
	for name, test := range map[string]struct {
		client *http.Client
		method string
		path   string
		header map[string]string
		status int
		code   string
	}{
		"no cookie":        {&http.Client{}, "GET", "/version", nil, 401, "not-let-in"},
		"another origin":   {st.client, "POST", "/check", map[string]string{"Origin": "https://example.org"}, 403, "other-origin"},
		"another site":     {st.client, "GET", "/version", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403, "other-origin"},
		"JSON":             {st.client, "POST", "/check", map[string]string{"Content-Type": "application/json"}, 400, "usage"},
		"no such address":  {st.client, "GET", "/nothing", nil, 404, "not-found"},
		"not to be posted": {st.client, "POST", "/version", map[string]string{"Content-Type": "application/json"}, 404, "not-found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var body io.Reader
			if test.header["Content-Type"] != "" {
				body = strings.NewReader("{}")
			}
			r, err := http.NewRequestWithContext(t.Context(), test.method, st.base+apiPath+test.path, body)
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range test.header {
				r.Header.Set(name, value)
			}
			answer, err := test.client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			text, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			var failed failure
			if err := json.Unmarshal(text, &failed); err != nil || answer.StatusCode != test.status || failed.Error.Code != test.code {
				t.Errorf("%d %s: %v", answer.StatusCode, text, err)
			}
			st.holdTo(t, "openapi.json#/components/schemas/Failed", name, text)
		})
	}
}

// TestOnlyRunsOfThisServerAreStopped says so of one that another process began.
func TestOnlyRunsOfThisServerAreStopped(t *testing.T) {
	t.Parallel()
	st := emptyAPI(t)
	run := journal.Run{ID: "20261127-2200-abcd", DeploymentName: "ha", GatewayID: "/g", PlanHash: "h", Plan: []byte(`{}`), Before: []byte(`{}`), StartedAt: time.Now()}
	_, err := app.Remember(t.Context(), st.options.App, func(memory *journal.Journal) (struct{}, error) {
		return struct{}{}, memory.Begin(t.Context(), run)
	})
	if err != nil {
		t.Fatal(err)
	}
	var failed failure
	st.ask(t, request{operation: "POST /runs/{run}/stop", path: "/runs/20261127/stop"}, http.StatusNotFound, &failed)
	if failed.Error.Code != "not-found" || failed.Error.Hint != "GET /api/v1/history/20261127-2200-abcd" {
		t.Errorf("%+v", failed)
	}
}

func TestStatusesByCodeAndExit(t *testing.T) {
	t.Parallel()
	for code, exit := range app.Codes() {
		switch status := httpStatus(app.Failure{Code: code, Exit: exit}); {
		case status < 400:
			t.Errorf("%s is answered with %d", code, status)
		case exit == app.ExitUsage && status != 400 && status != 404:
			t.Errorf("%s, a mistake of who asks, is answered with %d", code, status)
		}
	}
	for _, status := range app.Statuses() {
		if _, known := exitStatuses[status.Code]; !known && status.Code != app.ExitDone {
			t.Errorf("exit status %d has no status of HTTP", status.Code)
		}
	}
	for code, want := range map[string]int{
		"not-permitted": 403, "deployment-not-found": 404, "not-found": 404, "locked": 409, "blocked": 409, "moved": 409, "throttled": 429, "proxy": 502, "azure": 502,
		"reach-no-agent": 502, "arcgis-token": 502, "journal-busy": 500,
	} {
		if got := httpStatus(app.Failure{Code: code, Exit: app.ExitPreflight}); got != want {
			t.Errorf("%s: %d, want %d", code, got, want)
		}
	}
}

func TestPreferWait(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]struct {
		wait  bool
		bound time.Duration
	}{
		"":                        {},
		"wait":                    {true, 0},
		"Wait=10":                 {true, 10 * time.Second},
		`respond-async, wait="5"`: {true, 5 * time.Second},
		"wait=0":                  {},
		"wait=soon":               {},
		"return=minimal":          {},
	} {
		r := &http.Request{Header: http.Header{"Prefer": {header}}}
		if wait, bound := preferredWait(r); wait != want.wait || bound != want.bound {
			t.Errorf("%q: %v %v, want %+v", header, wait, bound, want)
		}
	}
}
