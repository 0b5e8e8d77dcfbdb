package rotation

import (
	"fmt"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// unreachable refuses a change that could not be proved, because no endpoint
// was reached. When the gateway has only private addresses that is how it is
// meant, and then the finding says where it can be reached from.
func unreachable(state State, failure string) pki.Finding {
	names := strings.Join(state.Deployment.Names(), ", ")
	places := privatePlaces(state)
	if len(places) == 0 {
		return pki.Finding{
			Code: "endpoint-unreachable", Severity: pki.Refusal,
			Sentence: fmt.Sprintf("no endpoint of %s can be reached from here (%s), so a change could not be proved", names, failure),
			Mend:     "run this where " + names + " can be reached",
		}
	}
	return pki.Finding{
		Code: "endpoint-private", Severity: pki.Refusal,
		Sentence: fmt.Sprintf("%s is private: its gateway is entered only at %s. From here it cannot be reached (%s), so a change could not be proved",
			names, strings.Join(places, " and "), failure),
		Mend: waysIn,
	}
}

// waysIn are how people get a command into a virtual network.
const waysIn = "run the same command inside that network or one connected to it: on a jump box, through a VPN, or through a proxy that runs there (HTTPS_PROXY=http://PROXY:PORT); " +
	"to a proxy on a machine, with Azure Bastion: az network bastion tunnel --name BASTION --resource-group GROUP --target-resource-id MACHINE --resource-port 3128 --port 3128, then HTTPS_PROXY=http://127.0.0.1:3128"

// privatePlaces are the addresses of a gateway whose listeners are all private,
// each with its network; none when one of them is public.
func privatePlaces(state State) []string {
	var places []string
	for _, own := range state.Listeners {
		listener, ok := state.Gateway.Listener(own.Name)
		if !ok || !listener.Private {
			return nil
		}
		place := listener.PrivateIP
		if place == "" {
			place = "a private address"
		}
		if network := deployment.NetworkOf(listener.SubnetID); network != nil {
			place += fmt.Sprintf(" in the virtual network %s (subnet %s, resource group %s)", network.Name, network.Subnet, network.ResourceGroup)
		}
		if !contains(places, place) {
			places = append(places, place)
		}
	}
	return places
}

func contains(list []string, wanted string) bool {
	for _, item := range list {
		if strings.EqualFold(item, wanted) {
			return true
		}
	}
	return false
}
