package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

var wildcard = regexp.MustCompile(`\{[a-z0-9]+\}`)

// TestNoRouteIsOpen goes through all routes as those do who are not the person at
// the pages: without the cookie, with a forged one, and from pages of other origins
// in whose name a browser sends the person's own.
func TestNoRouteIsOpen(t *testing.T) {
	t.Parallel()
	world := worldtest.Start(t, sim.Options{World: "single", Scale: 600})
	st := newStage(t, Options{World: "single", Simulated: world})
	at, err := url.Parse(st.base)
	if err != nil {
		t.Fatal(err)
	}
	own := st.client.Jar.Cookies(at)[0]
	forged := *own
	forged.Value = strings.Repeat("a", len(own.Value))
	attackers := []struct {
		name    string
		cookie  *http.Cookie
		headers map[string]string
		reads   bool // tries GET, too
	}{
		{"nobody", nil, nil, true},
		{"a forged cookie", &forged, nil, true},
		{"nobody, as our own page", nil, map[string]string{"Origin": st.base, "Sec-Fetch-Site": "same-origin"}, true},
		{"a page of another site", own, map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, true},
		{"a page that hides its origin", own, map[string]string{"Origin": "null"}, true},
		{"a form of another site, from a browser that does not tell its origin", own, map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, false},
		{"another port of this computer", own, map[string]string{"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"}, true},
		{"a picture in another page", own, map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, true},
		{"a name that is rebound", own, map[string]string{"Host": "evil.example:" + at.Port()}, true},
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	posts := 0
	for _, pattern := range st.patterns {
		method, path, found := strings.Cut(pattern, " ")
		if !found {
			method, path = http.MethodPost, pattern // any
		}
		if method == http.MethodPost {
			posts++
		} else if method != http.MethodGet {
			t.Errorf("%s: only GET and POST are guarded", pattern)
		}
		for _, attacker := range attackers {
			if method == http.MethodGet && !attacker.reads {
				continue
			}
			r, err := http.NewRequestWithContext(t.Context(), method, st.base+wildcard.ReplaceAllString(path, "x"), nil)
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range attacker.headers {
				r.Header.Set(name, value)
			}
			r.Host = r.Header.Get("Host")
			if attacker.cookie != nil {
				r.AddCookie(attacker.cookie)
			}
			answer, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			switch answer.StatusCode {
			case http.StatusUnauthorized, http.StatusForbidden, http.StatusMisdirectedRequest:
			default:
				t.Errorf("%s by %s: %d\n%s", pattern, attacker.name, answer.StatusCode, plain(string(body)))
			}
		}
	}
	if posts < 20 {
		t.Errorf("only %d routes that change something were tried", posts)
	}
	// None of the attackers has locked the pages, or anything else.
	if status, _ := st.get(t, "/sign-in"); status != http.StatusOK {
		t.Errorf("afterwards the person gets %d", status)
	}
}

// toReview brings a renewal from a file to its review, and gives the yes to it.
func (st *renewalStage) toReview(t *testing.T) (base, yes string) {
	t.Helper()
	base = st.toCertificate(t)
	_, _ = st.send(t, base+"/certificate", map[string]string{"from": "file", "password": "x"}, map[string][]byte{"pfx": st.pfx(t, nil, "x")})
	_, body := st.send(t, base+"/certificate/use", nil, nil)
	st.wantPage(t, body, "/credentials")
	_, body = st.send(t, base+"/credentials", map[string]string{"without-portal": "yes"}, nil)
	st.wantPage(t, body, "/review")
	found := answerOf.FindStringSubmatch(body)
	if found == nil {
		t.Fatal("the plan has no hash:\n" + plain(body))
	}
	return base, found[1]
}

// A renewal that was planned as one account is not carried out as another, and
// nothing of it is left when nobody is signed in.
func TestARenewalDoesNotGoOnAsSomebodyElse(t *testing.T) {
	t.Parallel()
	st := newRenewalStage(t, "single")
	base, yes := st.toReview(t)
	before, err := st.login(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	// The same sign-in that looks elsewhere: the file stays, the plan goes.
	elsewhere := before.Elsewhere(nil, cloud.Asked{})
	st.enter(elsewhere)
	_, body := st.send(t, base+"/go", map[string]string{"plan": yes}, nil)
	st.wantPage(t, body, "/deployment", "Another sign-in is used since")
	renewal, known := st.renewals.Find(strings.TrimPrefix(base, "/renew/"))
	if !known || renewal.Chosen.Bundle == nil || renewal.Ready != nil {
		t.Fatalf("known %v, the file is kept: %v, so is the plan: %v", known, renewal.Chosen.Bundle != nil, renewal.Ready != nil)
	}

	// Somebody else: the file and the passwords go, too.
	base, yes = st.toReview(t)
	other := st.signed.login.Elsewhere(nil, cloud.Asked{})
	other.Identity.Name, other.Identity.ObjectID = "somebody@else.example", "else"
	st.enter(other)
	_, body = st.send(t, base+"/go", map[string]string{"plan": yes}, nil)
	st.wantPage(t, body, "/deployment", "Another sign-in is used since")
	if renewal, _ = st.renewals.Find(strings.TrimPrefix(base, "/renew/")); renewal.Chosen.Bundle != nil || renewal.Chosen.File.Data != nil || renewal.Seen != nil {
		t.Error("the file of the one before is still there")
	}

	// Nobody.
	st.enter(before)
	base, yes = st.toReview(t)
	st.enter(nil)
	_, _ = st.send(t, base+"/go", map[string]string{"plan": yes}, nil)
	if st.at.Path != base+"/sign-in" {
		t.Errorf("after signing out Go leads to %s", st.at)
	}
	if runs := st.book.Find(func(w *work.Work) bool { return w.Job().Kind == runKind }); len(runs) != 0 {
		t.Errorf("%d runs were begun", len(runs))
	}
}

// Go that is clicked twice begins one run, and both clicks lead to it; so does a
// login that is sent twice.
func TestClickingTwiceIsOnce(t *testing.T) {
	t.Parallel()
	st := newRenewalStage(t, "single")
	base, _ := st.toReview(t)
	login := map[string]string{"site-admin": st.variables["CARTOUCHE_SITE_ADMIN"], "site-admin-password": st.variables["CARTOUCHE_SITE_ADMIN_PASSWORD"]}
	bodies := st.atOnce(t, 3, base+"/credentials", login)
	plans := st.book.Find(func(w *work.Work) bool { return w.Job().Kind == "plan" })
	if len(plans) != 2 { // the first was that of toReview
		t.Errorf("%d plans were made", len(plans))
	}
	yes := answerOf.FindStringSubmatch(bodies[0])
	for _, body := range bodies {
		if !strings.Contains(body, "Accepted by Portal") || yes == nil {
			t.Fatalf("one of the clicks leads to\n%s", plain(body))
		}
	}
	for _, body := range st.atOnce(t, 3, base+"/go", map[string]string{"plan": yes[1]}) {
		if !strings.Contains(body, "Renewing the certificate of") {
			t.Errorf("one of the clicks leads to\n%s", plain(body))
		}
	}
	if err := st.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if runs, err := st.options.App.Runs(t.Context()); err != nil || len(runs) != 1 || runs[0].Outcome != string(rotation.Verified) {
		t.Errorf("runs %+v (%v)", runs, err)
	}
}

// atOnce sends the same form from several windows, and gives what they show at last.
func (st *renewalStage) atOnce(t *testing.T, windows int, path string, values map[string]string) []string {
	t.Helper()
	bodies := make([]string, windows)
	var group sync.WaitGroup
	for i := range windows {
		window := *st
		group.Go(func() { _, bodies[i] = window.send(t, path, values, nil) })
	}
	group.Wait()
	return bodies
}

// Windows side by side try no more passwords than one does.
func TestWindowsSideBySideTryThreePasswords(t *testing.T) {
	t.Parallel()
	now := time.Now()
	attempts := wizard.NewAttempts(func() time.Time { return now })
	var group sync.WaitGroup
	tried := make(chan bool, 20)
	for range 20 {
		group.Go(func() { tried <- attempts.Try("x") })
	}
	group.Wait()
	close(tried)
	count := 0
	for ok := range tried {
		if ok {
			count++
		}
	}
	if count != wizard.MostAttempts {
		t.Errorf("%d were tried at the same time", count)
	}
	attempts.Untried("x")
	if !attempts.Try("x") || attempts.Try("x") {
		t.Error("a try that came to nothing is not given back, or twice")
	}
	if attempts.Right("x"); !attempts.Try("x") {
		t.Error("a right password does not count")
	}
}

// A run needs the sign-in, also to go back: nobody signs out or in under it.
func TestTheSignInStaysAsLongAsARunGoesOn(t *testing.T) {
	t.Parallel()
	b := newRunBench(t)
	reached, goOn := make(chan struct{}), make(chan struct{})
	b.begun = func() {
		close(reached)
		<-goOn
	}
	id := b.begin()
	<-reached
	for _, path := range []string{"/sign-out", "/sign-in"} {
		if status, body := b.post(t, path, nil); status != http.StatusConflict || !strings.Contains(body, "The sign-in was not changed") {
			t.Errorf("%s during a run: %d\n%s", path, status, plain(body))
		}
	}
	st := newAPIStage(t, &renewalStage{stage: b.stage, variables: b.visitor.Variables})
	for _, path := range []string{"/account/sign-out", "/account/sign-in"} {
		var failed failure
		if st.ask(t, request{operation: "POST " + path, path: path}, http.StatusConflict, &failed); failed.Error.Code != "locked" {
			t.Errorf("%s during a run: %+v", path, failed)
		}
	}
	close(goOn)
	if run := b.ended(id); run.Outcome != string(rotation.Verified) {
		t.Errorf("the run ended as %s", run.Outcome)
	}
	if status, _ := b.post(t, "/sign-out", nil); status != http.StatusOK {
		t.Errorf("after the run signing out answers %d", status)
	}
}

// endless is a file that somebody sends without saying how large it is.
type endless struct{ left int }

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := min(len(p), e.left)
	e.left -= n
	return n, nil
}

// TestManyLargeUploads sends fifty files of 20 MB at the same time, with and without
// their length, and looks at how much memory is taken meanwhile.
func TestManyLargeUploads(t *testing.T) {
	s := New(t.Context(), Options{App: &app.App{Now: time.Now, Lookup: func(string) string { return "" }}})
	st := stageOf(t, s)
	renewal := s.renewals.Begin()
	for _, step := range wizard.Steps() {
		renewal.Answers[step] = "x"
	}
	s.signed.login, renewal.Deployment = &app.Login{Session: &app.Session{}}, &deployment.Deployment{}
	// What is held counts, and not the garbage of other tests: these collect it late.
	defer debug.SetGCPercent(debug.SetGCPercent(50))
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	before, most := stats.HeapAlloc, uint64(0)
	done := make(chan struct{})
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		for {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
				runtime.ReadMemStats(&stats)
				most = max(most, stats.HeapAlloc)
			}
		}
	}()
	jar, _ := cookiejar.New(nil)
	at, _ := url.Parse(st.base)
	jar.SetCookies(at, st.client.Jar.Cookies(at))
	client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var group sync.WaitGroup
	var mu sync.Mutex
	read := false
	for i := range 50 {
		group.Go(func() {
			head := "--x\r\nContent-Disposition: form-data; name=\"roots\"; filename=\"a.pfx\"\r\n\r\n"
			r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, st.base+"/renew/"+renewal.ID+"/choices", io.MultiReader(strings.NewReader(head), &endless{20 << 20}))
			if i%2 == 0 {
				r.ContentLength = int64(len(head) + 20<<20)
			}
			r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
			r.Header.Set("Origin", st.base)
			answer, err := client.Do(r)
			if err != nil {
				return // it hung up on what it does not want to read
			}
			defer answer.Body.Close()
			if to := answer.Header.Get("Location"); answer.StatusCode != http.StatusRequestEntityTooLarge && !strings.HasSuffix(to, "/certificate") {
				t.Errorf("a file of 20 MB is answered %d, and leads to %q", answer.StatusCode, to)
			}
			mu.Lock()
			defer mu.Unlock()
			read = read || answer.StatusCode == http.StatusSeeOther
		})
	}
	group.Wait()
	close(done)
	<-watching
	taken := int64(most) - int64(before)
	t.Logf("%d MB were taken at most", taken>>20)
	if taken > 100<<20 {
		t.Errorf("50 uploads of 20 MB take %d MB of memory", taken>>20)
	}
	if len(renewal.Choices.RootFiles) != 0 || !read {
		t.Errorf("one of the files was kept: %v; one was read: %v", renewal.Choices.RootFiles, read)
	}
	if status, _ := st.get(t, "/sign-in"); status != http.StatusOK {
		t.Errorf("afterwards a page answers %d", status)
	}
}

