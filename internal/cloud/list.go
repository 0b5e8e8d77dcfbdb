package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

const (
	// maximumPages and maximumItems bound a list: a server that pages forever
	// must not be followed forever. The largest true lists (all resources of a
	// subscription) have some ten thousand items.
	maximumPages = 1000
	maximumItems = 500_000
	// graphPage is how many rows Resource Graph gives at most. It also gives no
	// more than 16 MiB at once, and refuses to answer a page that would be
	// larger with graphTooLarge (microsoft/ARI#199). A gateway with its path
	// rules and trusted roots has tens of kilobytes, so that may well happen.
	graphPage     = 1000
	graphTooLarge = "ResponsePayloadTooLarge"
	// graphSubscriptions is how many subscriptions one query may name.
	graphSubscriptions = 1000
)

// List reads all pages of a list, e.g. of /subscriptions/{s}/resources. Items
// that are no objects are left out.
func (rm *ResourceManager) List(ctx context.Context, path, apiVersion string, query url.Values) ([]Document, error) {
	a := attempt{operation: "list", object: describeList(path)}
	address := rm.address(path, apiVersion, query)
	var items []Document
	for range maximumPages {
		page, err := rm.get(ctx, a, address)
		if err != nil {
			return nil, err
		}
		items = append(items, objects(page["value"])...)
		next := textAt(page, "nextLink")
		if next == "" {
			return items, nil
		}
		if next == address || len(items) > maximumItems {
			return nil, a.failed(fmt.Errorf("the list does not end (%d items)", len(items)))
		}
		address = next // the guard of the pipeline looks at its host
	}
	return nil, a.failed(fmt.Errorf("the list does not end (%d pages)", maximumPages))
}

// Query asks Resource Graph over the named subscriptions, or over everything
// that the caller may read when there are none. What it answers is eventually
// consistent: good for finding, never for verifying a write. A query must
// return the column id, or more than one page cannot be had.
func (rm *ResourceManager) Query(ctx context.Context, kql string, subscriptions []string) ([]Document, error) {
	if len(subscriptions) == 0 {
		return rm.queryInPages(ctx, kql, nil)
	}
	var rows []Document
	for some := range slices.Chunk(subscriptions, graphSubscriptions) {
		more, err := rm.queryInPages(ctx, kql, some)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// queryInPages asks for full pages and, when one of them is too large to be
// answered, for pages of half as many rows. It begins anew, because a skip
// token holds the size of its pages and nothing says what becomes of one that
// comes back with another size.
func (rm *ResourceManager) queryInPages(ctx context.Context, kql string, subscriptions []string) ([]Document, error) {
	for size := graphPage; ; size /= 2 {
		rows, err := rm.query(ctx, kql, subscriptions, size)
		if size > 1 && HasCode(err, graphTooLarge) {
			continue
		}
		return rows, err
	}
}

func (rm *ResourceManager) query(ctx context.Context, kql string, subscriptions []string, pageSize int) ([]Document, error) {
	a := attempt{operation: "query", object: "Resource Graph"}
	address := rm.address("/providers/Microsoft.ResourceGraph/resources", GraphAPI, nil)
	var rows []Document
	skipToken := ""
	for range maximumPages {
		body, err := json.Marshal(graphRequest(kql, subscriptions, pageSize, skipToken))
		if err != nil {
			return nil, a.failed(err)
		}
		// A query changes nothing, so the pipeline may repeat this POST.
		response, err := rm.send(ctx, a, http.MethodPost, address, body, "")
		if err != nil {
			return nil, err
		}
		page, err := a.document(response)
		if err != nil {
			return nil, err
		}
		rows = append(rows, objects(page["data"])...)
		next := textAt(page, "$skipToken")
		if next == "" {
			if textAt(page, "resultTruncated") == "true" || boolAt(page, "resultTruncated") {
				return nil, a.failed(fmt.Errorf("the result was cut off after %d rows and cannot be continued", len(rows)))
			}
			return rows, nil
		}
		if next == skipToken || len(rows) > maximumItems {
			return nil, a.failed(fmt.Errorf("the result does not end (%d rows)", len(rows)))
		}
		skipToken = next
	}
	return nil, a.failed(fmt.Errorf("the result does not end (%d pages)", maximumPages))
}

func graphRequest(kql string, subscriptions []string, pageSize int, skipToken string) map[string]any {
	options := map[string]any{"resultFormat": "objectArray", "$top": pageSize}
	if skipToken != "" {
		options["$skipToken"] = skipToken
	}
	request := map[string]any{"query": kql, "options": options}
	if len(subscriptions) > 0 {
		request["subscriptions"] = subscriptions
	}
	return request
}

func objects(value any) []Document {
	list, _ := value.([]any)
	var documents []Document
	for _, item := range list {
		if tree := objectAt(item); tree != nil {
			documents = append(documents, tree)
		}
	}
	return documents
}
