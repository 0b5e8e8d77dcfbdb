package machine

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/arcgis"
)

// validateFederation does a ValidateFederation task. A server that the portal
// does not reach is a result and no failure: the caller knows how it was before.
func (v *visit) validateFederation(ctx context.Context, task Task) TaskResult {
	if v.component.Product != Portal {
		return task.failed(CodeNoSuchComponent, "only a portal has federated servers")
	}
	servers, err := v.admin.Portal().FederatedServers(ctx)
	if err != nil {
		return v.failed(ctx, task, err)
	}
	r := task.result(TaskDone)
	r.Federation, err = validateAll(servers, func(server arcgis.FederatedServer) (Validated, error) {
		got, err := v.admin.Portal().Validate(ctx, server)
		return Validated{Name: server.URL, Status: got.Status, Messages: got.Messages}, err
	})
	if err != nil {
		return v.failed(ctx, task, err)
	}
	return r
}

// validateStores does a ValidateStores task. Its results are no failures either.
func (v *visit) validateStores(ctx context.Context, task Task) TaskResult {
	if v.component.Product != Server {
		return task.failed(CodeNoSuchComponent, "only a server has data stores")
	}
	stores, err := v.admin.Stores(ctx)
	if err != nil {
		return v.failed(ctx, task, err)
	}
	r := task.result(TaskDone)
	r.Stores, err = validateAll(stores, func(path string) (Validated, error) {
		got, err := v.admin.ValidateStore(ctx, path)
		return Validated{Name: path, Status: got.Status, Messages: got.Messages}, err
	})
	if err != nil {
		return v.failed(ctx, task, err)
	}
	return r
}

// validateAll validates side by side, and keeps the order.
func validateAll[T any](all []T, one func(T) (Validated, error)) ([]Validated, error) {
	results := make([]Validated, len(all))
	var work errgroup.Group
	work.SetLimit(entriesAtOnce)
	for i := range all {
		work.Go(func() (err error) {
			results[i], err = one(all[i])
			return err
		})
	}
	return results, work.Wait()
}
