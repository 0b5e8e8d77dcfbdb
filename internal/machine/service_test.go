package machine

import (
	"context"
	"fmt"
	"testing"
)

// sc is what sc.exe answers for a service in a state, on a German Windows.
func sc(state int) string {
	return fmt.Sprintf(`
SERVICE_NAME: ArcGISGeoEvent
        TYP                : 10  WIN32_OWN_PROCESS
        STATUS             : %d  WIE AUCH IMMER
                                (STOPPABLE, NOT_PAUSABLE, ACCEPTS_SHUTDOWN)
        WIN32-BEENDIGUNGSCODE  : 0  (0x0)
        DIENST-BEENDIGUNGSCODE : 4  (0x4)
        PRÜFPUNKT          : 0x0
        WARTEHINWEIS       : 0x0
`, state)
}

func TestGeoEventIsRestartedOnWindows(t *testing.T) {
	t.Parallel()
	old, renewed := newIdentity(t, "old"), newIdentity(t, "new")
	port := listen(t, old)
	state := 4
	host := &fakeHost{t: t, os: "windows"}
	host.programs = func(program string, args []string) (string, string, int, error) {
		switch {
		case program != "sc" || args[1] != "ArcGISGeoEvent":
			return "", "", noSuchService, nil
		case args[0] == "query":
			now := state
			switch state { // it takes a look for a change to end
			case 3:
				state = 1
			case 2:
				state = 4
				port.serve(renewed)
			}
			return sc(now), "", 0, nil
		case args[0] == "stop":
			state = 3
			port.down()
		case args[0] == "start":
			state = 2
		}
		return "", "", 0, nil
	}
	worker := Worker{Host: host}
	task := Task{Kind: RestartService, Port: port.port, Expect: sha256Of(renewed.leaf)}
	got := worker.restartService(t.Context(), port.job(GeoEvent), task)
	wantResult(t, got, TaskDone, "")
	if !got.Restarted || got.BeforeLeaf != sha256Of(old.leaf) {
		t.Errorf("got %+v", got)
	}
	wantResult(t, worker.restartService(t.Context(), port.job(GeoEvent), task), TaskAlready, "")

	task.Expect = "another" // GeoEvent falls back to a certificate of its own
	state = 4
	wantResult(t, worker.restartService(t.Context(), port.job(GeoEvent), task), TaskFailed, CodeWrongLeafServed)
}

// Whoever gives up between stopping and starting finds the service running.
func TestAServiceThatWasStoppedIsStartedWhoeverGivesUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	state := 4
	host := &patientHost{&fakeHost{t: t, os: "windows", programs: func(_ string, args []string) (string, string, int, error) {
		switch args[0] {
		case "stop":
			state = 1
			cancel()
		case "start":
			state = 4
		}
		return sc(state), "", 0, nil
	}}}
	if err := serviceControl.restart(ctx, host, "ArcGISGeoEvent"); err != nil || state != 4 {
		t.Errorf("state %d, %v", state, err)
	}
	if err := serviceControl.restart(ctx, host, "ArcGISGeoEvent"); err == nil {
		t.Error("it was begun for somebody who had given up")
	}
}

func TestWorkflowManagerIsRestartedOnLinux(t *testing.T) {
	t.Parallel()
	old, renewed := newIdentity(t, "old"), newIdentity(t, "new")
	port := listen(t, old)
	host := &fakeHost{t: t, os: "linux", programs: func(program string, args []string) (string, string, int, error) {
		if args[0] == "restart" {
			port.serve(renewed)
		}
		return "", "", 0, nil
	}}
	got := (&Worker{Host: host}).restartService(t.Context(), port.job(WorkflowManager), Task{Kind: RestartService, Port: port.port, Expect: sha256Of(renewed.leaf)})
	wantResult(t, got, TaskDone, "")
	if !host.ranWith("systemctl restart workflowmanager.service") {
		t.Errorf("ran %q", host.ran)
	}
}

func TestWhatDoesNotRunIsNotStarted(t *testing.T) {
	t.Parallel()
	port := listen(t, newIdentity(t, "any"))
	port.down()
	for _, c := range []struct {
		os, said string
		code     int
	}{
		{"linux", "inactive\n", 3}, {"linux", "", 4}, {"windows", sc(1), 0}, {"windows", "", noSuchService},
	} {
		host := &fakeHost{t: t, os: c.os, programs: func(string, []string) (string, string, int, error) { return c.said, "", c.code, nil }}
		got := (&Worker{Host: host}).restartService(t.Context(), port.job(GeoEvent), Task{Kind: RestartService, Port: port.port})
		wantResult(t, got, TaskAlready, "")
		if len(host.ran) != 1 || got.Restarted {
			t.Errorf("%+v: ran %q", c, host.ran)
		}
	}
}

func TestAServiceThatCannotBeRestartedSaysWhy(t *testing.T) {
	t.Parallel()
	port := listen(t, newIdentity(t, "any"))
	task := Task{Kind: RestartService, Port: port.port, Expect: "new"}
	for _, c := range []struct {
		name, os string
		programs func(string, []string) (string, string, int, error)
		code     string
	}{
		{"it runs, and not as a service", "linux", func(string, []string) (string, string, int, error) { return "", "", 3, nil }, CodeRefused},
		{"no right", "windows", func(_ string, args []string) (string, string, int, error) {
			if args[0] == "query" {
				return sc(4), "", 0, nil
			}
			return "[SC] OpenService FAILED 5:\n\nAccess is denied.\n", "", 5, nil
		}, CodeRefused},
		{"no systemd", "linux", func(string, []string) (string, string, int, error) { return "", "System has not been booted", 1, nil }, CodeRefused},
		{"not what sc says", "windows", func(string, []string) (string, string, int, error) { return "?", "", 0, nil }, CodeRefused},
	} {
		host := &fakeHost{t: t, os: c.os, programs: c.programs}
		got := (&Worker{Host: host}).restartService(t.Context(), port.job(GeoEvent), task)
		if got.State != TaskFailed || got.Code != c.code || got.Detail == "" {
			t.Errorf("%s: got %+v", c.name, got)
		}
	}
	wantResult(t, (&Worker{}).restartService(t.Context(), port.job(GeoEvent), task), TaskFailed, CodeNeedsAgent)
	host := &fakeHost{t: t, os: "linux"}
	wantResult(t, (&Worker{Host: host}).restartService(t.Context(), port.job(Server), task), TaskFailed, CodeNoSuchComponent)
}
