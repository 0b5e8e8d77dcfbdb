package machine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cartouche-gis/cartouche/internal/arcgis"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pause"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// visit is one component during one job: signed in once, for all its tasks and
// for the look at the end.
type visit struct {
	worker    *Worker
	job       *Job
	component Component
	trusted   trustIn
	// admin is asked by a client that hangs up on strangers; prober, for
	// health alone, which needs no password, by one that does not.
	admin, prober *arcgis.Admin
	clients       []*http.Client
	looker        handshake.Looker

	mu      sync.Mutex
	entered bool
	// refused is a sign-in that must not be tried again.
	refused error
	machine arcgis.ServerMachine
	peers   []string
	version string
}

func (w *Worker) visits(job *Job) []*visit {
	var list []*visit
	for _, c := range job.Components {
		v := &visit{worker: w, job: job, component: c, trusted: w.newTrust(job, c)}
		v.looker = handshake.Looker{Network: w.Network, Timeout: 10 * time.Second, Now: w.Now}
		if c.HasKeystore() {
			v.clients = []*http.Client{w.client(v.trusted), w.stranger()}
			v.admin = arcgis.NewAdmin(string(c.Product), v.base(), v.clients[0])
			v.prober = arcgis.NewAdmin(string(c.Product), v.base(), v.clients[1])
		}
		list = append(list, v)
	}
	return list
}

// leave closes the connections.
func (v *visit) leave() {
	for _, client := range v.clients {
		client.CloseIdleConnections()
	}
}

// base is the component's own address.
func (v *visit) base() string {
	context := strings.Trim(v.component.Context, "/")
	if context == "" {
		context = "arcgis"
	}
	return "https://" + net.JoinHostPort(v.job.Host, strconv.Itoa(v.component.Port)) + "/" + context
}

// trouble is why something could not be done, with its code.
type trouble struct {
	code string
	err  error
}

func (t *trouble) Error() string { return t.err.Error() }
func (t *trouble) Unwrap() error { return t.err }

func troubled(code, format string, args ...any) error {
	return &trouble{code: code, err: fmt.Errorf(format, args...)}
}

// enter signs in and finds the machine in its site, once for all. A login that
// was refused is not tried twice in a job: accounts get locked.
func (v *visit) enter(ctx context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.entered || v.refused != nil {
		return v.refused
	}
	if v.job.Admin == "" {
		return troubled(CodeNoCredentials, "no site administrator was given")
	}
	// The client would refuse it too; this says so in one sentence of ours.
	seen := v.look(ctx)
	if len(seen.Chain) == 0 {
		return troubled(CodeUnreachable, "%s does not answer: %s", seen.Target, seen.Failure)
	}
	if err := v.trusted.verify(seen.Chain); err != nil {
		return err
	}
	if err := v.admin.SignIn(ctx, v.job.Admin, v.job.Password); err != nil {
		switch codeOf(err) {
		case CodeWrongCredentials, CodeSignInRefused:
			v.refused = err
		}
		return err
	}
	version, err := v.admin.Version(ctx)
	if err != nil {
		return err
	}
	machines, err := v.admin.Machines(ctx)
	if err != nil {
		return err
	}
	v.machine, err = v.admin.Choose(ctx, v.job.Host, machines)
	if err != nil {
		return err
	}
	v.version, v.peers = version, nil
	for _, m := range machines {
		v.peers = append(v.peers, m.Name)
	}
	v.entered = true
	return nil
}

// enterPatiently enters a component that may be restarting, because a job that
// was interrupted had asked it to.
func (v *visit) enterPatiently(ctx context.Context) error {
	for end := time.Now().Add(v.patience() / 5); ; {
		err := v.enter(ctx)
		if err == nil || codeOf(err) != CodeUnreachable || time.Now().After(end) || pause.For(ctx, v.interval()) != nil {
			return err
		}
	}
}

// look makes a handshake as a client that knows the machine's name.
func (v *visit) look(ctx context.Context) handshake.Observation {
	all := v.looker.Look(ctx, handshake.Target{Host: v.job.Host, Port: v.component.Port})
	for _, o := range all {
		if o.Failure == "" {
			return o
		}
	}
	return all[0]
}

// leaf is the fingerprint of what is served, "" when nothing is.
func (v *visit) leaf(ctx context.Context) string {
	if leaf := v.look(ctx).Leaf(); leaf != nil {
		return pki.Fingerprint(leaf)
	}
	return ""
}

// codeOf gives an error the code of a report.
func codeOf(err error) string {
	var own *trouble
	var pin *unverified
	var api *arcgis.Error
	switch {
	case errors.As(err, &own):
		return own.code
	case errors.As(err, &pin):
		return CodeUnverified
	case errors.Is(err, context.Canceled):
		return CodeInterrupted
	case !errors.As(err, &api):
		return CodeRefused
	}
	switch api.Code {
	case arcgis.CodeWrongCredentials:
		return CodeWrongCredentials
	case arcgis.CodeSignInRefused:
		return CodeSignInRefused
	case arcgis.CodeNoSite:
		return CodeNoSite
	case arcgis.CodeUnreachable, arcgis.CodeNotJSON, arcgis.CodeRedirected, arcgis.CodeTooLarge, arcgis.CodeUnhealthy:
		return CodeUnreachable
	}
	return CodeRefused
}

// failed is a task's result for an error. When the job was ended from outside,
// that is the reason, whatever the error says.
func (v *visit) failed(ctx context.Context, task Task, err error) TaskResult {
	code := codeOf(err)
	if ctx.Err() != nil {
		code = CodeInterrupted
	}
	return task.failed(code, err.Error())
}

// lost tells whether a change may have been made although its answer was no
// success: it did not come, or was a page, or words that say nothing.
func lost(err error) bool {
	var api *arcgis.Error
	if !errors.As(err, &api) {
		return false
	}
	switch api.Code {
	case arcgis.CodeUnreachable:
		return api.Lost
	case arcgis.CodeNotJSON, arcgis.CodeUnexpected, arcgis.CodeTooLarge:
		return true
	}
	return false
}

func notFound(err error) bool {
	var api *arcgis.Error
	return errors.As(err, &api) && api.Code == arcgis.CodeNotFound
}
