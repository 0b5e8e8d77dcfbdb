package web

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/shape"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// happened are the changes that the stage's own world has seen since.
func (st *renewalStage) happened(since int) (list []ground.Event) {
	for _, event := range st.world.Ground().Ledger.Events()[since:] {
		if event.Kind != ground.Federation { // Portal's own judgement, which was asked for
			list = append(list, event)
		}
	}
	return list
}

// A renewal is rehearsed from its review, well and with a fault, and nothing of it
// touches the deployment; then it is still there, and is carried out.
func TestARenewalIsRehearsedAndThenCarriedOut(t *testing.T) {
	t.Parallel()
	st := newRenewalStage(t, "single")
	st.options.Scale = 600
	base, _ := st.toReview(t)
	since := len(st.world.Ground().Ledger.Events())
	_, body := st.open(t, base+"/review")
	st.wantPage(t, body, base+"/review", `formaction="`+base+`/rehearse"`, "Nothing: it goes as it should", "wrong-leaf@edge")

	_, body = st.send(t, base+"/rehearse", nil, nil)
	if !strings.HasPrefix(st.at.Path, "/rehearsals/") {
		t.Fatalf("it leads to %s\n%s", st.at, plain(body))
	}
	for _, text := range []string{"It went well", "verified", "no visitor would notice", "witch the gateway to the new certificate in one conditional write", "nothing of it was changed", "Not rehearsed", `href="` + base + `/review"`} {
		if !strings.Contains(body, text) {
			t.Errorf("the report lacks %q:\n%s", text, plain(body))
		}
	}
	_, body = st.send(t, base+"/rehearse", map[string]string{"fault": "wrong-leaf@edge"}, nil)
	for _, text := range []string{"It failed, and went back", "You let something go wrong", "The gateway serves another certificate than it was given", `<li class="failed">`} {
		if !strings.Contains(body, text) {
			t.Errorf("the report of a failure lacks %q:\n%s", text, plain(body))
		}
	}
	if status, _ := st.send(t, base+"/rehearse", map[string]string{"fault": "<b>@edge"}, nil); status != http.StatusBadRequest {
		t.Errorf("a fault that there is none: %d", status)
	}
	if list := st.happened(since); len(list) > 0 {
		t.Errorf("it happened to the deployment: %+v", list)
	}
	if runs, err := st.options.App.Runs(t.Context()); err != nil || len(runs) > 0 {
		t.Errorf("rehearsals are in the history: %v, %v", runs, err)
	}

	_, body = st.open(t, base+"/review")
	st.wantPage(t, body, base+"/review", "Rehearsed at", "with a fault: The gateway serves another certificate than it was given")
	_, _ = st.send(t, base+"/go", map[string]string{"plan": answerOf.FindStringSubmatch(body)[1]}, nil)
	if err := st.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if runs, err := st.options.App.Runs(t.Context()); err != nil || len(runs) != 1 || runs[0].Outcome != string(rotation.Verified) {
		t.Errorf("runs %+v (%v)", runs, err)
	}
}

// Who stops a rehearsal is told that nothing was changed, and goes back to the
// review; who has signed in anew is not shown what the one before has rehearsed.
func TestARehearsalIsStoppedAndIsOfOneSignIn(t *testing.T) {
	t.Parallel()
	st := newRenewalStage(t, "single")
	st.options.Scale = 1 // it lasts
	base, _ := st.toReview(t)
	r := st.request(t, base+"/rehearse")
	answer, err := st.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	going := st.book.Find(func(w *work.Work) bool { return w.Job().Kind == rehearsalKind && !w.Ended() })
	if len(going) != 1 || answer.Request.URL.Path != "/work/"+going[0].ID {
		t.Fatalf("%d go on; it leads to %s", len(going), answer.Request.URL)
	}
	_, body := st.open(t, base+"/review")
	if !strings.Contains(body, `href="/work/`+going[0].ID+`"`) {
		t.Error("the review does not lead to the rehearsal that goes on")
	}
	_, body = st.send(t, "/work/"+going[0].ID+"/stop", nil, nil)
	for _, text := range []string{"Stopped, as you asked", "Nothing was changed", `href="` + base + `/review"`} {
		if !strings.Contains(body, text) {
			t.Errorf("the page lacks %q:\n%s", text, plain(body))
		}
	}
	going[0].Put(rehearsalKind, rehearsalReport{Deployment: "gis", era: st.pending.now() - 1})
	if status, _ := st.open(t, "/rehearsals/"+going[0].ID); status != http.StatusNotFound {
		t.Errorf("the report of another sign-in: %d", status)
	}
	if status, _ := st.open(t, "/rehearsals/x"); status != http.StatusNotFound {
		t.Errorf("no report: %d", status)
	}
}

