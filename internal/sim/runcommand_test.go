package sim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/arm"
	"github.com/cartouche-gis/cartouche/internal/sim/computer"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// azure speaks to the Resource Manager of a world as its operator.
type azure struct {
	t     *testing.T
	w     *sim.World
	token string
	http  *http.Client
}

func asOperator(t *testing.T, w *sim.World) *azure {
	return &azure{t, w, token(t, w), client(t, w)}
}

type reply struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

func (r reply) text(path ...string) string {
	var at any = r.body
	for _, name := range path {
		in, _ := at.(map[string]any)
		at = in[name]
	}
	if at == nil {
		return ""
	}
	return fmt.Sprint(at)
}

func (a *azure) call(method, address string, body any) reply {
	a.t.Helper()
	if strings.HasPrefix(address, "/") {
		if address = "https://management.azure.com" + address; !strings.Contains(address, "api-version") {
			address += "?api-version=2024-07-01"
		}
	}
	encoded, _ := json.Marshal(body)
	request, _ := http.NewRequestWithContext(a.t.Context(), method, address, bytes.NewReader(encoded))
	request.Header.Set("Authorization", "Bearer "+a.token)
	answer, err := a.http.Do(request)
	if err != nil {
		a.t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, _ := io.ReadAll(answer.Body)
	out := reply{status: answer.StatusCode, header: answer.Header, raw: string(raw)}
	_ = json.Unmarshal(raw, &out.body)
	return out
}

// settle polls an operation to its end and tells how it ended.
func (a *azure) settle(r reply) string {
	a.t.Helper()
	if r.status >= 300 {
		a.t.Fatalf("%d %s", r.status, r.raw)
	}
	for {
		state := a.call(http.MethodGet, r.header.Get("Azure-AsyncOperation"), nil).text("status")
		if state != "InProgress" {
			return state
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// run puts a run command and waits for the end of its script.
func (a *azure) run(machine, name string, properties map[string]any) reply {
	a.t.Helper()
	a.settle(a.call(http.MethodPut, machine+"/runCommands/"+name, map[string]any{"location": "westeurope", "properties": properties}))
	return a.await(machine, name, "Succeeded", "Failed", "TimedOut", "Canceled")
}

// await polls until the script is in one of the states.
func (a *azure) await(machine, name string, states ...string) reply {
	a.t.Helper()
	for range 500 {
		got := a.call(http.MethodGet, machine+"/runCommands/"+name+"?api-version=2024-07-01&$expand=instanceView", nil)
		if slices.Contains(states, got.text("properties", "instanceView", "executionState")) {
			return got
		}
		time.Sleep(20 * time.Millisecond)
	}
	a.t.Fatalf("%s is never %s: %s", name, states, a.call(http.MethodGet, machine+"/runCommands/"+name+"?api-version=2024-07-01&$expand=instanceView", nil).raw)
	return reply{}
}

// enterprise is a world with computers that run Linux, and one of them.
func enterprise(t *testing.T, change ...func(*sim.Options)) (*azure, string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("scripts of Linux run on Unix only")
	}
	o := sim.Options{World: "gitops", Scale: 300, Scripts: true, Current: sim.CurrentCertificate{Key: "p256"}}
	for _, f := range change {
		f(&o)
	}
	w := start(t, o)
	return asOperator(t, w), w.Deployments()[0].Machines[0].ID
}

func view(r reply, name string) string { return r.text("properties", "instanceView", name) }

func TestARunCommandRunsOnItsMachine(t *testing.T) {
	t.Parallel()
	a, machine := enterprise(t)
	got := a.run(machine, "hello", map[string]any{
		"source":              map[string]any{"script": "echo \"$secret $1 $(pwd)\"; echo oh >&2; exit 4"},
		"parameters":          []any{map[string]any{"value": "positional"}},
		"protectedParameters": []any{map[string]any{"name": "secret", "value": "sesame-open"}},
		"asyncExecution":      true,
	})
	if state, code, output := view(got, "executionState"), view(got, "exitCode"), view(got, "output"); state != "Failed" || code != "4" || !strings.HasPrefix(output, "sesame-open positional "+a.w.Computer("primary").Dir()) {
		t.Errorf("%s %s %q", state, code, output)
	}
	if view(got, "error") != "oh\n" || view(got, "executionMessage") != "Execution failed: failed to execute command: command terminated with exit status=4" || view(got, "endTime") == "" {
		t.Errorf("%s", got.raw)
	}
	if got.text("properties", "provisioningState") != "Succeeded" {
		t.Errorf("the script was run, which is all that provisioning is about: %s", got.raw)
	}
	// The script printed it; otherwise it would be nowhere.
	if holding := a.w.Holding("sesame-open"); len(holding) != 1 || !strings.HasPrefix(holding[0], "instance view of ") {
		t.Errorf("the secret is in %q", holding)
	}
	a.settle(a.call(http.MethodDelete, machine+"/runCommands/hello", nil))
	if left := a.w.LeftBehind(); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	if holding := a.w.Holding("sesame-open"); len(holding) > 0 {
		t.Errorf("the secret is in %q", holding)
	}
}

func TestTheEndOfLongOutputIsKept(t *testing.T) {
	t.Parallel()
	a, machine := enterprise(t)
	got := a.run(machine, "long", map[string]any{"source": map[string]any{"script": "head -c 10000 /dev/zero | tr '\\0' x; echo end"}})
	if output := view(got, "output"); len(output) != 4096 || !strings.HasSuffix(output, "xend\n") {
		t.Errorf("%d bytes, ending in %q", len(output), output[max(0, len(output)-5):])
	}
}

func TestDeletingARunCommandKillsItsScript(t *testing.T) {
	t.Parallel()
	a, machine := enterprise(t)
	body := map[string]any{"location": "westeurope", "properties": map[string]any{"asyncExecution": true, "source": map[string]any{"script": "sleep 1000 & sleep 1000"}}}
	a.settle(a.call(http.MethodPut, machine+"/runCommands/long", body))
	a.await(machine, "long", "Running")
	if got := a.call(http.MethodDelete, machine+"/runCommands/long", nil); a.settle(got) != "Succeeded" {
		t.Errorf("%s", got.raw)
	}
	if left := a.w.LeftBehind(); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	if got := a.call(http.MethodGet, machine+"/runCommands/long", nil); got.status != http.StatusNotFound {
		t.Errorf("%d, want 404", got.status)
	}
}

func TestAnEmptyScriptCancels(t *testing.T) {
	t.Parallel()
	a, machine := enterprise(t)
	source := map[string]any{"script": "sleep 1000"}
	body := map[string]any{"location": "westeurope", "properties": map[string]any{"asyncExecution": true, "source": source}}
	a.settle(a.call(http.MethodPut, machine+"/runCommands/long", body))
	a.await(machine, "long", "Running")
	source["script"] = ""
	a.settle(a.call(http.MethodPut, machine+"/runCommands/long", body))
	a.await(machine, "long", "Canceled")
	if processes := a.w.Computer(machine).Processes(); len(processes) > 0 {
		t.Errorf("it still runs: %v", processes)
	}
}

func TestAScriptHasSoMuchTime(t *testing.T) {
	t.Parallel()
	a, machine := enterprise(t)
	got := a.run(machine, "slow", map[string]any{"timeoutInSeconds": 30, "treatFailureAsDeploymentFailure": true, "source": map[string]any{"script": "echo begun; sleep 1000"}})
	if view(got, "executionState") != "TimedOut" || view(got, "output") != "begun\n" {
		t.Errorf("%s", got.raw)
	}
	if got.text("properties", "provisioningState") != "Failed" {
		t.Errorf("it was to count as a failed deployment: %s", got.raw)
	}
}

func TestTheSameRunCommandDoesNotRunTwice(t *testing.T) {
	t.Parallel()
	a, machine := enterprise(t)
	properties := map[string]any{"source": map[string]any{"script": "echo ran >>$HOME/log"}}
	ran := func() int {
		log, _ := os.ReadFile(a.w.Computer(machine).Dir() + "/home/log")
		return strings.Count(string(log), "ran")
	}
	a.run(machine, "log", properties)
	a.run(machine, "log", properties)
	if ran() != 1 {
		t.Errorf("ran %d times, want once", ran())
	}
	properties["timeoutInSeconds"] = 600
	a.run(machine, "log", properties)
	if ran() != 2 {
		t.Errorf("ran %d times, want twice after a change", ran())
	}
}

func TestFaultsOfAMachine(t *testing.T) {
	t.Parallel()
	properties := map[string]any{"asyncExecution": true, "timeoutInSeconds": 300, "source": map[string]any{"script": "echo hello; head -c 100000 /dev/zero >$TMPDIR/large; rm -f $TMPDIR/large"}}
	for name, check := range map[string]func(a *azure, machine string){
		"machine-off@machine-child-put": func(a *azure, machine string) {
			if got := a.call(http.MethodPut, machine+"/runCommands/x", map[string]any{"location": "westeurope", "properties": properties}); got.status != 409 || got.text("error", "code") != "OperationNotAllowed" {
				a.t.Errorf("%d %s", got.status, got.raw)
			}
		},
		"agent-not-ready@machine-child-put": func(a *azure, machine string) {
			put := a.call(http.MethodPut, machine+"/runCommands/x", map[string]any{"location": "westeurope", "properties": properties})
			if state := a.settle(put); state != "Failed" {
				a.t.Errorf("operation %s", state)
			}
			if got := a.call(http.MethodGet, put.header.Get("Azure-AsyncOperation"), nil); got.text("error", "code") != "VMAgentStatusCommunicationError" {
				a.t.Errorf("%s", got.raw)
			}
		},
		"disk-full@script": func(a *azure, machine string) {
			if got := a.run(machine, "x", properties); !strings.Contains(view(got, "error"), "head") {
				a.t.Errorf("%s", got.raw)
			}
		},
		"script-hangs@script": func(a *azure, machine string) {
			if got := a.run(machine, "x", properties); view(got, "executionState") != "TimedOut" || view(got, "output") != "hello\n" {
				a.t.Errorf("%s", got.raw)
			}
		},
		"output-lost@script": func(a *azure, machine string) {
			if got := a.run(machine, "x", properties); view(got, "executionState") != "Succeeded" || view(got, "output") != "" {
				a.t.Errorf("%s", got.raw)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fault, err := ground.ParseFault(name)
			if err != nil {
				t.Fatal(err)
			}
			a, machine := enterprise(t, func(o *sim.Options) { o.Faults = []ground.Fault{fault} })
			check(a, machine)
		})
	}
}

func TestACancelledScriptMayRunOn(t *testing.T) {
	t.Parallel()
	a, machine := enterprise(t, func(o *sim.Options) { o.Guesses.Manager.CancelLeavesRunning = true })
	a.settle(a.call(http.MethodPut, machine+"/runCommands/x", map[string]any{"location": "westeurope", "properties": map[string]any{"asyncExecution": true, "source": map[string]any{"script": "sleep 1000"}}}))
	a.await(machine, "x", "Running")
	a.settle(a.call(http.MethodDelete, machine+"/runCommands/x", nil))
	if left := a.w.LeftBehind(); len(left) != 1 || !strings.HasPrefix(left[0], "process group ") {
		t.Errorf("left %q, want the process alone", left)
	}
}

func TestAMachineThatIsOffOrDeaf(t *testing.T) {
	t.Parallel()
	a, machine := enterprise(t)
	a.run(machine, "kept", map[string]any{"source": map[string]any{"script": "true"}})
	if err := a.w.SetMachinePower("primary", "deallocated"); err != nil {
		t.Fatal(err)
	}
	if err := a.w.SetMachineAgent("primary", false); err != nil {
		t.Fatal(err)
	}
	shown := a.call(http.MethodGet, machine+"/instanceView", nil).raw
	for _, want := range []string{"PowerState/deallocated", "Not Ready"} {
		if !strings.Contains(shown, want) {
			t.Errorf("no %s in %s", want, shown)
		}
	}
	if got := a.call(http.MethodPost, machine+"/runCommand", map[string]any{"commandId": "RunShellScript", "script": []string{"true"}}); got.status != http.StatusConflict {
		t.Errorf("%d %s", got.status, got.raw)
	}
	if got := a.call(http.MethodDelete, machine+"/runCommands/kept", nil); got.status != http.StatusConflict || got.text("error", "innererror", "code") != "CannotModifyExtensionsWhenVMNotRunning" {
		t.Errorf("%d %s", got.status, got.raw)
	}
}

func TestTheActionRunsOneScriptAtATime(t *testing.T) {
	t.Parallel()
	a, machine := enterprise(t)
	post := func(script ...string) reply {
		return a.call(http.MethodPost, machine+"/runCommand", map[string]any{"commandId": "RunShellScript", "script": script, "parameters": []any{map[string]any{"name": "who", "value": "you"}}})
	}
	first := post("echo hello $1, $who", "echo trouble >&2")
	if second := post("true"); second.status != http.StatusConflict || !strings.Contains(second.raw, "Run command extension execution is in progress") {
		t.Errorf("%d %s", second.status, second.raw)
	}
	a.settle(first)
	got := a.call(http.MethodGet, first.header.Get("Location"), nil)
	if !strings.Contains(got.raw, `Enable succeeded: \n[stdout]\nhello you, you\n\n[stderr]\ntrouble\n`) {
		t.Errorf("%s", got.raw)
	}
	if third := post("true"); third.status != http.StatusAccepted {
		t.Errorf("%d %s", third.status, third.raw)
	}
}

func TestWindowsDoesWhatTheWorldKnows(t *testing.T) {
	t.Parallel()
	script := "param([string]$who)\nWrite-Output $who\n"
	w := start(t, sim.Options{World: "single", Scale: 300, Scripts: true, Current: sim.CurrentCertificate{Key: "p256"}, Known: map[string]computer.Known{
		computer.Hash(script): func(_ context.Context, c *computer.Computer, parameters map[string]string) computer.Outcome {
			return computer.Outcome{Stdout: "hello " + parameters["who"] + " at " + c.Name()}
		}}})
	a, machine := asOperator(t, w), w.Deployments()[0].Machines[0].ID
	properties := map[string]any{"source": map[string]any{"script": script}, "parameters": []any{map[string]any{"name": "who", "value": "you"}}, "runAsUser": "arcgis", "runAsPassword": "wrong"}
	if got := a.run(machine, "x", properties); view(got, "executionMessage") != "Script cannot be executed with specified runAsUser/runAsPassword parameters" || view(got, "executionState") != "Failed" {
		t.Errorf("%s", got.raw)
	}
	properties["runAsPassword"] = variable(w, "CARTOUCHE_SERVICE_ACCOUNT_PASSWORD")
	if got := a.run(machine, "x", properties); view(got, "output") != "hello you at bmServer-0" {
		t.Errorf("%s", got.raw)
	}
	if holding := w.Holding(variable(w, "CARTOUCHE_SERVICE_ACCOUNT_PASSWORD")); len(holding) > 0 {
		t.Errorf("the password is in %q", holding)
	}
}

func TestNobodyElseRunsAnything(t *testing.T) {
	t.Parallel()
	a, machine := enterprise(t)
	other := start(t, sim.Options{World: "single", Current: sim.CurrentCertificate{Key: "p256"}})
	for name, stranger := range map[string]string{"no token": "", "nonsense": "nonsense", "a token of another world": token(t, other)} {
		b := *a
		b.token = stranger
		body := map[string]any{"location": "westeurope", "commandId": "RunShellScript", "script": []string{"touch $HOME/x"}, "properties": map[string]any{"source": map[string]any{"script": "touch $HOME/x"}}}
		if got := b.call(http.MethodPut, machine+"/runCommands/x", body); got.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, got.status, got.raw)
		}
		if got := b.call(http.MethodPost, machine+"/runCommand", body); got.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, got.status, got.raw)
		}
	}
	if left := a.w.LeftBehind(); len(left) > 0 {
		t.Errorf("something ran: %q", left)
	}
	// Without Scripts the operator cannot make it run anything either.
	if other.Computer("bmServer-0") != nil {
		t.Error("a world without Scripts has computers")
	}
}

