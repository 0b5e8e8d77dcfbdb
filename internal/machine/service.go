package machine

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// services are what GeoEvent Server and Workflow Manager Server run as. They
// take ArcGIS Server's certificate when they start. Windows: Esri's DSC
// (ArcGIS_Server_TLS, line 268 and following). Linux: Esri's Chef cookbooks
// (arcgis-geoevent and arcgis-workflow-manager write these units).
var services = map[Product]struct{ windows, linux string }{
	GeoEvent:        {"ArcGISGeoEvent", "arcgisgeoevent.service"},
	WorkflowManager: {"WorkflowManager", "workflowmanager.service"},
}

// restartService restarts the service behind the port, if it runs and does not
// serve the leaf already.
func (w *Worker) restartService(ctx context.Context, job Job, task Task) TaskResult {
	result := TaskResult{Kind: task.Kind, Port: task.Port}
	if w.Host == nil {
		return result.failure(CodeNeedsAgent, "a service is restarted on its machine only")
	}
	service, known := services[productAt(job, task.Port)]
	if !known {
		return result.failure(CodeNoSuchComponent, fmt.Sprintf("the job names nothing at port %d that has a service of its own", task.Port))
	}
	leaf, _ := w.portLeaf(ctx, job, task.Port)
	if leaf != nil {
		if result.BeforeLeaf = sha256Of(leaf); result.BeforeLeaf == task.Expect {
			return result.success(TaskAlready, "the certificate is served")
		}
	}
	name, control := service.linux, systemd
	if w.Host.OS() == "windows" {
		name, control = service.windows, serviceControl
	}
	state, err := control.state(ctx, w.Host, name)
	switch {
	case ctx.Err() != nil:
		return result.failure(CodeInterrupted, "interrupted before anything was done")
	case err != nil:
		return result.failure(CodeRefused, err.Error())
	case state != running && leaf != nil:
		return result.failure(CodeRefused, fmt.Sprintf("port %d answers, and the service %s does not run: it was started in another way, and has to be restarted in that way", task.Port, name))
	case state == absent:
		return result.success(TaskAlready, "there is no service "+name)
	case state != running:
		return result.success(TaskAlready, "the service "+name+" does not run; it takes the certificate when it is started")
	}
	w.tell("restarting " + name)
	result.Restarted = true
	if err := control.restart(ctx, w.Host, name); err != nil {
		result.Unsure = true
		if ctx.Err() != nil {
			return result.failure(CodeInterrupted, "interrupted while "+name+" was restarted")
		}
		return result.failure(CodeRefused, err.Error())
	}
	if why, err := w.awaitPort(ctx, job, task.Port, task.Expect); err != nil {
		return result.failure(why, err.Error())
	}
	return result.success(TaskDone, "")
}

func productAt(job Job, port int) Product {
	for _, component := range job.Components {
		if component.Port == port {
			return component.Product
		}
	}
	return ""
}

// serviceState is that of a service of the operating system.
type serviceState int

const (
	absent serviceState = iota
	stopped
	changing
	running
)

// controls are the two operating systems' ways with services.
type controls struct {
	state   func(ctx context.Context, host Host, name string) (serviceState, error)
	restart func(ctx context.Context, host Host, name string) error
}

// systemd: the exit codes are those of systemctl(1), "EXIT STATUS".
var systemd = controls{
	state: func(ctx context.Context, host Host, name string) (serviceState, error) {
		_, stderr, code, err := host.Run(ctx, "systemctl", "is-active", name)
		switch {
		case err != nil:
			return absent, fmt.Errorf("ask systemd for %s: %w", name, err)
		case code == 0:
			return running, nil
		case code == 3:
			return stopped, nil
		case code == 4:
			return absent, nil
		}
		return absent, fmt.Errorf("ask systemd for %s: exit code %d: %s", name, code, excerpt(stderr, secret.Secret{}))
	},
	restart: func(ctx context.Context, host Host, name string) error {
		_, stderr, code, err := host.Run(ctx, "systemctl", "restart", name)
		if err == nil && code != 0 {
			err = fmt.Errorf("exit code %d: %s", code, excerpt(stderr, secret.Secret{}))
		}
		if err != nil {
			return fmt.Errorf("restart %s: %w", name, err)
		}
		return nil
	},
}

// scState finds the state in what `sc query` prints. The words are in the
// language of the computer, the numbers are those of SERVICE_STATUS (winsvc.h):
// the type of a service is 10 or more (hexadecimal), its state 1 to 7, and the
// lines after it have exit codes, "0  (0x0)".
var scState = regexp.MustCompile(`(?m)^\s*[^:\r\n]+:\s*([1-7])\s+\S`)

// noSuchService is ERROR_SERVICE_DOES_NOT_EXIST, which sc has as exit code.
const noSuchService = 1060

// serviceControl is sc.exe.
var serviceControl = controls{state: scQuery, restart: scRestart}

func scQuery(ctx context.Context, host Host, name string) (serviceState, error) {
	stdout, stderr, code, err := host.Run(ctx, "sc", "query", name)
	switch {
	case err != nil:
		return absent, fmt.Errorf("ask for the service %s: %w", name, err)
	case code == noSuchService:
		return absent, nil
	case code != 0:
		return absent, fmt.Errorf("ask for the service %s: exit code %d: %s", name, code, excerpt(stdout+stderr, secret.Secret{}))
	}
	found := scState.FindStringSubmatch(stdout)
	switch {
	case found == nil:
		return absent, fmt.Errorf("ask for the service %s: no state in %s", name, excerpt(stdout, secret.Secret{}))
	case found[1] == "1":
		return stopped, nil
	case found[1] == "4":
		return running, nil
	}
	return changing, nil
}

func scRestart(ctx context.Context, host Host, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// What was stopped is started, also for a caller who has given up meanwhile;
	// each step bounds itself.
	ctx = context.WithoutCancel(ctx)
	// 1062 is ERROR_SERVICE_NOT_ACTIVE, 1056 ERROR_SERVICE_ALREADY_RUNNING.
	for _, step := range []struct {
		verb string
		want serviceState
		also int
	}{{"stop", stopped, 1062}, {"start", running, 1056}} {
		stdout, stderr, code, err := host.Run(ctx, "sc", step.verb, name)
		if err == nil && code != 0 && code != step.also {
			err = fmt.Errorf("exit code %d: %s", code, excerpt(stdout+stderr, secret.Secret{}))
		}
		if err == nil {
			err = scAwait(ctx, host, name, step.want)
		}
		if err != nil {
			return fmt.Errorf("%s the service %s: %w", step.verb, name, err)
		}
	}
	return nil
}

// scAwait waits for a state; sc returns as soon as the change has begun. A
// service that Windows itself lets take longer than five minutes hangs.
func scAwait(ctx context.Context, host Host, name string, want serviceState) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	looks := time.NewTicker(500 * time.Millisecond)
	defer looks.Stop()
	for {
		switch state, err := scQuery(ctx, host, name); {
		case err != nil:
			return err
		case state == want:
			return nil
		}
		select {
		case <-looks.C:
		case <-ctx.Done():
			return fmt.Errorf("it does not get there: %w", ctx.Err())
		}
	}
}