// request is a form without anything in it.
func (st *renewalStage) request(t *testing.T, path string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, st.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", st.base)
	return r
}

// The replacement of machines' certificates is rehearsed with what was seen of them.
func TestAReplacementIsRehearsed(t *testing.T) {
	t.Parallel()
	st := newMachinesStage(t)
	st.options.Scale = 600
	machines := st.page + "/machines"
	_, _ = st.send(t, machines+"/certificates", map[string]string{"source": "issue", "days": "90"}, map[string][]byte{})
	_, body := st.login(t, machines+"/logins", st.password)
	st.wantPage(t, body, machines+"/review", `formaction="`+machines+`/rehearse"`, "machine-does-not-return@restart")
	answer := answerOf.FindStringSubmatch(body)[1]
	since := len(st.world.Ground().Ledger.Events())
	_, body = st.send(t, machines+"/rehearse", nil, nil)
	for _, text := range []string{"It went well", "every machine serves its new certificate", "away about", `href="` + machines + `/review"`} {
		if !strings.Contains(body, text) {
			t.Errorf("the report lacks %q:\n%s", text, plain(body))
		}
	}
	if list := st.happened(since); len(list) > 0 {
		t.Errorf("it happened to the deployment: %+v", list)
	}
	_, body = st.open(t, machines+"/review")
	if !strings.Contains(body, answer) || !strings.Contains(body, "Rehearsed at") {
		t.Errorf("the plan does not wait any more:\n%s", plain(body))
	}
}

// The shape of what was looked at is saved, with its names or without, and holds no
// secret; it is a file, and kept by nobody on the way.
func TestTheShapeOfADeploymentIsSaved(t *testing.T) {
	t.Parallel()
	st := newMachinesStage(t)
	if _, body := st.open(t, st.page+"/shape?mask=yes"); st.at.Path != st.page || !strings.Contains(body, "Save its shape") {
		t.Errorf("without a look it leads to %s", st.at)
	}
	files, texts := map[bool]string{}, map[bool][]byte{}
	for query, masked := range map[string]bool{"": false, "?mask=yes": true} {
		answer, err := st.client.Get(st.base + st.page + "/shape" + query)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		saved, err := shape.Read(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		domain := st.world.Deployments()[0].Domain
		if saved.Masked != masked || strings.Contains(string(text), domain) == masked {
			t.Errorf("%q: masked %v", query, saved.Masked)
		}
		file := answer.Header.Get("Content-Disposition")
		if !regexp.MustCompile(`^attachment; filename="shape-[A-Za-z0-9.-]+\.json"$`).MatchString(file) || answer.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%q: %s, %s", query, file, answer.Header.Get("Cache-Control"))
		}
		files[masked], texts[masked] = file, text
	}
	st.rehearseSaved(t, texts[false], texts[true])
	if files[true] == files[false] {
		t.Errorf("the file with masked names is called %s, as the other", files[true])
	}
	if name := shapeFile(shape.Shape{Deployment: shape.Deployment{Name: "../\"\r\nx<b>é"}}); name != "shape-x-b.json" {
		t.Errorf("a strange name makes %q", name)
	}
}

// rehearseSaved rehearses with what was saved, where nobody is signed in.
func (st *machinesStage) rehearseSaved(t *testing.T, plainly, masked []byte) {
	t.Helper()
	away := &renewalStage{stage: newStage(t, Options{Scale: 600})}
	pfx := st.pfx(t, nil, "opens it")
	for _, test := range []struct {
		files          map[string][]byte
		password, says string
	}{
		{map[string][]byte{}, "", "Choose the file of a shape."},
		{map[string][]byte{"shape": pfx}, "", "shape.pfx is no shape that was saved: it is no JSON"},
		{map[string][]byte{"shape": plainly}, "", "Choose the new certificate, too."},
		{map[string][]byte{"shape": plainly, "pfx": pfx}, "typed-and-wrong", "This is not the password of pfx.pfx."},
		{map[string][]byte{"shape": plainly, "pfx": plainly}, "", "pfx.pfx: "},
		{map[string][]byte{"shape": plainly, "pfx": pfx}, "opens it", "It went well"},
		{map[string][]byte{"shape": masked}, "", "names are masked, so the world made one"},
	} {
		_, body := away.send(t, "/rehearse", map[string]string{"password": test.password, "fault": ""}, test.files)
		if !strings.Contains(body, test.says) || strings.Contains(body, "typed-and-wrong") {
			t.Errorf("%s does not say %q:\n%s", away.at, test.says, plain(body))
		}
	}
}
