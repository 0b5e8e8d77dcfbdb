package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/sim/arm"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/sim/storage"
	"github.com/cartouche-gis/cartouche/internal/sim/vault"
)

// FaultDoc describes one fault: its name, the steps at which it can strike,
// and what happens.
type FaultDoc struct{ Name, Steps, What string }

// At are the steps, one by one.
func (d FaultDoc) At() []string {
	switch d.Steps {
	case anyAzure:
		return Steps()
	case anySite:
		return SiteSteps()
	case anyVault:
		return VaultSteps()
	case anyBlob:
		return StorageSteps()
	}
	return strings.Split(d.Steps, ", ")
}

// What Steps of a FaultDoc says when there are many.
const (
	anyAzure = "any request to Azure"
	anySite  = "any request to a site"
	anyVault = "any request to a vault"
	anyBlob  = "any request to a storage account"
)

// Faults lists all faults of a world, for help texts.
func Faults() []FaultDoc {
	var docs []FaultDoc
	for _, doc := range arm.Faults() {
		if doc.Steps == "any" {
			doc.Steps = anyAzure
		}
		docs = append(docs, FaultDoc(doc))
	}
	for _, doc := range vault.Faults() {
		docs = append(docs, FaultDoc{doc.Name, anyVault, doc.What})
	}
	for _, doc := range storage.Faults() {
		docs = append(docs, FaultDoc{doc.Name, anyBlob, doc.What})
	}
	return append(docs,
		FaultDoc{"wrong-leaf", "edge", "the gateway serves some other leaf than it was given"},
		FaultDoc{"broken-chain", "edge", "the gateway serves the new leaf without its intermediates"},
		FaultDoc{"stale-instance", "edge", "one instance of the gateway keeps serving the old leaf for half an hour"},
		FaultDoc{"edge-reset", "edge", "the connection is cut during a handshake with the gateway"},
		FaultDoc{"slow", anySite, "the answer comes 30 s late"},
		FaultDoc{"unavailable", anySite, "503 and a page of HTML"},
		FaultDoc{"reset", anySite, "the connection is cut without an answer"},
		FaultDoc{"html", anySite, "a page of HTML with status 200 where JSON was asked for"},
		FaultDoc{"expired-token", "portal-admin, server-admin, notebook-admin, mission-admin, video-admin", "the token is no longer valid"},
		FaultDoc{"lost-answer", "import, import-root, assign, update, delete", "the change is made and the connection cut before the answer"},
		FaultDoc{"import-vanishes", "import, root-import", "success is answered and nothing is stored"},
		FaultDoc{"machine-lost", "import, root-import", "the machine goes off after the import"},
		FaultDoc{"machine-does-not-return", "restart", "a machine that restarts stays away"},
		FaultDoc{"machine-stays-sick", "restart", "a machine that restarts serves TLS and stays unhealthy"},
		FaultDoc{"service-does-not-return", "restart-service", "GeoEvent or Workflow Manager stays away after a restart"},
		FaultDoc{"federation-warns", "federation-validate", "a server is valid, with warnings"},
		FaultDoc{"store-sick", "store-validate", "a machine of the Data Store is not healthy"},
		FaultDoc{"tool-fails-silently", "store-tool", "the Data Store's tool ends with 1 and says nothing"},
		FaultDoc{"tool-does-nothing", "store-tool", "the Data Store's tool reports success and changes nothing"},
	)
}

// Steps lists the requests to Azure at which faults can strike.
func Steps() []string { return append([]string{"token"}, arm.Steps()...) }

// SiteSteps lists the requests to Portal and Server at which faults can strike.
func SiteSteps() []string {
	return []string{"portal-health", "portal-token", "federation-list", "federation-validate", "server-health", "server-token",
		"notebook-token", "mission-token", "video-token", "datastore-health", "certificate-list", "certificate-detail", "certificate-export",
		"import", "import-root", "assign", "update", "delete"}
}

// VaultSteps lists the requests to Key Vault at which faults can strike.
func VaultSteps() []string { return vault.Steps() }

// StorageSteps lists the requests to storage accounts at which faults can strike.
func StorageSteps() []string { return storage.Steps() }

// CheckFault refuses a fault that could never happen: a misspelt one would make
// a rehearsal look better than it was.
func CheckFault(fault ground.Fault) error {
	known := false
	for _, doc := range Faults() {
		if doc.Name != fault.Name {
			continue
		}
		known = true
		if fault.Step == "*" || slices.Contains(doc.At(), fault.Step) {
			return nil
		}
	}
	if !known {
		return fmt.Errorf("there is no fault %q", fault.Name)
	}
	return fmt.Errorf("the fault %q cannot happen at %q; the steps are edge, restart, %s, %s, %s, %s",
		fault.Name, fault.Step, strings.Join(SiteSteps(), ", "), strings.Join(VaultSteps(), ", "), strings.Join(StorageSteps(), ", "), strings.Join(Steps(), ", "))
}
