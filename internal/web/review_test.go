package web

import (
	"bytes"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
)

// somePlan is a renewal from a file, as it is mostly.
func somePlan() (rotation.Plan, rotation.State) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	gateway := "/subscriptions/1/resourceGroups/rg-gis/providers/Microsoft.Network/applicationGateways/agw-prod"
	served := pki.Description{Subject: "CN=gis.example.com", Issuer: "CN=Example CA", Names: []string{"gis.example.com"}, KeyAlgorithm: "RSA 2048", NotBefore: now.AddDate(0, -10, 0), NotAfter: now.AddDate(0, 0, 5), SHA256: strings.Repeat("a1", 32), Thumbprint: strings.Repeat("A1", 20)}
	fresh := served
	fresh.NotBefore, fresh.NotAfter, fresh.SHA256, fresh.Thumbprint = now.AddDate(0, 0, -1), now.AddDate(0, 0, 199), strings.Repeat("b2", 32), strings.Repeat("B2", 20)
	plan := rotation.Plan{
		MadeAt: now, Hash: "hash", Deployment: "ha-prod", GatewayID: gateway, Names: []string{"gis.example.com"},
		Certificate: fresh, Serving: &served, Source: "gis-2027.pfx", Key: "goes from the file to the gateway", Trust: "its root is one that ArcGIS knows",
		Moves: []rotation.Move{{Listener: "https", From: "frontendCert", To: "cartouche-b2"}},
		Steps: []rotation.Step{
			{Kind: rotation.StepSwitch, Title: "switch the listeners", Touches: gateway, Changes: []string{"add certificate cartouche-b2", "listener https goes from frontendCert to cartouche-b2", "keep frontendCert"}, Undo: "listeners go back to frontendCert"},
			{Kind: rotation.StepProve, Title: "prove it", Undo: "the listeners go back"},
		},
		Proofs: []string{"gis.example.com:443 serves exactly the new certificate"},
		Operations: []rotation.Operation{
			{Action: "Microsoft.Network/applicationGateways/write", Scope: gateway, Step: rotation.StepSwitch},
			{Action: "Microsoft.Network/applicationGateways/read", Scope: gateway, Step: rotation.StepSwitch},
			{Action: "Microsoft.Network/applicationGateways/read", Scope: gateway, Step: rotation.StepProve},
		},
	}
	state := rotation.State{At: now}
	state.Sites.PortalURL, state.Sites.SignedIn = "https://gis.example.com/portal", true
	return plan, state
}

func TestAPlanAsPeopleReadIt(t *testing.T) {
	t.Parallel()
	plan, state := somePlan()
	v := review(plan, state, wizard.Logins{SiteAdmin: "siteadmin"}, "")
	if !v.Ready || v.Nothing || v.Hash != "hash" || len(v.Restarts) > 0 {
		t.Errorf("ready %v, nothing to do %v, restarts %v", v.Ready, v.Nothing, v.Restarts)
	}
	var signs []string
	for _, c := range v.Steps[0].Changes {
		signs = append(signs, c.Sign)
	}
	if got := strings.Join(signs, ""); got != "+→=" {
		t.Errorf("the changes are marked %s", got)
	}
	if s := v.Steps[0]; s.Title != "Switch the listeners" || s.Touches != "agw-prod" || !s.Writes || len(s.Proofs) > 0 {
		t.Errorf("%+v", s)
	}
	if s := v.Steps[1]; s.Writes || len(s.Proofs) != 1 {
		t.Errorf("%+v", s)
	}
	if len(v.Rights) != 1 || len(v.Rights[0].Actions) != 2 {
		t.Errorf("rights %+v", v.Rights)
	}
	for _, f := range v.Facts {
		if f.Text == "" {
			t.Errorf("%s says nothing", f.Label)
		}
	}
}

