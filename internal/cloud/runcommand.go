package cloud

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// RunCommand is a managed run command of a virtual machine: a script that the
// machine's agent runs once, with a name, so that it can be read, cancelled and
// removed. A machine has at most 25 of them.
// Source: Azure REST reference, Virtual Machine Run Commands - Create Or
// Update; "Run scripts in your VM by using managed Run Commands".
type RunCommand struct {
	// Location is the machine's.
	Location string
	Script   string
	// Protected are parameters that Azure encrypts, and never gives back.
	Protected map[string]secret.Secret
	// RunAs is the account that the script runs under, "" for the agent's own
	// (SYSTEM, root).
	RunAs         string
	RunAsPassword secret.Secret
	// Timeout is after what time Azure ends the script.
	Timeout time.Duration
	// Output is the address of an append blob, with a signature (read, append,
	// create, write), that the whole output goes to; empty for none.
	Output secret.Secret
	Tags   map[string]string
}

// document is what is sent. Secrets stay secret.Secret until they are on the wire.
func (c RunCommand) document() Document {
	properties := map[string]any{
		"source": map[string]any{"script": c.Script},
		// Azure shall answer when the script has begun, not when it has ended:
		// how it goes is in the instance view.
		"asyncExecution":                  true,
		"timeoutInSeconds":                json.Number(strconv.Itoa(int(c.Timeout / time.Second))),
		"treatFailureAsDeploymentFailure": false,
	}
	var protected []any
	for _, name := range slices.Sorted(maps.Keys(c.Protected)) {
		protected = append(protected, map[string]any{"name": name, "value": c.Protected[name]})
	}
	if protected != nil {
		properties["protectedParameters"] = protected
	}
	if c.RunAs != "" {
		properties["runAsUser"], properties["runAsPassword"] = c.RunAs, c.RunAsPassword
	}
	if !c.Output.Empty() {
		properties["outputBlobUri"] = c.Output
	}
	document := Document{"location": c.Location, "properties": properties}
	if len(c.Tags) > 0 {
		tags := map[string]any{}
		for name, value := range c.Tags {
			tags[name] = value
		}
		document["tags"] = tags
	}
	return document
}

// RunCommandView is how a run command is.
type RunCommandView struct {
	Name string
	// ProvisioningState is how Azure's own part went: "Failed" when the script
	// never began.
	ProvisioningState string
	// State is Unknown, Pending, Running, Succeeded, Failed, TimedOut or
	// Canceled; "" when Azure does not say yet.
	State    string
	ExitCode int
	// Output and Errors are the last 4096 bytes of the script's, as they came.
	Output, Errors string
	// Message is Azure's, on how the script went.
	Message    string
	Start, End time.Time
	Tags       map[string]string
}

// Ended tells whether the script will do no more.
func (v RunCommandView) Ended() bool {
	switch strings.ToLower(v.State) {
	case "succeeded", "failed", "timedout", "canceled":
		return true
	}
	return false
}

// maximumOutput bounds the outputs of an instance view, which Azure cuts at 4 KiB.
const maximumOutput = 64 << 10

func newRunCommandView(document Document) RunCommandView {
	properties := objectAt(document, "properties")
	view := objectAt(properties, "instanceView")
	v := RunCommandView{
		Name:              clean(textAt(document, "name"), 200),
		ProvisioningState: clean(textAt(properties, "provisioningState"), 50),
		State:             clean(textAt(view, "executionState"), 50),
		ExitCode:          numberAt(view, "exitCode"),
		Output:            lastOf(textAt(view, "output")),
		Errors:            lastOf(textAt(view, "error")),
		Message:           clean(textAt(view, "executionMessage"), maximumText),
		Start:             readTime(textAt(view, "startTime")),
		End:               readTime(textAt(view, "endTime")),
	}
	for name, value := range objectAt(document, "tags") {
		if text, ok := value.(string); ok {
			if v.Tags == nil {
				v.Tags = map[string]string{}
			}
			v.Tags[name] = text
		}
	}
	return v
}

func lastOf(output string) string { return output[max(0, len(output)-maximumOutput):] }

func runCommandID(vmID, name string) string {
	return vmID + "/runCommands/" + url.PathEscape(name)
}

// PutRunCommand starts a run command, sending it exactly once. The operation
// ends when the script has begun, or with an error when it could not.
// [Uncertain] means: read it by its name.
func (rm *ResourceManager) PutRunCommand(ctx context.Context, vmID, name string, command RunCommand) (*Operation, error) {
	return rm.Put(ctx, runCommandID(vmID, name), ComputeAPI, command.document(), "")
}

// RunCommand reads how a run command is.
func (rm *ResourceManager) RunCommand(ctx context.Context, vmID, name string) (RunCommandView, error) {
	id := runCommandID(vmID, name)
	a := attempt{operation: "read", object: describe(id)}
	document, err := rm.get(ctx, a, rm.address(id, ComputeAPI, url.Values{"$expand": {"instanceView"}}))
	if err != nil {
		return RunCommandView{}, err
	}
	return newRunCommandView(document), nil
}

// RunCommands lists the run commands of a virtual machine. Azure does not give
// their instance views here, whatever is asked for.
func (rm *ResourceManager) RunCommands(ctx context.Context, vmID string) ([]RunCommandView, error) {
	items, err := rm.List(ctx, vmID+"/runCommands", ComputeAPI, nil)
	if err != nil {
		return nil, err
	}
	var list []RunCommandView
	for _, item := range items {
		list = append(list, newRunCommandView(item))
	}
	return list, nil
}

// DeleteRunCommand removes a run command, which cancels its script if it still
// runs, and waits until it is gone.
// Source: "Run scripts in your VM by using managed Run Commands": deleting a
// run command that executes cancels the execution.
func (rm *ResourceManager) DeleteRunCommand(ctx context.Context, vmID, name string) error {
	return rm.Delete(ctx, runCommandID(vmID, name), ComputeAPI)
}
