package machine

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// ArcGIS Data Store has no API for its certificates, only a tool on each of its
// machines: replacesslcertificate since 11.3, updatesslcertificate before, for
// port 2443 alone (enterprise.arcgis.com, portal/11.3, "Update the ArcGIS Data
// Store SSL certificate").

// storeWebServer is the option for port 2443; the others are for the
// connections between the stores and between their machines.
const storeWebServer = "webserver"

// afterComplaint is how long the new leaf is waited for when the tool said that
// it failed: it restarts the web server before it ends, so this is generous.
const afterComplaint = 30 * time.Second

// replaceStore gives ArcGIS Data Store a certificate. The tool's exit code is
// not believed where it can be checked: Esri's own DSC takes one that is not 0
// for success when nothing was said on standard error.
func (w *Worker) replaceStore(ctx context.Context, job Job, task Task) TaskResult {
	result := TaskResult{Kind: task.Kind, Port: task.Port, Alias: task.Alias}
	if w.Host == nil {
		return result.failure(CodeNeedsAgent, "the tool of ArcGIS Data Store runs on its machine only")
	}
	option := task.Option
	if option == "" {
		option = storeWebServer
	}
	if option == storeWebServer {
		leaf, trouble := w.portLeaf(ctx, job, task.Port)
		switch {
		case leaf == nil && ctx.Err() != nil:
			return result.failure(CodeInterrupted, "interrupted before anything was done")
		case leaf == nil:
			return result.failure(CodeUnreachable, fmt.Sprintf("port %d does not answer: %s", task.Port, trouble))
		case sha256Of(leaf) == task.Expect:
			return result.success(TaskAlready, "the certificate is served")
		}
		result.BeforeLeaf = sha256Of(leaf)
	}
	home := w.storeHome(ctx)
	if home == "" {
		return result.failure(CodeNoSuchComponent, "ArcGIS Data Store is not installed here: AGSDATASTORE is not set")
	}

	// The tool takes the password of the PFX from its command line and nowhere
	// else, where every login of the machine may read it. So it gets one that is
	// good for this file only, which is gone a moment later.
	bundle, err := pki.ReadPFX([]byte(task.PFX.Reveal()), task.PFXPassword)
	if err != nil {
		return result.failure(CodeBadJob, "the PFX cannot be read: "+err.Error())
	}
	pfx, password, err := pki.WritePFX(bundle, pki.ForArcGIS)
	if err != nil {
		return result.failure(CodeBadJob, err.Error())
	}
	path, remove, err := w.Host.TempFile(".pfx", pfx)
	if err != nil {
		return result.failure(CodeRefused, "the PFX for the tool cannot be written: "+err.Error())
	}
	defer remove()

	result.Alias = freshAlias(task.Alias)
	said, code, complained, err := w.runStoreTool(ctx, home, option, path, result.Alias, password)
	result.Restarted = true // or may have been
	switch {
	case ctx.Err() != nil:
		result.Unsure = true
		return result.failure(CodeInterrupted, "interrupted while the tool ran")
	case err != nil:
		result.Restarted = false
		return result.failure(CodeRefused, err.Error())
	case option != storeWebServer && code != 0:
		result.Unsure = true
		return result.failure(CodeRefused, fmt.Sprintf("the tool ended with exit code %d: %s", code, said))
	case option != storeWebServer:
		return result.success(TaskDone, "the tool was content; what this part serves is not looked at")
	}
	if complained {
		job.Patience = min(cmp.Or(job.Patience, afterComplaint), afterComplaint)
	}
	if why, err := w.awaitPort(ctx, job, task.Port, task.Expect); err != nil {
		result.Unsure = why != CodeWrongLeafServed
		return result.failure(why, fmt.Sprintf("%v; the tool ended with exit code %d: %s", err, code, said))
	}
	return result.success(TaskDone, "")
}

// runStoreTool runs the tool that is there. said is what it said, without the
// password; complained tells that it ended badly and said so on standard error.
func (w *Worker) runStoreTool(ctx context.Context, home, option, pfx, alias string, password secret.Secret) (said string, code int, complained bool, err error) {
	folder, extension := home+"/tools/", ".sh"
	if w.Host.OS() == "windows" {
		folder, extension = home+`\tools\`, ".bat"
	}
	newer, older := folder+"replacesslcertificate"+extension, folder+"updatesslcertificate"+extension
	run := func(tool string, args ...string) error {
		if err := w.Host.Lend(pfx, tool); err != nil {
			return err
		}
		w.tell("running " + tool)
		args = append([]string{pfx, password.Reveal(), alias}, args...)
		var stdout, stderr string
		stdout, stderr, code, err = w.Host.Run(ctx, tool, append(args, "--prompt", "no")...)
		said, complained = excerpt(stderr+" "+stdout, password), code != 0 && stderr != ""
		return err
	}
	err = run(newer, "--option", option)
	if err == nil || ctx.Err() != nil {
		return said, code, complained, err
	}
	if option != storeWebServer {
		return "", 0, false, fmt.Errorf("the tool for %s cannot be run (it is there since 11.3): %w", option, err)
	}
	if older := run(older); older != nil {
		return "", 0, false, fmt.Errorf("neither tool of ArcGIS Data Store can be run: %w", err)
	}
	return said, code, complained, nil
}

// storeHome is where ArcGIS Data Store is installed, "" where it is not. On
// Windows AGSDATASTORE is a variable of the computer. On Linux only the login
// of ArcGIS has it, so the service is asked, if there is one.
func (w *Worker) storeHome(ctx context.Context) string {
	if home := w.Host.Getenv("AGSDATASTORE"); home != "" || w.Host.OS() == "windows" {
		return strings.TrimRight(home, `/\`)
	}
	// guess: the unit is Esri's own (arcgisdatastore.service, as the blog post
	// "Manage ArcGIS Enterprise Processes With systemd" copies it from the
	// installation), and starts a script in the installation's folder.
	stdout, _, code, err := w.Host.Run(ctx, "systemctl", "show", "--property=ExecStart", "arcgisdatastore.service")
	if err != nil || code != 0 {
		return ""
	}
	_, path, _ := strings.Cut(stdout, "path=")
	path, _, _ = strings.Cut(path, " ")
	home, _, found := strings.Cut(path, "/framework/")
	if !found {
		at := strings.LastIndexByte(path, '/')
		if at <= 0 {
			return ""
		}
		home = path[:at]
	}
	return home
}

// freshAlias makes an alias that no earlier run used: the tool refuses one that
// is there, and cannot be asked for them.
func freshAlias(alias string) string {
	random := make([]byte, 4)
	rand.Read(random)
	if alias == "" {
		alias = "cartouche"
	}
	return strings.ToLower(alias) + "-" + hex.EncodeToString(random)
}

// excerpt is what a program said, short, on one line and without the secret.
func excerpt(text string, hidden secret.Secret) string {
	if !hidden.Empty() {
		text = strings.ReplaceAll(text, hidden.Reveal(), hidden.String())
	}
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	if len(text) > 600 {
		text = strings.ToValidUTF8(text[:600], "") + " …"
	}
	if text == "" {
		return "it said nothing"
	}
	return text
}
