package reach_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/agent"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

var vm0 = reach.Machine{ID: vmID, Name: "vm-0", Host: "vm-0.internal", OS: "linux", Components: []machine.Component{{Product: machine.Server, Port: 6443}}}

const canary = "canary-pa55word"

func observing() machine.Job {
	return machine.Job{Admin: "siteadmin", Password: secret.New(canary)}
}

func changing() machine.Job {
	job := observing()
	job.Tasks = []machine.Task{{Kind: machine.Trust, Port: 6443, Alias: "a", PFX: secret.New(canary)}}
	return job
}

func TestAJobTravelsToTheMachineAndItsReportBack(t *testing.T) {
	for _, role := range []bool{true, false} {
		t.Run(fmt.Sprintf("the sign-in may use the data: %v", role), func(t *testing.T) {
			f := newFake(t)
			f.dataRole = role
			way := f.way(nil)
			report, err := way.Do(t.Context(), vm0, observing())
			if err != nil || report.Host != "vm-0.internal" {
				t.Fatalf("got %+v, %v", report, err)
			}
			if job := f.jobs[0]; job.Password.Reveal() != canary || len(job.Components) != 1 || job.Limit <= 0 {
				t.Errorf("the machine was given %+v", job)
			}
			if _, err := way.Do(t.Context(), vm0, changing()); err != nil {
				t.Fatal(err)
			}
			want := 4 // the container and the program, each once, and two jobs
			if !role {
				want++ // the container, which was refused to the sign-in
			}
			if puts := f.count("PUT /cartouche-"); puts != want {
				t.Errorf("%d writes of blobs, want %d", puts, want)
			}
			if asked := f.count("POST " + accountID); role == (asked > 0) {
				t.Errorf("the account's key was asked for %d times", asked)
			}
			for _, line := range f.left() {
				if strings.HasPrefix(line, "run command") {
					t.Error(line, "remains before Close")
				}
			}
		})
	}
}

// What is kept in Azure until the command is deleted holds no secret but in
// the parameters that Azure encrypts.
func TestSecretsAreInProtectedParametersOnly(t *testing.T) {
	f := newFake(t)
	f.vm["properties"].(tree)["storageProfile"] = tree{"osDisk": tree{"osType": "Windows"}}
	var kept tree
	f.run = func(ctx context.Context, c *command) (string, string, int, string) {
		kept = tree{}
		for name, value := range c.properties {
			if name != "protectedParameters" && name != "runAsPassword" {
				kept[name] = value
			}
		}
		if c.properties["runAsUser"] != "arcgis" || c.properties["runAsPassword"] != "canary-run-as" {
			t.Errorf("run as %v", c.properties["runAsUser"])
		}
		return f.script(ctx, c)
	}
	way := f.way(func(o *reach.AgentOptions) {
		o.RunAs = reach.Login{User: "arcgis", Password: secret.New("canary-run-as")}
	})
	if _, err := way.Do(t.Context(), vm0, changing()); err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(kept)
	for _, hidden := range []string{canary, "canary-run-as", "Y2FuYXJ5", "cartouche-agent-linux-amd64"} {
		if strings.Contains(string(text), hidden) {
			t.Errorf("%s is in what is kept:\n%s", hidden, text)
		}
	}
	if kept["asyncExecution"] != true || kept["timeoutInSeconds"].(float64) < 1800 || kept["timeoutInSeconds"].(float64) > 3600 {
		t.Errorf("kept %s", text)
	}
}

func TestSignedAddressesAreShortAndNarrow(t *testing.T) {
	for _, role := range []bool{true, false} {
		f := newFake(t)
		f.dataRole = role
		addresses := map[string]string{}
		f.run = func(ctx context.Context, c *command) (string, string, int, string) {
			addresses["r"] = c.parameter(agent.ParameterURL)
			addresses["r "] = c.parameter(agent.ParameterJob)
			addresses["racw"], _ = c.properties["outputBlobUri"].(string)
			return f.script(ctx, c)
		}
		if _, err := f.way(nil).Do(t.Context(), vm0, observing()); err != nil {
			t.Fatal(err)
		}
		for permissions, address := range addresses {
			signed, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			q := signed.Query()
			ends, err := time.Parse(time.RFC3339, q.Get("se"))
			if err != nil || time.Until(ends) > time.Hour || q.Get("spr") != "https" || q.Get("sr") != "b" || q.Get("sp") != strings.TrimSpace(permissions) || q.Has("skoid") != role {
				t.Errorf("%s: %v, ends %s", permissions, q, ends)
			}
		}
	}
}

