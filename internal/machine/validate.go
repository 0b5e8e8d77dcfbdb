package machine

import (
	"context"
	"errors"

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
		return judged(server.URL, got, err)
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
		return judged(path, got, err)
	})
	if err != nil {
		return v.failed(ctx, task, err)
	}
	return r
}

// judged is one validation. That the product itself could not make it, and said
// why, is undetermined: it must not hide how the others are.
func judged(name string, got arcgis.Validation, err error) (Validated, error) {
	var said *arcgis.Error
	if errors.As(err, &said) && (said.Code == arcgis.CodeRefused || said.Code == arcgis.CodeNotFound) {
		return Validated{Name: name, Status: arcgis.Undetermined, Messages: said.Messages}, nil
	}
	return Validated{Name: name, Status: got.Status, Messages: got.Messages}, err
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