func TestCloseKillsScriptsAndRemovesDisks(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("scripts of Linux run on Unix only")
	}
	w, err := sim.Start(t.Context(), sim.Options{World: "gitops", Scale: 300, Scripts: true, Current: sim.CurrentCertificate{Key: "p256"}})
	if err != nil {
		t.Fatal(err)
	}
	a, machine := asOperator(t, w), w.Deployments()[0].Machines[0].ID
	a.settle(a.call(http.MethodPut, machine+"/runCommands/x", map[string]any{"location": "westeurope", "properties": map[string]any{"asyncExecution": true, "source": map[string]any{"script": "sleep 1000"}}}))
	a.await(machine, "x", "Running")
	c := w.Computer(machine)
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if processes := c.Processes(); len(processes) > 0 {
		t.Errorf("they still run: %v", processes)
	}
	if _, err := os.Stat(c.Dir()); !os.IsNotExist(err) {
		t.Errorf("the disk is still there: %v", err)
	}
}

func TestOtherReadingsOfRunCommand(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		turn  func(*arm.Guesses)
		check func(a *azure, machine string)
	}{
		"RunsAgain": {func(g *arm.Guesses) { g.RunsAgain = true }, func(a *azure, machine string) {
			properties := map[string]any{"source": map[string]any{"script": "echo ran >>$HOME/log; cat $HOME/log"}}
			a.run(machine, "x", properties)
			if got := a.run(machine, "x", properties); view(got, "output") != "ran\nran\n" {
				a.t.Errorf("%s", got.raw)
			}
		}},
		"TimeoutIsFailed": {func(g *arm.Guesses) { g.TimeoutIsFailed = true }, func(a *azure, machine string) {
			got := a.run(machine, "x", map[string]any{"timeoutInSeconds": 30, "source": map[string]any{"script": "sleep 1000"}})
			if view(got, "executionState") != "Failed" || view(got, "exitCode") != "-1" {
				a.t.Errorf("%s", got.raw)
			}
		}},
		"SudoKeeps": {func(g *arm.Guesses) { g.SudoKeeps = true }, func(a *azure, machine string) {
			got := a.run(machine, "x", map[string]any{"runAsUser": "arcgis", "source": map[string]any{"script": "echo $named"}, "parameters": []any{map[string]any{"name": "named", "value": "value"}}})
			if view(got, "output") != "value\n" {
				a.t.Errorf("%s", got.raw)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, machine := enterprise(t, func(o *sim.Options) { row.turn(&o.Guesses.Manager) })
			row.check(a, machine)
		})
	}
	t.Run("RunAsIsSilent", func(t *testing.T) {
		t.Parallel()
		script := "Write-Output hello"
		o := sim.Options{World: "single", Scale: 300, Scripts: true, Current: sim.CurrentCertificate{Key: "p256"}, Known: map[string]computer.Known{
			computer.Hash(script): func(context.Context, *computer.Computer, map[string]string) computer.Outcome {
				return computer.Outcome{Stdout: "hello"}
			}}}
		o.Guesses.Manager.RunAsIsSilent = true
		w := start(t, o)
		a, machine := asOperator(t, w), w.Deployments()[0].Machines[0].ID
		properties := map[string]any{"source": map[string]any{"script": script}}
		if got := a.run(machine, "x", properties); view(got, "output") != "hello" {
			t.Errorf("%s", got.raw)
		}
		properties["runAsUser"], properties["runAsPassword"] = "arcgis", variable(w, "CARTOUCHE_SERVICE_ACCOUNT_PASSWORD")
		if got := a.run(machine, "x", properties); view(got, "output") != "" || view(got, "executionState") != "Succeeded" {
			t.Errorf("%s", got.raw)
		}
	})
}