// noise is a report that does not fit into the 4096 bytes that Azure keeps.
func noise(ctx context.Context, job machine.Job) machine.Report {
	report := machine.Report{Format: machine.Format, Host: job.Host}
	for range 200 {
		report.Components = append(report.Components, machine.Seen{WireTrouble: fmt.Sprintf("%x %x", rand.Uint64(), rand.Uint64())})
	}
	return report
}

func TestALongReportComesByBlob(t *testing.T) {
	f := newFake(t)
	f.work = noise
	report, err := f.way(nil).Do(t.Context(), vm0, observing())
	if err != nil || len(report.Components) != 200 {
		t.Fatalf("got %d components, %v", len(report.Components), err)
	}
}

func TestALongReportThatIsLostIsNoSuccess(t *testing.T) {
	f := newFake(t)
	f.work, f.noBlob = noise, true
	_, err := f.way(nil).Do(t.Context(), vm0, changing())
	wantError(t, err, reach.OutputLost, true)
}

// Whoever reads run commands can write the output: what they put there must
// not be believed.
func TestAReportThatSomebodyElseWroteIsRefused(t *testing.T) {
	f := newFake(t)
	f.work = noise
	f.run = func(ctx context.Context, c *command) (string, string, int, string) {
		stdout, stderr, code, state := f.script(ctx, c)
		forged, err := machine.EncodeReport(noise(ctx, machine.Job{Host: "forged"}), secret.New("guessed"))
		if err != nil {
			t.Error(err)
		}
		f.mu.Lock()
		f.noBlob = true
		for _, blobs := range f.containers {
			address := c.properties["outputBlobUri"].(string)
			path, _, _ := strings.Cut(strings.TrimPrefix(address, "https://stg.blob.test/"), "?")
			_, name, _ := strings.Cut(path, "/")
			blobs[name] = []byte(forged + "\n")
		}
		f.mu.Unlock()
		return stdout, stderr, code, state
	}
	_, err := f.way(nil).Do(t.Context(), vm0, observing())
	wantError(t, err, reach.OutputLost, false)
}

func wantError(t *testing.T, err error, code reach.Code, unsure bool) *reach.Error {
	t.Helper()
	var e *reach.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an error with code %s", err, code)
	}
	if e.Code != code || e.Unsure != unsure || e.Machine == "" || e.Sentence == "" {
		t.Errorf("got %+v, want code %s, unsure %v", e, code, unsure)
	}
	if text := e.Error() + e.Mend; strings.Contains(text, canary) || strings.Contains(text, "sig=") && !strings.Contains(text, "sig=[secret]") {
		t.Errorf("a secret is in %q", text)
	}
	return e
}