// TestNothingGrowsWithoutBound begins more of everything than a person does.
func TestNothingGrowsWithoutBound(t *testing.T) {
	t.Parallel()
	st := newStage(t, Options{})
	first := st.renewals.Begin()
	first.Lock()
	first.Logins.SiteAdmin = "typed"
	first.Deployment = &deployment.Deployment{}
	first.Unlock()
	for range 2000 {
		st.renewals.Begin()
	}
	if _, kept := st.renewals.Find(first.ID); !kept {
		t.Error("a renewal in which something was typed goes for those in which nothing was")
	}
	hold := make(chan struct{})
	defer close(hold)
	refused := 0
	for i := range 2000 {
		w := st.book.Start(work.Job{Kind: "look", Key: fmt.Sprint(i)}, func(context.Context, *work.Work) (any, error) {
			<-hold
			return nil, nil
		})
		if _, err := w.Result(); err == work.ErrBusy {
			refused++
		}
	}
	if going := len(st.book.Find(func(w *work.Work) bool { return !w.Ended() })); going > 64 || refused < 1900 {
		t.Errorf("%d go on, %d were refused", going, refused)
	}
	if kept := len(st.book.Find(func(*work.Work) bool { return true })); kept > 200 {
		t.Errorf("%d works are kept", kept)
	}
	var long bytes.Buffer
	for range 3000 {
		long.WriteString("a=b&")
	}
	if status, _ := st.get(t, "/sign-in?"+long.String()); status != http.StatusOK {
		t.Errorf("a long address answers %d", status)
	}
}
