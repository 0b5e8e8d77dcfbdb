package cloud

import (
	"context"
	"net/http"
	"time"
)

// tagsPath is where the tags of a subscription, a group or a resource are read
// and written apart from all else of it.
// Source: Azure REST reference, Tags - Get At Scope, Tags - Update At Scope.
const tagsPath = "/providers/Microsoft.Resources/tags/default"

// The actions that tags take.
// Source: Azure resource provider operations of Microsoft.Resources.
const (
	ReadTags  = "Microsoft.Resources/tags/read"
	WriteTags = "Microsoft.Resources/tags/write"
)

// Tags reads the tags at a scope: a group's or a resource's id. at is when Azure
// answered by its own clock, the one clock that all its clients share; zero when
// the answer does not tell.
func (rm *ResourceManager) Tags(ctx context.Context, scope string) (tags map[string]string, at time.Time, err error) {
	a := attempt{operation: "read", object: "tags of " + describe(scope)}
	response, err := rm.send(ctx, a, http.MethodGet, rm.address(scope+tagsPath, TagsAPI, nil), nil, "")
	if err != nil {
		return nil, time.Time{}, err
	}
	at, _ = http.ParseTime(response.Header.Get("Date"))
	document, err := a.document(response)
	if err != nil {
		return nil, time.Time{}, err
	}
	tags = map[string]string{}
	for name, value := range objectAt(document, "properties", "tags") {
		if text, ok := value.(string); ok {
			tags[name] = text
		}
	}
	return tags, at, nil
}

// MergeTags adds tags and gives those that exist their new values; all others
// stay. It may be repeated, so azcore does on 408, 429 and 5xx.
func (rm *ResourceManager) MergeTags(ctx context.Context, scope string, tags map[string]string) error {
	return rm.patchTags(ctx, "write", scope, "Merge", tags)
}

// DeleteTags removes the tags that have just these names and values; one that has
// another value by now stays.
func (rm *ResourceManager) DeleteTags(ctx context.Context, scope string, tags map[string]string) error {
	return rm.patchTags(ctx, "remove", scope, "Delete", tags)
}

func (rm *ResourceManager) patchTags(ctx context.Context, doing, scope, operation string, tags map[string]string) error {
	a := attempt{operation: doing, object: "tags of " + describe(scope), write: true}
	values := map[string]any{}
	for name, value := range tags {
		values[name] = value
	}
	body, _, err := Document{"operation": operation, "properties": map[string]any{"tags": values}}.wire()
	if err != nil {
		return a.failed(err)
	}
	response, err := rm.send(ctx, a, http.MethodPatch, rm.address(scope+tagsPath, TagsAPI, nil), body, "")
	if err != nil {
		return err
	}
	// Newer versions of the API answer 202 and carry it out later.
	pending, err := rm.newOperation(response, a)
	if err != nil {
		return err
	}
	_, err = pending.Wait(ctx)
	return err
}