func TestWhatKeepsTheProgramFromRunning(t *testing.T) {
	agentStatus := func(status string) func(*fake) {
		return func(f *fake) {
			f.vm["properties"].(tree)["instanceView"].(tree)["vmAgent"] = tree{"statuses": []any{tree{"displayStatus": status, "message": "VM status blob is found but not yet populated."}}}
		}
	}
	refuse := func(status int, code, message string) func(*fake) {
		return func(f *fake) { f.refuse = func(w http.ResponseWriter) { sayError(w, status, code, message) } }
	}
	ends := func(stderr string, code int, state string) func(*fake) {
		return func(f *fake) {
			f.run = func(context.Context, *command) (string, string, int, string) { return "", stderr, code, state }
		}
	}
	rows := []struct {
		name   string
		set    func(*fake)
		code   reach.Code
		unsure bool
		says   string
	}{
		{"the machine is off", func(f *fake) {
			f.vm["properties"].(tree)["instanceView"].(tree)["statuses"] = []any{tree{"code": "ProvisioningState/succeeded"}, tree{"code": "PowerState/deallocated"}}
		}, reach.MachineOff, false, "deallocated"},
		{"the agent is not ready", agentStatus("Not Ready"), reach.AgentNotReady, false, "not yet populated"},
		{"it was switched off meanwhile", refuse(409, "OperationNotAllowed", "Cannot modify extensions in the VM when the VM is not running."), reach.MachineOff, false, ""},
		{"the agent does not answer", refuse(409, "VMAgentStatusCommunicationError", "VM 'vm-0' has not reported status for VM agent or extensions."), reach.AgentNotReady, false, ""},
		{"busy", refuse(409, "Conflict", "Run command extension execution is in progress. Please wait for completion before invoking a run command."), reach.RunCommandBusy, false, ""},
		{"no room", refuse(409, "Conflict", "VM has reached the maximum number of managed Run commands (max=25)."), reach.RunCommandsFull, false, ""},
		{"no right", refuse(403, "AuthorizationFailed", "The client has no authorization to perform action 'Microsoft.Compute/virtualMachines/runCommands/write'."), reach.NotPermitted, false, ""},
		{"a lock", refuse(409, "ScopeLocked", "The scope cannot perform write operation because following scope(s) are locked."), reach.NotPermitted, false, ""},
		{"disk full", ends("cartouche: disk-full: no space left on device\n", 92, "Failed"), reach.DiskFull, false, "no space left"},
		{"download refused", ends("cartouche: download-refused: curl: https://stg.blob.test/x?sp=r&sig=abc%3D said 403\n", 93, "Failed"), reach.DownloadRefused, false, "sig=[secret]"},
		{"another program", ends("cartouche: hash-differs: x\n", 94, "Failed"), reach.HashDiffers, false, ""},
		{"Azure ended it", ends("", 0, "TimedOut"), reach.TimedOut, true, ""},
		{"somebody cancelled it", ends("", 0, "Canceled"), reach.Cancelled, true, ""},
		{"no report", ends("Segmentation fault \x1b[31m", 139, "Failed"), reach.NoAnswer, true, "exit code 139"},
		{"no key, no role", func(f *fake) { f.keys = false }, reach.StorageRefused, false, "AuthorizationPermissionMismatch"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			row.set(f)
			_, err := f.way(nil).Do(t.Context(), vm0, changing())
			e := wantError(t, err, row.code, row.unsure)
			if !strings.Contains(e.Sentence, row.says) || strings.Contains(e.Sentence, "\x1b") {
				t.Errorf("says %q", e.Sentence)
			}
			if deletions := f.count("DELETE " + vmID); f.refuse != nil && deletions > 0 {
				t.Errorf("what was never made was deleted %d times", deletions)
			}
		})
	}
}

func TestAWrongServiceAccountIsToldByName(t *testing.T) {
	rows := map[string]func(*fake){
		"Azure refuses": func(f *fake) {
			f.refuse = func(w http.ResponseWriter) {
				sayError(w, 409, "VMExtensionProvisioningError", "RunAsUser 'arcgis' could not be logged on: the user name or password is incorrect.")
			}
		},
		"the handler fails": func(f *fake) {
			f.run = func(context.Context, *command) (string, string, int, string) {
				return "", "failed to run as user 'arcgis': Logon failure: the user name or password is incorrect.", -1, "Failed"
			}
		},
	}
	for name, set := range rows {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			set(f)
			_, err := f.way(func(o *reach.AgentOptions) {
				o.RunAs = reach.Login{User: "arcgis", Password: secret.New("canary-run-as")}
			}).Do(t.Context(), vm0, observing())
			if e := wantError(t, err, reach.RunAsRefused, false); !strings.Contains(e.Sentence, "arcgis") {
				t.Errorf("says %q", e.Sentence)
			}
		})
	}
}

// Reports of 2023 say that Azure shows nothing of what runs as another user of Windows.
func TestNoOutputOfTheServiceAccountIsToldAsThat(t *testing.T) {
	f := newFake(t)
	f.run = func(context.Context, *command) (string, string, int, string) { return "", "", 0, "Succeeded" }
	_, err := f.way(func(o *reach.AgentOptions) {
		o.RunAs = reach.Login{User: "arcgis", Password: secret.New("canary-run-as")}
	}).Do(t.Context(), vm0, changing())
	if e := wantError(t, err, reach.OutputLost, true); !strings.Contains(e.Sentence, "arcgis") || !strings.Contains(e.Mend, "Leave the service account out") {
		t.Errorf("says %q, %q", e.Sentence, e.Mend)
	}
}

