package web

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
)

// A plan is saved from a review and carried out by another renewal; one that does
// not fit, or was made by somebody who means harm, is refused.
func TestASavedPlanIsCarriedOut(t *testing.T) {
	t.Parallel()
	st := newRenewalStage(t, "single")
	const password = "saved-password-7261"
	pfx := st.pfx(t, nil, password)
	base := st.toCertificate(t)
	_, _ = st.send(t, base+"/certificate", map[string]string{"from": "file", "password": password}, map[string][]byte{"pfx": pfx})
	_, _ = st.send(t, base+"/certificate/use", nil, nil)
	login := map[string]string{"without-portal": "yes"}
	_, body := st.send(t, base+"/credentials", login, nil)
	st.wantPage(t, body, "/review", "Save this plan")
	_, saved := st.open(t, base+"/plan.json")
	if _, err := rotation.ParsePlan([]byte(saved)); err != nil {
		t.Fatalf("what was saved is no plan: %v\n%s", err, saved)
	}

	_, _ = st.send(t, "/renew", nil, nil)
	base = "/renew/" + strings.Split(st.at.Path, "/")[2]
	use := func(plan string, more map[string][]byte) string {
		t.Helper()
		files := map[string][]byte{"plan": []byte(plan)}
		for name, data := range more {
			files[name] = data
		}
		_, body := st.send(t, base+"/plan", map[string]string{"password": password}, files)
		if strings.Contains(body, password) {
			t.Fatalf("%s holds the password", st.at)
		}
		return body
	}
	with := map[string][]byte{"pfx": pfx}
	for name, refused := range map[string]struct {
		plan, says string
		files      map[string][]byte
	}{
		"none":              {"", "Choose the file of the plan.", with},
		"something else":    {"{\"a\":1}", "not a plan of this program", with},
		"about machines":    {`{"kind":"internal","format":1}`, "is about the certificates of machines", with},
		"too large":         {strings.Repeat(" ", 4<<20+1), "too large", with},
		"edited":            {strings.Replace(saved, "frontendCert", "frontendCart", 1), "changed after it was saved", with},
		"without its file":  {saved, "choose both files", nil},
		"a file of garbage": {saved, "It was not used", map[string][]byte{"pfx": []byte("garbage")}},
		"another cloud":     {forge(t, saved, func(p *rotation.Plan) { p.Cloud = "usgov" }), "for the cloud usgov", with},
		"another gateway":   {forge(t, saved, func(p *rotation.Plan) { p.GatewayID = p.GatewayID + "x" }), "not found any more", with},
	} {
		if name == "a file of garbage" {
			refused.says = "pfx.pfx: "
		}
		if body := use(refused.plan, refused.files); !strings.HasSuffix(st.at.Path, "/deployment") || !strings.Contains(body, refused.says) {
			t.Errorf("%s: %s says\n%s", name, st.at, plain(body))
		}
	}

	// Another certificate, and changes that nobody would plan.
	for name, refused := range map[string]struct {
		plan, says string
		pfx        []byte
	}{
		"another file":  {saved, "is not the certificate that the plan was made for", st.pfx(t, func(s *authority.Spec) {}, password)},
		"other changes": {forge(t, saved, func(p *rotation.Plan) { p.Removes = append(p.Removes, "frontendCert") }), "would change something else", pfx},
	} {
		body := use(refused.plan, map[string][]byte{"pfx": refused.pfx})
		st.wantPage(t, body, "/credentials", "will be carried out, if nothing has changed")
		_, body = st.send(t, base+"/credentials", login, nil)
		if !strings.Contains(body, refused.says) {
			t.Errorf("%s: %s says\n%s", name, st.at, plain(body))
		}
	}

	body = use(saved, with)
	st.wantPage(t, body, "/credentials", "will be carried out, if nothing has changed")
	_, body = st.send(t, base+"/credentials", login, nil)
	st.wantPage(t, body, "/review", "This is the plan that was saved")
	var plan rotation.Plan
	if err := json.Unmarshal([]byte(saved), &plan); err != nil {
		t.Fatal(err)
	}
	if yes := answerOf.FindStringSubmatch(body); yes == nil || yes[1] != plan.Hash {
		t.Fatalf("the review shows %v, not the plan %s", yes, plan.Hash)
	}
	_, _ = st.send(t, base+"/go", map[string]string{"plan": plan.Hash}, nil)
	if err := st.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if runs, err := st.options.App.Runs(t.Context()); err != nil || len(runs) != 1 || runs[0].Outcome != string(rotation.Verified) || runs[0].PlanHash != plan.Hash {
		t.Errorf("runs %+v (%v)", runs, err)
	}

	// The deployment has changed since: the same plan again finds everything done.
	_, _ = st.send(t, "/renew", nil, nil)
	base = "/renew/" + strings.Split(st.at.Path, "/")[2]
	_ = use(saved, with)
	_, body = st.send(t, base+"/credentials", login, nil)
	st.wantPage(t, body, "/review", "There is nothing to do")
}

// forge changes a plan as somebody does who can make its hash anew.
func forge(t *testing.T, saved string, change func(*rotation.Plan)) string {
	t.Helper()
	var plan rotation.Plan
	if err := json.Unmarshal([]byte(saved), &plan); err != nil {
		t.Fatal(err)
	}
	change(&plan)
	plan.Hash = ""
	plan.Hash = rotation.HashPlan(plan)
	document, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rotation.ParsePlan(document); err != nil {
		t.Fatalf("a forged plan is not read: %v", err)
	}
	return string(document)
}
