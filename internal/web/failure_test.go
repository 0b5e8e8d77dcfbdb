package web

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
)

func TestFailureSaysWhatHappenedWhatIsServedAndWhatHelps(t *testing.T) {
	t.Parallel()
	err := app.WhileServing(&rotation.RefusedError{Findings: pki.Findings{
		{Code: "expired", Severity: pki.Refusal, Sentence: "it has ended", Mend: "order a new one"},
		{Code: "note", Severity: pki.Note, Sentence: "not shown"},
	}}, "as before", "")
	status, page := failurePage(app.Explain(err))
	want := pages.Notice{
		Kind: "error", Title: "What happened", Text: "Certificate refused: it has ended (and 1 more).", List: []string{"It has ended."},
		Next: []string{"Clients are served as before.", "What helps: order a new one."},
	}
	if diff := cmp.Diff(want, page.Data); diff != "" || page.Title != "The certificate was refused" || status != http.StatusUnprocessableEntity {
		t.Errorf("%d %s: %s", status, page.Title, diff)
	}
}

func TestFailureLeadsToWhereItGoesOn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err    error
		status int
		link   string
	}{
		{&journal.NotFoundError{ID: "x"}, http.StatusNotFound, "/history"},
		{&app.LockedError{}, http.StatusConflict, "/history"},
		{app.Usage("", "choose one"), http.StatusBadRequest, ""},
		{fmt.Errorf("no idea"), http.StatusInternalServerError, ""},
	} {
		status, page := failurePage(app.Explain(test.err))
		notice, ok := page.Data.(pages.Notice)
		if !ok || status != test.status || notice.Link != test.link {
			t.Errorf("%v: %d to %q, want %d to %q", test.err, status, notice.Link, test.status, test.link)
		}
	}
}

func TestCommandOfAHintStandsByItself(t *testing.T) {
	t.Parallel()
	for hint, want := range map[string][2]string{
		"":                                   {"", ""},
		"order a new one":                    {"order a new one", ""},
		"cartouche login":                    {"", "cartouche login"},
		"type more of it: cartouche history": {"type more of it", "cartouche history"},
		"look: cartouche account; or wait":   {"look: cartouche account; or wait", ""},
	} {
		if help, command := splitHint(hint); [2]string{help, command} != want {
			t.Errorf("%q: %q and %q, want %q", hint, help, command, want)
		}
	}
}
