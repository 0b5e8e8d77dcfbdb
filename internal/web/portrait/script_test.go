package portrait_test

import (
	"net/http/httptest"
	"regexp"
	"strconv"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/web/pages"
)

// TestTheScriptJudgesAsTheServerDoes reads the steps of dates.js and goes up them.
func TestTheScriptJudgesAsTheServerDoes(t *testing.T) {
	t.Parallel()
	address, err := pages.Asset("dates.js")
	if err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	pages.Assets().ServeHTTP(answer, httptest.NewRequest("GET", address, nil))
	steps := regexp.MustCompile(`left < 0 \? "gone" : left <= (\d+) \? "urgent" : left <= (\d+) \? "soon" : "ok"`).FindStringSubmatch(answer.Body.String())
	if steps == nil {
		t.Fatal("dates.js has no such steps")
	}
	urgent, _ := strconv.Atoi(steps[1])
	soon, _ := strconv.Atoi(steps[2])
	for days := -3; days < 500; days++ {
		want := "ok"
		switch {
		case days < 0:
			want = "gone"
		case days <= urgent:
			want = "urgent"
		case days <= soon:
			want = "soon"
		}
		if got := pages.UrgencyOf(days); got != want {
			t.Fatalf("%d days are %q on the server and %q in the script", days, got, want)
		}
	}
}
