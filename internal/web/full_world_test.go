package web

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"html"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// says wants a page to say these texts.
func (st *renewalStage) says(t *testing.T, path string, texts ...string) (body string) {
	t.Helper()
	status, body := st.open(t, path)
	for _, text := range texts {
		if status != http.StatusOK || !strings.Contains(html.UnescapeString(body), text) {
			t.Errorf("%s: %d, without %q:\n%s", path, status, text, plain(body))
		}
	}
	return body
}

// served is the beginning of the fingerprint of what clients get: a handshake of our
// own, through the world's proxy.
func (st *renewalStage) served(t *testing.T) string {
	t.Helper()
	answer, err := st.person(t).Client.Get("https://" + st.world.Deployments()[0].Domain + "/portal/home/")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	sum := sha256.Sum256(answer.TLS.PeerCertificates[0].Raw)
	return strings.ReplaceAll(fmt.Sprintf("% X", sum[:8]), " ", ":")
}

// Where nothing can be written down nothing is begun; the page says what clients are
// served and what helps, and leads back.
func TestNoRunBeginsThatCannotBeWrittenDown(t *testing.T) {
	t.Parallel()
	st := newRenewalStage(t, "single")
	base, yes := st.toReview(t)
	file := filepath.Join(t.TempDir(), "a file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	good := st.variables["CARTOUCHE_STATE_DIR"]
	st.variables["CARTOUCHE_STATE_DIR"] = filepath.Join(file, "state") // which nobody may write, not even root
	since := len(st.world.Ground().Ledger.Events())
	_, body := st.send(t, base+"/go", map[string]string{"plan": yes}, nil)
	for _, text := range []string{"The journal cannot be used", "cannot be written", "nothing was changed", "CARTOUCHE_STATE_DIR"} {
		if !strings.Contains(body, text) {
			t.Errorf("%s does not say %q:\n%s", st.at, text, plain(body))
		}
	}
	if list := st.happened(since); len(list) > 0 {
		t.Errorf("it happened all the same: %+v", list)
	}
	back := regexp.MustCompile(`<a class="button" href="([^"]+)">Back`).FindStringSubmatch(body)
	if back == nil {
		t.Fatalf("there is no way back:\n%s", plain(body))
	}
	st.variables["CARTOUCHE_STATE_DIR"] = good
	if status, _ := st.open(t, back[1]); status != http.StatusOK {
		t.Errorf("back at %s: %d", back[1], status)
	}
}

// A journal that takes nothing any more in the middle of a run does not stop it: it
// ends well, and the page says that, and what is not written down. Afterwards nobody
// calls it anything but a run without an end.
func TestTheJournalTakesNothingInMidRun(t *testing.T) {
	t.Parallel()
	st := newRenewalStage(t, "single")
	base, yes := st.toReview(t)
	conflict := ground.Fault{Name: "conflict", Step: "gateway-put", Times: -1}
	st.world.Ground().Faults.Add(conflict) // it waits at its first write
	_, _ = st.send(t, base+"/go", map[string]string{"plan": yes}, nil)
	run := st.at.Path
	if !strings.HasPrefix(run, "/runs/") {
		t.Fatalf("Go leads to %s", st.at)
	}
	db, err := sql.Open("sqlite", filepath.Join(st.variables["CARTOUCHE_STATE_DIR"], "journal.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	begun := 0
	for end := time.Now().Add(20 * time.Second); begun == 0 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM steps").Scan(&begun); err != nil {
			t.Fatal(err)
		}
	}
	if begun == 0 {
		t.Fatal("no step begins")
	}
	for _, event := range []string{"UPDATE ON steps", "INSERT ON steps", "UPDATE ON runs", "INSERT ON evidence"} {
		if _, err := db.ExecContext(t.Context(), "CREATE TRIGGER full_"+strings.ReplaceAll(event, " ", "_")+" BEFORE "+event+" BEGIN SELECT RAISE(ABORT, 'no room'); END"); err != nil {
			t.Fatal(err)
		}
	}
	st.world.Ground().Faults.Off(conflict.Name, conflict.Step)
	if err := st.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	body := st.says(t, run, "verified", "The end of this run could not be written down", "the journal could not be written", "Look at the deployment")
	if strings.Contains(body, "cut off: nobody knows") || strings.Contains(body, "not begun") {
		t.Errorf("of a run that went well it says\n%s", plain(body))
	}
	if served := st.served(t); !strings.Contains(body, served) {
		t.Errorf("clients get %s, and the page says\n%s", served, plain(body))
	}
	st.says(t, "/history", "cut off", "or the disk was full", "Open the deployment to see what came of it")
	if list, err := st.options.App.Runs(context.WithoutCancel(t.Context())); err != nil || len(list) != 1 || list[0].Outcome == string(rotation.Verified) {
		t.Errorf("the journal has %+v, %v", list, err)
	}
}
