package cloud

import (
	"context"
	"net/url"
	"strings"
)

// VirtualMachine is a virtual machine with how it is at the moment.
type VirtualMachine struct {
	ID       string
	Name     string
	Location string
	// OS is "linux" or "windows", Size e.g. "Standard_D8s_v5".
	OS   string
	Size string
	// Power is "running", "deallocated", "stopped", "starting", …; "" when
	// Azure does not say.
	Power string
	// AgentReady tells whether the machine's agent, which runs extensions and
	// run commands, reports to Azure; AgentStatus is its own word for how it is
	// ("Ready", "Not Ready") and AgentMessage why, "" when Azure says nothing.
	AgentReady   bool
	AgentStatus  string
	AgentMessage string
}

// VirtualMachine reads a virtual machine with its instance view.
// Source: Azure REST reference, Virtual Machines - Get, $expand=instanceView.
func (rm *ResourceManager) VirtualMachine(ctx context.Context, id string) (VirtualMachine, error) {
	a := attempt{operation: "read", object: describe(id)}
	document, err := rm.get(ctx, a, rm.address(id, ComputeAPI, url.Values{"$expand": {"instanceView"}}))
	if err != nil {
		return VirtualMachine{}, err
	}
	return newVirtualMachine(document), nil
}

func newVirtualMachine(document Document) VirtualMachine {
	vm := VirtualMachine{
		ID:       textAt(document, "id"),
		Name:     clean(textAt(document, "name"), 100),
		Location: clean(textAt(document, "location"), 100),
		OS:       strings.ToLower(clean(textAt(document, "properties", "storageProfile", "osDisk", "osType"), 20)),
		Size:     clean(textAt(document, "properties", "hardwareProfile", "vmSize"), 100),
	}
	view := objectAt(document, "properties", "instanceView")
	for _, status := range listAt(view, "statuses") {
		code := textAt(status, "code")
		if power, ok := strings.CutPrefix(code, "PowerState/"); ok {
			vm.Power = strings.ToLower(clean(power, 50))
		}
	}
	for _, status := range listAt(view, "vmAgent", "statuses") {
		vm.AgentStatus = clean(textAt(status, "displayStatus"), 100)
		vm.AgentMessage = clean(textAt(status, "message"), maximumText)
	}
	// A machine without a view of its agent is given the benefit of the doubt.
	vm.AgentReady = vm.AgentStatus == "" || strings.EqualFold(vm.AgentStatus, "Ready")
	return vm
}

// Running tells whether the machine is on, as far as Azure says.
func (vm VirtualMachine) Running() bool { return vm.Power == "" || vm.Power == "running" }
