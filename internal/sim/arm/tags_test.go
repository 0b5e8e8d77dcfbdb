package arm_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/sim/arm"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

const tagsPath = groupID + "/providers/Microsoft.Resources/tags/default?api-version=2021-04-01"

func patch(operation string, tags map[string]any) map[string]any {
	return map[string]any{"operation": operation, "properties": map[string]any{"tags": tags}}
}

func TestTheTagsOfAGroupAreMergedReplacedAndDeleted(t *testing.T) {
	b := setUp(t)
	for _, step := range []struct {
		method string
		body   map[string]any
		want   map[string]any
	}{
		{http.MethodGet, nil, map[string]any{"team": "maps"}},
		{http.MethodPatch, patch("Merge", map[string]any{"a": "1", "TEAM": "Maps"}), map[string]any{"a": "1", "team": "Maps"}},
		{http.MethodPatch, patch("Delete", map[string]any{"a": "another value"}), map[string]any{"a": "1", "team": "Maps"}},
		{http.MethodPatch, patch("Delete", map[string]any{"A": "1"}), map[string]any{"team": "Maps"}},
		{http.MethodPatch, patch("Delete", map[string]any{"team": ""}), map[string]any{}},
		{http.MethodPut, patch("", map[string]any{"x": "y"}), map[string]any{"x": "y"}},
		{http.MethodPatch, patch("Replace", map[string]any{"team": "maps"}), map[string]any{"team": "maps"}},
	} {
		got := b.call(step.method, tagsPath, step.body)
		if got.StatusCode != http.StatusOK || text(got.body, "name") != "default" {
			t.Fatalf("%s %v: %d %s", step.method, step.body, got.StatusCode, got.raw)
		}
		if diff := cmp.Diff(step.want, got.body["properties"].(map[string]any)["tags"]); diff != "" {
			t.Errorf("%s %v (-want +got):\n%s", step.method, step.body, diff)
		}
	}
	if team := text(b.get(groupID+version).body, "tags", "team"); team != "maps" {
		t.Errorf("the group itself shows %q", team)
	}
	if writes := b.ground.Ledger.Count(ground.GatewayWrite); writes != 0 {
		t.Errorf("%d writes of the gateway", writes)
	}
	if writes := b.ground.Ledger.Count(ground.TagWrite); writes != 6 {
		t.Errorf("the ledger has %d writes of tags, want 6", writes)
	}
}

func TestTagsHaveTheirLimits(t *testing.T) {
	b := setUp(t)
	many := map[string]any{}
	for i := range 50 { // and the one that is there
		many[fmt.Sprint("tag", i)] = "x"
	}
	for code, tags := range map[string]map[string]any{
		"TagsCountExceeded":        many,
		"InvalidTagNameCharacters": {"a/b": "x"},
		"ReservedTagNamePrefix":    {"microsoftx": "x"},
		"InvalidTagValueLength":    {"a": strings.Repeat("x", 257)},
		"InvalidTagNameLength":     {strings.Repeat("x", 513): "x"},
		"InvalidRequestContent":    {"a": 1},
	} {
		b.wantError(b.call(http.MethodPatch, tagsPath, patch("Merge", tags)), 400, code)
	}
	delete(many, "tag0")
	if got := b.call(http.MethodPatch, tagsPath, patch("Merge", many)); got.StatusCode != http.StatusOK {
		t.Errorf("fifty tags: %d %s", got.StatusCode, got.raw)
	}
}

func TestTagsTakeARightOfTheirOwn(t *testing.T) {
	b := setUp(t)
	write := patch("Merge", map[string]any{"a": "1"})
	b.manager.SetGrants(arm.RoleGrant(operator, groupID, "Network Contributor"))
	b.wantError(b.call(http.MethodPatch, tagsPath, write), 403, "AuthorizationFailed")
	b.wantError(b.get(tagsPath), 403, "AuthorizationFailed")
	b.manager.SetGrants(arm.RoleGrant(operator, groupID, "Tag Contributor"))
	if got := b.call(http.MethodPatch, tagsPath, write); got.StatusCode != http.StatusOK {
		t.Errorf("Tag Contributor: %d %s", got.StatusCode, got.raw)
	}
	b.manager.SetLocks(arm.Lock{Scope: groupID, Name: "keep", Level: "CanNotDelete"})
	if got := b.call(http.MethodPatch, tagsPath, patch("Delete", map[string]any{"a": "1"})); got.StatusCode != http.StatusOK {
		t.Errorf("taking a tag away deletes nothing: %d %s", got.StatusCode, got.raw)
	}
	b.manager.SetLocks(arm.Lock{Scope: groupID, Name: "freeze", Level: "ReadOnly"})
	b.wantError(b.call(http.MethodPatch, tagsPath, write), 409, "ScopeLocked")
}

func TestGuessTagsStale(t *testing.T) {
	b := setUp(t, func(o *arm.Options) { o.Guesses.TagsStale, o.Guesses.TagsMergeStale = 100*time.Hour, true })
	b.call(http.MethodPatch, tagsPath, patch("Merge", map[string]any{"a": "1"}))
	if got := b.get(tagsPath); strings.Contains(got.raw, `"a"`) {
		t.Errorf("a read sees the write at once: %s", got.raw)
	}
	b.call(http.MethodPatch, tagsPath, patch("Merge", map[string]any{"b": "2"}))
	b.ground.Clock.Advance(200 * time.Hour)
	if got := b.get(tagsPath); strings.Contains(got.raw, `"a"`) || !strings.Contains(got.raw, `"b"`) {
		t.Errorf("the second write has not undone the first: %s", got.raw)
	}
}

func TestGuessTagsGoByName(t *testing.T) {
	b := setUp(t, func(o *arm.Options) { o.Guesses.TagsGoByName = true })
	if got := b.call(http.MethodPatch, tagsPath, patch("Delete", map[string]any{"team": "another"})); strings.Contains(got.raw, "maps") {
		t.Errorf("it stays: %s", got.raw)
	}
}
