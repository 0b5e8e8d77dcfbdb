package strangers

import (
	"slices"
	"strings"
	"testing"
)

// TestAzureCLITagsAGroup: az tag is what people take a claim away with, and an
// independent reading of the same requests.
func TestAzureCLITagsAGroup(t *testing.T) {
	needs(t, "az")
	if testing.Short() {
		t.Skip("az takes a second or two for each call")
	}
	t.Parallel()
	w := startWorld(t)
	signInToAzure(t, w)
	group := strings.Join(strings.Split(w.Deployments[0].GatewayID, "/")[:5], "/")

	update := func(operation string, tags ...string) []string {
		t.Helper()
		return w.az(t, append([]string{"tag", "update", "--resource-id", group, "--operation", operation,
			"--query", "properties.tags.[cartouche, costs][]", "--tags"}, tags...)...)
	}
	if got := update("Merge", "cartouche=at work", "costs=4711"); !slices.Equal(got, []string{"at work", "4711"}) {
		t.Errorf("after Merge: %q", got)
	}
	if got := update("Delete", "cartouche=at work"); !slices.Equal(got, []string{"4711"}) {
		t.Errorf("after Delete: %q", got)
	}
	if got := w.az(t, "tag", "list", "--resource-id", group, "--query", "properties.tags.[cartouche, costs][]"); !slices.Equal(got, []string{"4711"}) {
		t.Errorf("az tag list: %q", got)
	}
}
