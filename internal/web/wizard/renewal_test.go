package wizard

import (
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

func TestAStepThatMissesAnAnswerLeadsToIt(t *testing.T) {
	t.Parallel()
	answers := Answers{}
	for _, step := range Steps() {
		missing, sentence := answers.Missing(Review)
		if step == Review {
			if missing != "" || sentence != "" {
				t.Errorf("everything is answered and %s is missing: %s", missing, sentence)
			}
			continue
		}
		if missing != step || sentence == "" {
			t.Errorf("the review misses %s (%q), want %s", missing, sentence, step)
		}
		if at, _ := answers.Missing(step); at != "" {
			t.Errorf("%s misses %s", step, at)
		}
		answers[step] = "answer"
	}
	answers.forget(Certificate)
	if missing, _ := answers.Missing(Review); missing != Certificate {
		t.Errorf("after going back the review misses %s", missing)
	}
	if _, known := answers[Deployment]; !known {
		t.Error("going back to the certificate has forgotten the deployment")
	}
}

func TestTheStepper(t *testing.T) {
	t.Parallel()
	answers := Answers{SignIn: "jo@contoso.com", Tenant: "Contoso", Subscription: "all", Deployment: "prod"}
	for _, mark := range answers.Marks(Deployment) {
		_, done := answers[mark.Step]
		open := done && mark.Step != Deployment || mark.Step == Certificate
		if mark.Done != done || mark.Current != (mark.Step == Deployment) || mark.Open != open || mark.Title == "" {
			t.Errorf("%+v, want done %v, open %v", mark, done, open)
		}
	}
	if SignIn.Before() != "" || Review.After() != "" || Certificate.Before() != Deployment || Certificate.After() != Credentials {
		t.Error("steps are out of order")
	}
	if Step("other").Known() || !Review.Known() {
		t.Error("steps are not known")
	}
}

func TestWhatCanBeGoneOnWith(t *testing.T) {
	t.Parallel()
	bundle := &pki.Bundle{}
	refused := pki.Findings{{Severity: pki.Refusal}}
	for _, test := range []struct {
		chosen Chosen
		want   bool
	}{
		{Chosen{}, false},
		{Chosen{Source: FromFile}, false},
		{Chosen{Source: FromFile, File: File{Data: []byte{1}}}, false},
		{Chosen{Source: FromFile, Bundle: bundle, Judged: refused}, false},
		{Chosen{Source: FromFile, Bundle: bundle}, true},
		{Chosen{Source: FromVault, Vault: "v"}, false},
		{Chosen{Source: FromVault, Vault: "v", Name: "n"}, true},
		{Chosen{Source: Create, Bundle: bundle, Vault: "v"}, false},
		{Chosen{Source: Create, Vault: "v", Name: "n"}, false},
		{Chosen{Source: Create, Bundle: bundle, Vault: "v", Name: "n"}, true},
		{Chosen{Source: Again}, true},
		{Chosen{Source: Follow}, true},
	} {
		if got := test.chosen.Usable(); got != test.want {
			t.Errorf("%+v: usable %v", test.chosen, got)
		}
	}
}

func answered(r *Renewal) {
	for _, step := range Steps() {
		r.Answers[step] = "answer"
	}
	r.Logins = Logins{SiteAdmin: "siteadmin", SiteAdminPassword: secret.New("a"), ServiceAccount: "arcgis", ServiceAccountPassword: secret.New("b")}
	r.Ready = "a plan"
}

func TestLockingTakesSecretsAway(t *testing.T) {
	t.Parallel()
	book := NewBook(time.Now)
	withFile, inVault := book.Begin(), book.Begin()
	answered(withFile)
	answered(inVault)
	data := []byte{1, 2, 3}
	withFile.Chosen = Chosen{Source: FromFile, File: File{Name: "gis.pfx", Data: data}, Bundle: &pki.Bundle{}}
	inVault.Chosen = Chosen{Source: FromVault, Vault: "v", Name: "n"}
	turn := inVault.Turn
	book.Lock()
	for r, missing := range map[*Renewal]Step{withFile: Certificate, inVault: Credentials} {
		l := r.Logins
		if !l.SiteAdminPassword.Empty() || !l.ServiceAccountPassword.Empty() || r.Ready != nil || r.Chosen.File.Data != nil || r.Chosen.Bundle != nil {
			t.Errorf("secrets stay: %+v", r.Chosen)
		}
		if l.SiteAdmin != "siteadmin" || l.ServiceAccount != "arcgis" {
			t.Errorf("names are gone: %+v", l)
		}
		if step, _ := r.Answers.Missing(Review); step != missing {
			t.Errorf("after unlocking %s is missing, want %s", step, missing)
		}
		if again, ok := book.Find(r.ID); !ok || again != r {
			t.Error("the renewal is gone")
		}
	}
	if data[0] != 0 || inVault.Turn == turn {
		t.Error("the bytes of the file stay, or a plan that is being made would be kept")
	}
}

func TestTheBookIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	book := NewBook(func() time.Time { return now })
	first := book.Begin()
	answered(first)
	var used *Renewal
	for i := range 2 * most {
		now = now.Add(time.Second)
		r := book.Begin()
		if i == 0 {
			used = r
		}
		if _, ok := book.Find(used.ID); !ok {
			t.Fatalf("the one in use was dropped after %d", i)
		}
	}
	if len(book.list) > most {
		t.Errorf("%d renewals are kept", len(book.list))
	}
	if _, ok := book.Find(first.ID); ok || !first.Logins.SiteAdminPassword.Empty() {
		t.Error("the oldest stays, or its secrets")
	}
	answered(used)
	now = now.Add(age + time.Second)
	if _, ok := book.Find(used.ID); ok || !used.Logins.SiteAdminPassword.Empty() {
		t.Error("an old one stays, or its secrets")
	}
	if len(book.list) != 0 {
		t.Errorf("%d old ones stay", len(book.list))
	}
	last := book.Begin()
	answered(last)
	book.Drop(last.ID)
	if _, ok := book.Find(last.ID); ok || !last.Logins.SiteAdminPassword.Empty() {
		t.Error("one that ended stays, or its secrets")
	}
}