// A lost answer to the PUT is looked up, and the command is never sent twice.
func TestALostAnswerIsLookedUpByName(t *testing.T) {
	f := newFake(t)
	f.lose = true
	report, err := f.way(nil).Do(t.Context(), vm0, changing())
	if err != nil || report.Host == "" {
		t.Fatalf("got %+v, %v", report, err)
	}
	if puts := f.count("PUT " + vmID); puts != 1 {
		t.Errorf("the run command was sent %d times", puts)
	}
}

func TestALostAnswerToWhatWasNotTakenIsUnsure(t *testing.T) {
	f := newFake(t)
	f.refuse = func(http.ResponseWriter) { panic(http.ErrAbortHandler) }
	_, err := f.way(nil).Do(t.Context(), vm0, changing())
	wantError(t, err, reach.NoAnswer, true)
	if puts := f.count("PUT " + vmID); puts != 1 {
		t.Errorf("the run command was sent %d times", puts)
	}
}

func TestWhoGivesUpCancelsWhatRuns(t *testing.T) {
	f := newFake(t)
	begun, ended := make(chan struct{}), make(chan struct{})
	f.work = func(ctx context.Context, job machine.Job) machine.Report {
		close(begun)
		<-ctx.Done()
		close(ended)
		return machine.Report{Format: machine.Format}
	}
	ctx, cancel := context.WithCancel(t.Context())
	way := f.way(nil)
	go func() { <-begun; cancel() }()
	_, err := way.Do(ctx, vm0, changing())
	wantError(t, err, reach.Cancelled, true)
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("the program still runs")
	}
	if left := f.left(); len(left) != 1 || !strings.HasPrefix(left[0], "container") {
		t.Errorf("left before Close: %v", left)
	}
}

