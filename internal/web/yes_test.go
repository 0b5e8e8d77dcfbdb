package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// A yes is to the plan that was shown: not to one that was made since, nor to one
// that is old, nor twice.
func TestAYesIsToThePlanThatWasShown(t *testing.T) {
	t.Parallel()
	var plans pendings
	made := time.Now()
	keep := func() string {
		plans.keepOf(plans.now(), "undo run", pending{ready: &app.Prepared{Session: &app.Session{}}}, made)
		kept, there := plans.get("undo run", made)
		if !there {
			t.Fatal("a plan is not kept")
		}
		return kept.answer
	}
	before, now := keep(), keep()
	for said, answer := range map[string]string{"to the plan before": before, "to nothing": "", "to another": "x"} {
		if _, yes := plans.take("undo run", answer); yes {
			t.Errorf("a yes %s is taken for one to this plan", said)
		}
	}
	if _, there := plans.get("undo run", made.Add(pendingFor+time.Second)); there {
		t.Error("an old plan still waits")
	}
	if _, yes := plans.take("undo run", now); !yes {
		t.Error("the yes to the plan that is shown is none")
	}
	if _, yes := plans.take("undo run", now); yes {
		t.Error("the yes was good twice")
	}
	era := plans.now()
	plans.forgetAll() // somebody else signs in while it is made
	plans.keepOf(era, "undo run", pending{ready: &app.Prepared{Session: &app.Session{}}}, made)
	if _, there := plans.get("undo run", made); there {
		t.Error("a plan of the sign-in before is there")
	}
}

// Go carries the plan in its form that was read; one that was made anew meanwhile
// is read first.
func TestGoIsForThePlanThatWasRead(t *testing.T) {
	t.Parallel()
	s := New(t.Context(), Options{})
	renewal := s.renewals.Begin()
	renewal.Ready = &app.Prepared{Session: &app.Session{}, Plan: rotation.Plan{Hash: "made anew"}}
	r := httptest.NewRequest(http.MethodPost, "/renew/"+renewal.ID+"/go", strings.NewReader("plan=read"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	if err := s.goNow(w, r, renewal); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(w.Header().Get("Location"), "/review") || !strings.Contains(renewal.Notice, "made anew since you saw it") {
		t.Errorf("it leads to %s and says %q", w.Header().Get("Location"), renewal.Notice)
	}
	if begun := s.book.Find(func(*work.Work) bool { return true }); len(begun) != 0 {
		t.Errorf("%s was begun", begun[0].Job().Title)
	}
}

// What gives a sign-in up stops nothing else that goes on here.
func TestGivingASignInUpStopsNothingElse(t *testing.T) {
	t.Parallel()
	st := newStage(t, Options{})
	hold := make(chan struct{})
	run := st.book.Start(work.Job{Kind: runKind, Title: "Renewing"}, func(ctx context.Context, _ *work.Work) (any, error) {
		<-hold
		return nil, ctx.Err()
	})
	st.post(t, "/sign-in/"+run.ID+"/cancel", nil)
	st.post(t, "/api/v1/account/sign-in/"+run.ID+"/stop", nil)
	if run.Stopping() {
		t.Error("a run is stopped by what gives a sign-in up")
	}
	close(hold)
	run.Wait(t.Context(), time.Minute)
}