func TestWhatStandsInTheWayComesFirst(t *testing.T) {
	t.Parallel()
	plan, state := somePlan()
	plan.Findings = pki.Findings{{Code: "n", Severity: pki.Note}, {Code: "older", Severity: pki.Refusal, Mend: "see that it is the right file; if it is, say --allow-older."}}
	plan.Obstacles = pki.Findings{{Code: "w", Severity: pki.Warning, Mend: "az lock list"}, {Code: "locked", Severity: pki.Refusal}}
	v := review(plan, state, wizard.Logins{}, "")
	var order []string
	for _, a := range v.About {
		order = append(order, a.Code)
	}
	if want := []string{"older", "locked", "w", "n"}; !slices.Equal(order, want) {
		t.Errorf("the order is %v, want %v", order, want)
	}
	if a := v.About[0]; v.Ready || a.Step != wizard.Certificate || a.Here == "" || a.Kind != "error" {
		t.Errorf("ready %v, %+v", v.Ready, a)
	}
	if a := v.About[2]; a.Here != "" || a.Kind != "warning" {
		t.Errorf("%+v", a)
	}
}

func TestWhatTheLoginsAreUsedFor(t *testing.T) {
	t.Parallel()
	plan, state := somePlan()
	without, agent, dsc, none := state, plan, plan, state
	without.Sites.SignedIn = false
	agent.Way, dsc.Way = reach.Agent, reach.DSC
	none.Sites.PortalURL = ""
	for name, test := range map[string]struct {
		plan   rotation.Plan
		state  rotation.State
		logins wizard.Logins
		want   [2]string
	}{
		"both, no machines": {plan, state, wizard.Logins{SiteAdmin: "a", ServiceAccount: "s"}, [2]string{"Accepted by Portal", "Given and not used"}},
		"no Portal":         {plan, none, wizard.Logins{}, [2]string{"Not needed", "Not needed"}},
		"left out":          {plan, without, wizard.Logins{WithoutPortal: true}, [2]string{"Left out", "Not needed"}},
		"not signed in":     {plan, without, wizard.Logins{SiteAdmin: "a"}, [2]string{"Not signed in", "Not needed"}},
		"agent as account":  {agent, state, wizard.Logins{SiteAdmin: "a", ServiceAccount: "s"}, [2]string{"Accepted", "runs as it"}},
		"agent as SYSTEM":   {agent, state, wizard.Logins{SiteAdmin: "a"}, [2]string{"Accepted", "SYSTEM or root"}},
		"the machines' DSC": {dsc, state, wizard.Logins{SiteAdmin: "a", ServiceAccount: "s"}, [2]string{"Accepted", "DSC works as it"}},
	} {
		uses := loginUses(test.plan, test.state, test.logins)
		if len(uses) != 2 || !strings.Contains(uses[0].Text, test.want[0]) || !strings.Contains(uses[1].Text, test.want[1]) {
			t.Errorf("%s: %+v", name, uses)
		}
	}
}

// Names come from outside, and a page shows them as text.
func TestTheReviewShowsHostileNamesAsText(t *testing.T) {
	t.Parallel()
	const hostile = `<script>alert(1)</script>"'><img src=x>`
	plan, state := somePlan()
	plan.Deployment, plan.Names, plan.Source, plan.Trust, plan.Key = hostile, []string{hostile}, hostile, hostile, hostile
	plan.Certificate.Subject, plan.Certificate.Issuer, plan.Certificate.Names, plan.Certificate.SHA256 = hostile, hostile, []string{hostile}, hostile
	plan.Findings = pki.Findings{{Code: hostile, Severity: pki.Refusal, Sentence: hostile, Mend: hostile + " --pfx"}}
	plan.Steps[0].Title, plan.Steps[0].Changes, plan.Steps[0].Touches, plan.Steps[0].Restarts = hostile, []string{hostile}, hostile, []string{hostile}
	plan.Operations[0].Action = hostile
	w := httptest.NewRecorder()
	err := pages.Write(w, 200, "renew-review", pages.Page{Title: hostile, Data: reviewPage{
		step: step{Base: "/renew/x", Marks: wizard.Answers{wizard.SignIn: hostile}.Marks(wizard.Review)},
		Plan: review(plan, state, wizard.Logins{SiteAdmin: hostile}, hostile), Command: hostile, Changes: hostile,
	}})
	if err != nil {
		t.Fatal(err)
	}
	if body := w.Body.Bytes(); bytes.Contains(body, []byte("<script>alert")) || bytes.Contains(body, []byte("<img src=x")) || !bytes.Contains(body, []byte("&lt;script&gt;")) {
		t.Errorf("markup of a name is markup of the page:\n%s", body)
	}
}