// One machine does one job at a time; a hundred callers are no more than that.
func TestJobsAtOneMachineQueue(t *testing.T) {
	f := newFake(t)
	var mu sync.Mutex
	now, most := 0, 0
	f.work = func(ctx context.Context, job machine.Job) machine.Report {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		time.Sleep(5 * time.Millisecond)
		mu.Lock()
		now--
		mu.Unlock()
		return machine.Report{Format: machine.Format, Host: job.Host}
	}
	way := f.way(nil)
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if _, err := way.Do(t.Context(), vm0, observing()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if most != 1 {
		t.Errorf("%d jobs at once", most)
	}
}

func TestWhatADeadRunLeftIsRemoved(t *testing.T) {
	f := newFake(t)
	leave := func(name string, tags tree, view tree) {
		f.commands[name] = &command{name: name, tags: tags, view: view, cancel: func() {}}
	}
	ago := func(d time.Duration) string { return time.Now().Add(-d).UTC().Format(time.RFC3339) }
	ours := tree{"cartouche": "x"}
	leave("cartouche-dead-observe", ours, tree{"executionState": "Succeeded", "startTime": ago(2 * time.Hour), "endTime": ago(time.Hour)})
	leave("cartouche-stuck-change", ours, tree{"executionState": "Running", "startTime": ago(5 * time.Hour)})
	leave("cartouche-live-change", ours, tree{"executionState": "Running", "startTime": ago(10 * time.Minute)})
	leave("cartouche-just-ended", ours, tree{"executionState": "Succeeded", "startTime": ago(time.Minute), "endTime": ago(30 * time.Second)})
	leave("cartouche-of-a-person", nil, tree{"executionState": "Succeeded", "startTime": ago(72 * time.Hour), "endTime": ago(71 * time.Hour)})
	leave("theirs", ours, tree{"executionState": "Succeeded", "startTime": ago(72 * time.Hour), "endTime": ago(71 * time.Hour)})
	f.older = map[string]time.Time{"cartouche-old": time.Now().Add(-30 * time.Hour), "cartouche-young": time.Now().Add(-time.Hour)}
	if _, err := f.way(nil).Do(t.Context(), vm0, observing()); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, stays := range map[string]bool{"cartouche-dead-observe": false, "cartouche-stuck-change": false,
		"cartouche-live-change": true, "cartouche-just-ended": true, "cartouche-of-a-person": true, "theirs": true} {
		if _, there := f.commands[name]; there != stays {
			t.Errorf("%s is there: %v, want %v", name, there, stays)
		}
		delete(f.commands, name)
	}
	if _, there := f.older["cartouche-old"]; there {
		t.Error("an old container is still there")
	}
	if _, there := f.older["cartouche-young"]; !there {
		t.Error("a container of a run that may live was removed")
	}
}

// What this computer's own dead processes left is removed at once, whatever its
// age; what belongs to a living one, or to another computer, is not.
func TestWhatAKilledRunLeftIsRemovedAtOnce(t *testing.T) {
	f := newFake(t)
	leave := func(name, owner string) {
		f.commands[name] = &command{name: name, tags: tree{"cartouche": "x", "cartouche_owner": owner}, cancel: func() {},
			view: tree{"executionState": "Running", "startTime": time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)}}
	}
	// A process of this computer that is no more, and this one.
	gone := exec.Command(os.Args[0], "-test.run=^$")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	way := f.way(nil)
	f.run = func(ctx context.Context, c *command) (string, string, int, string) {
		f.mu.Lock()
		defer f.mu.Unlock()
		mark, _ := c.tags["cartouche_owner"].(string)
		computer, _, _ := strings.Cut(mark, "-")
		for name, pid := range map[string]int{"cartouche-killed-change": gone.Process.Pid, "cartouche-living-change": os.Getpid()} {
			leave(name, fmt.Sprintf("%s-%d", computer, pid))
		}
		leave("cartouche-far-change", fmt.Sprintf("0123456789abcdef-%d", gone.Process.Pid))
		f.older = map[string]time.Time{"cartouche-killed": time.Now(), "cartouche-living": time.Now()}
		f.owners = map[string]string{"cartouche-killed": fmt.Sprintf("%s-%d", computer, gone.Process.Pid), "cartouche-living": mark}
		return "", "", 1, "Failed"
	}
	if _, err := way.Do(t.Context(), vm0, observing()); err == nil {
		t.Fatal("that was no report")
	}
	if err := way.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.run = nil
	if _, err := f.way(nil).Do(t.Context(), vm0, observing()); err != nil {
		t.Fatal(err)
	}
	for name, stays := range map[string]bool{"cartouche-killed-change": false, "cartouche-living-change": true, "cartouche-far-change": true} {
		f.mu.Lock()
		if _, there := f.commands[name]; there != stays {
			t.Errorf("%s is there: %v, want %v", name, there, stays)
		}
		delete(f.commands, name)
		f.mu.Unlock()
	}
	for name, stays := range map[string]bool{"cartouche-killed": false, "cartouche-living": true} {
		if _, there := f.older[name]; there != stays {
			t.Errorf("%s is there: %v, want %v", name, there, stays)
		}
	}
}

func TestAMachineFullOfRunCommandsIsToldBeforeAnythingIsMade(t *testing.T) {
	f := newFake(t)
	for i := range 25 {
		name := fmt.Sprintf("theirs-%d", i)
		f.commands[name] = &command{name: name, view: tree{}, cancel: func() {}}
	}
	_, err := f.way(nil).Do(t.Context(), vm0, observing())
	wantError(t, err, reach.RunCommandsFull, false)
	if writes := f.count("PUT "); writes != 0 {
		t.Errorf("%d writes", writes)
	}
}

func TestWhatTheAgentCannotReach(t *testing.T) {
	f := newFake(t)
	unknown := vm0
	unknown.ID = ""
	_, err := f.way(nil).Do(t.Context(), unknown, observing())
	wantError(t, err, reach.NotThisWay, false)
	_, err = f.way(func(o *reach.AgentOptions) { o.Storage.ID = "" }).Do(t.Context(), vm0, observing())
	wantError(t, err, reach.NoStorage, false)
	way := f.way(nil)
	if err := way.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = way.Do(t.Context(), vm0, observing())
	wantError(t, err, reach.NotThisWay, false)
}
