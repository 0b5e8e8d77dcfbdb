package arm_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim/arm"
)

func TestEveryCallNeedsATokenAndAnAPIVersion(t *testing.T) {
	b := setUp(t)
	for _, row := range []struct {
		token, query, code string
		status             int
	}{
		{"", version, "AuthenticationFailed", 401},
		{"Bearer nonsense", version, "InvalidAuthenticationToken", 401},
		{"Bearer old", version, "ExpiredAuthenticationToken", 401},
		{"Bearer vault", version, "InvalidAuthenticationTokenAudience", 401},
		{"Bearer stranger", version, "InvalidAuthenticationTokenTenant", 401},
		{"Bearer operator", "", "MissingApiVersionParameter", 400},
	} {
		got := b.get(gatewayID+row.query, "Authorization", row.token)
		b.wantError(got, row.status, row.code)
		if challenge := got.Header.Get("WWW-Authenticate"); row.status == 401 && !strings.Contains(challenge, "authorization_uri=") {
			t.Errorf("%q: challenge %q names no authority", row.token, challenge)
		}
	}
}

func TestTheQueryIsParsedNotMatched(t *testing.T) {
	// The JavaScript SDK percent-encodes the parameter's name.
	if got := setUp(t).get(gatewayID + "?api%2Dversion=2024-05-01"); got.StatusCode != http.StatusOK {
		t.Errorf("%d %s", got.StatusCode, got.raw)
	}
}

func TestPathsIgnoreLetterCase(t *testing.T) {
	if got := setUp(t).get(strings.ToUpper(gatewayID) + version); got.StatusCode != http.StatusOK {
		t.Errorf("%d %s", got.StatusCode, got.raw)
	}
}

func TestWhatIsNotThere(t *testing.T) {
	b := setUp(t)
	b.wantError(b.get("/subscriptions/0000/resourcegroups"+version), 404, "SubscriptionNotFound")
	b.wantError(b.get(strings.Replace(gatewayID, "/gis/", "/nogroup/", 1)+version), 404, "ResourceGroupNotFound")
	b.wantError(b.get(gatewayID+"x"+version), 404, "ResourceNotFound")
	b.wantError(b.get("/subscriptions/"+subscription+"/resourceGroups/nogroup"+version), 404, "ResourceGroupNotFound")
}

func TestTagFilterInAnySpelling(t *testing.T) {
	b := setUp(t)
	for filter, want := range map[string]int{
		"tagname eq 'TEAM' and tagvalue eq 'maps'": 1,
		"tagName eq 'team' and tagValue eq 'maps'": 1,
		"tagName eq 'team'":                        1,
		"tagName eq 'team' and tagValue eq 'Maps'": 0, // values keep their case
	} {
		got := b.get("/subscriptions/" + subscription + "/resources" + version + "&$filter=" + url.QueryEscape(filter))
		if value, _ := got.body["value"].([]any); len(value) != want {
			t.Errorf("%s: %d resources, want %d: %s", filter, len(value), want, got.raw)
		}
	}
	b.wantError(b.get("/subscriptions/"+subscription+"/resources"+version+"&$filter="+url.QueryEscape("what is this")), 400, "InvalidFilterInQueryString")
}

func TestListsArePagedByNextLink(t *testing.T) {
	b := setUp(t, func(o *arm.Options) { o.PageSize = 2 })
	path, pages, seen := "/subscriptions/"+subscription+"/resources"+version, 0, 0
	for path != "" {
		got := b.get(path)
		value, _ := got.body["value"].([]any)
		pages, seen, path = pages+1, seen+len(value), text(got.body, "nextLink")
	}
	if pages != 2 || seen != 3 {
		t.Errorf("%d resources on %d pages, want 3 on 2", seen, pages)
	}
}

func TestMetadataInItsThreeShapes(t *testing.T) {
	b := setUp(t)
	for version, want := range map[string]string{"2015-01-01": `{"authentication"`, "2019-05-01": `[{`, "2022-09-01": `{"authentication"`} {
		got := b.get("/metadata/endpoints?api-version="+version, "Authorization", "")
		if !strings.HasPrefix(got.raw, want) {
			t.Errorf("%s: %s", version, got.raw)
		}
	}
	if old := b.get("/metadata/endpoints?api-version=2015-01-01"); old.body["portalEndpoint"] == nil && !strings.Contains(old.raw, "galleryEndpoint") {
		t.Error("the old shape has no flat endpoints")
	}
}
