package app

import (
	"slices"

	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/rollout"
)

// SourceText says where the certificates of a replacement come from.
func SourceText(source rollout.Source) string {
	switch source {
	case rollout.FromPFX:
		return "the .pfx files that were given"
	case rollout.FromAuthority:
		return "the authority that was given"
	case rollout.Fresh:
		return "an authority that is made for it"
	case rollout.Back:
		return "what was there before"
	}
	return string(source)
}

// HowText says how a port gets its certificate, and whether it goes down for it.
func HowText(port rollout.Port) string {
	text := map[rollout.How]string{
		rollout.ByAlias: "new entry", rollout.InPlace: "in place", rollout.ByTool: "by its tool",
		rollout.InIIS: "bound in IIS", rollout.Follows: "follows Server",
	}[port.How]
	if text == "" {
		text = string(port.How)
	}
	if port.Restarts && !port.Served {
		return text + ", restarts"
	}
	return text
}

// FollowedText says where the certificate of a component without a keystore comes from.
func FollowedText(product machine.Product) string {
	switch product {
	case machine.GeoEvent, machine.WorkflowManager:
		return "that of Server"
	case machine.DataStore:
		return "by its tool"
	case machine.WebAdaptor:
		return "in IIS"
	}
	return "-"
}

// MachinesIn are the machines whose certificates change, in the plan's order.
func MachinesIn(plan rollout.Plan) []string {
	var names []string
	for _, port := range plan.Ports {
		if !port.Served && !slices.Contains(names, port.Machine) {
			names = append(names, port.Machine)
		}
	}
	return names
}

// RestartsIn is how many ports go down and come back.
func RestartsIn(plan rollout.Plan) int {
	n := 0
	for _, port := range plan.Ports {
		if port.Restarts && !port.Served {
			n++
		}
	}
	return n
}
