package reach_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/arm"
)

// The rights that are documented are enough, by either way into the storage
// account, and none of them can be missing.
func TestTheAgentNeedsExactlyItsRights(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sim.Options{World: "gitops", Scripts: true})
	storage, err := reach.StorageOf(t.Context(), p.azure, p.found[0])
	if err != nil {
		t.Fatal(err)
	}
	at := p.server()
	account := p.Grants()[0].Principal
	others := slices.DeleteFunc(p.Grants(), func(g arm.Grant) bool { return g.Principal == account })
	const blobs = "Microsoft.Storage/storageAccounts/blobServices/"
	keys := []string{"Microsoft.Storage/storageAccounts/listKeys/action"}
	containers := []string{blobs + "containers/write", blobs + "containers/delete", blobs + "generateUserDelegationKey/action"}
	data := []string{blobs + "containers/blobs/read", blobs + "containers/blobs/write", blobs + "containers/blobs/add/action", blobs + "containers/blobs/delete"}
	look := func(atMachine, atStorage, data []string) (worked bool) {
		grants := append(slices.Clone(others),
			arm.Grant{Principal: account, Scope: at.ID, Role: "at machines", Actions: atMachine},
			arm.Grant{Principal: account, Scope: storage.ID, Role: "at the storage account", Actions: atStorage, DataActions: data})
		p.Manager().SetGrants(grants...)
		way := reach.NewAgent(reach.AgentOptions{Azure: p.azure, Storage: storage, Interval: 30 * time.Millisecond})
		_, err := way.Do(t.Context(), at, (&suite{place: p}).job())
		return way.Close(context.WithoutCancel(t.Context())) == nil && err == nil
	}
	var machines []string
	for _, need := range reach.NewAgent(reach.AgentOptions{}).(interface {
		Needs([]reach.Machine) []cloud.Need
	}).Needs([]reach.Machine{at}) {
		machines = append(machines, need.Action)
	}
	if !look(machines, keys, nil) {
		t.Error("with the account's keys it does not work")
	}
	if !look(machines, containers, data) {
		t.Error("with rights to the data it does not work")
	}
	for i, right := range machines {
		if look(slices.Delete(slices.Clone(machines), i, i+1), keys, nil) {
			t.Errorf("it works without %s", right)
		}
	}
	if look(machines, nil, nil) {
		t.Error("it works without any right to the storage account")
	}
}
