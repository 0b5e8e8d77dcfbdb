package machine_test

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/machine"
)

// The first good answer after a change may still come from the web server that
// is about to go down: only a second one, an interval later, is believed.
func TestOneGoodAnswerAfterAChangeIsNotBelieved(t *testing.T) {
	t.Parallel()
	var assigned atomic.Bool
	var looks, seenAtEnd atomic.Int64 // looks after the change, and how many there were when it was believed
	expect := ""
	job := hostile(t, map[string]http.HandlerFunc{
		"M": func(w http.ResponseWriter, _ *http.Request) {
			alias := "own"
			if assigned.Load() {
				alias = "renewed"
				seenAtEnd.Store(looks.Load())
			}
			_, _ = io.WriteString(w, `{"webServerCertificateAlias":"`+alias+`"}`)
		},
		"sslcertificates": says(`{"certificates":["own","renewed"]}`),
		"renewed": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"entryType":"PrivateKeyEntry","sha256Fingerprint":"`+expect+`"}`)
		},
		"edit": func(w http.ResponseWriter, _ *http.Request) {
			assigned.Store(true)
			_, _ = io.WriteString(w, `{"status":"success"}`)
		},
		"healthcheck": func(w http.ResponseWriter, _ *http.Request) {
			if n := looks.Load(); assigned.Load() {
				looks.Add(1)
				if n == 1 || n == 2 { // well once more, and then away
					http.Error(w, "starting", http.StatusServiceUnavailable)
					return
				}
			}
			_, _ = io.WriteString(w, `{"success":true}`)
		},
	})
	expect = job.Pins[0]
	job.Interval, job.Patience = 20*time.Millisecond, 5*time.Second
	port := job.Components[0].Port
	job.Tasks = []machine.Task{{Kind: machine.Activate, Port: port, Alias: "renewed", Expect: expect}}
	report := (&machine.Worker{}).Do(t.Context(), job)
	if len(report.Tasks) != 1 || report.Tasks[0].State != machine.TaskDone {
		t.Fatalf("%+v", report.Tasks)
	}
	if n := seenAtEnd.Load(); n < 5 {
		t.Errorf("it was believed after %d looks, of which the second and the third found it away", n)
	}
}