func TestAnotherDeployment(t *testing.T) {
	t.Parallel()
	r := NewBook(time.Now).Begin()
	r.Choose(deployment.Deployment{Name: "prod", GatewayID: "a"}, false)
	answered(r)
	r.Chosen = Chosen{Source: FromFile, Bundle: &pki.Bundle{}, Judged: pki.Findings{{Code: "x"}}}
	r.Choose(deployment.Deployment{Name: "test", GatewayID: "b"}, true)
	if !r.Logins.SiteAdminPassword.Empty() || r.Logins.SiteAdmin != "" {
		t.Error("a login of another deployment would be sent to this one")
	}
	if r.Chosen.Bundle == nil || r.Chosen.Judged != nil || r.Ready != nil || r.Answers[Deployment] != "test" {
		t.Errorf("%+v %v", r.Chosen, r.Answers)
	}
	if step, _ := r.Answers.Missing(Review); step != Certificate {
		t.Errorf("%s is missing", step)
	}
}

func TestWhatAPlanHoldsOpenIsClosed(t *testing.T) {
	t.Parallel()
	r := NewBook(time.Now).Begin()
	closed := make(chan string, 2)
	r.Keep("first", func() { closed <- "first" })
	r.Reopen(Credentials)
	if got := <-closed; got != "first" || r.Ready != nil {
		t.Errorf("%s was closed, and %v is kept", got, r.Ready)
	}
	r.Keep("second", func() { closed <- "second" })
	if got := r.Take(); got != "second" {
		t.Errorf("%v was taken", got)
	}
	r.Reopen(SignIn)
	if len(closed) > 0 {
		t.Error("what is being carried out was closed")
	}
}
