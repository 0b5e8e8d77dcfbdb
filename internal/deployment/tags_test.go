package deployment

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"  plain ":                 "plain",
		"line\nfeed\x1b[2J":        "line\uFFFDfeed\uFFFD[2J",
		"moc.elpmaxe\u202e.sig":    "moc.elpmaxe\uFFFD.sig",
		"zero\u200bwidth":          "zero\uFFFDwidth",
		"para\u2029graph":          "para\uFFFDgraph",
		"not\xffUTF-8":             "not\uFFFDUTF-8",
		"Zürich 東京":                "Zürich 東京",
		strings.Repeat("ü", 300):   strings.Repeat("ü", 256),
		strings.Repeat("\x07", 10): strings.Repeat("\uFFFD", 10),
	} {
		if got := clean(in, maxTag); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTagsAreFoundInAnyCase(t *testing.T) {
	list := readTags(bag{"ARCGIS-Deployment-ID": "x", "arcgis-deployment-id": "", "number": 5, "Arcgis-Deployment-New-Thing": "y"})
	if got := list.get(tagID); got != "x" {
		t.Errorf("id = %q, want x", got)
	}
	if got := list.get("number"); got != "" {
		t.Errorf("a tag that is no text = %q, want none", got)
	}
	if diff := cmp.Diff(map[string]string{"new-thing": "y"}, list.rest()); diff != "" {
		t.Errorf("rest (-want +got):\n%s", diff)
	}
	if readTags("no object").recorded() || !list.recorded() {
		t.Error("recorded is wrong")
	}
}

func TestDomains(t *testing.T) {
	for value, want := range map[string]string{
		"gis.example.com":          "gis.example.com",
		" GIS.Example.COM. ":       "gis.example.com",
		"xn--zrich-kva.example":    "xn--zrich-kva.example",
		"my_site.example.com":      "my_site.example.com",
		"single":                   "single",
		"zürich.example":           "",
		"https://gis.example.com":  "",
		"gis.example.com:443":      "",
		"gis.example.com/portal":   "",
		"*.example.com":            "",
		"gis..example.com":         "",
		"-gis.example.com":         "",
		"203.0.113.5":              "",
		"a b.example.com":          "",
		"gis.example.com\nEVIL":    "",
		strings.Repeat("a", 64):    "",
		strings.Repeat("a.", 126):  strings.Repeat("a.", 125) + "a",
		strings.Repeat("ab.", 100): "",
	} {
		var d Deployment
		got := d.readDomain(readTags(bag{tagDomain: value}), tagDomain)
		if got != want || (want == "") != (len(d.Problems) == 1) {
			t.Errorf("domain %q = %q with problems %v, want %q and a problem only without one", value, got, d.Problems, want)
		}
	}
}

func TestWildcardHostNames(t *testing.T) {
	rows := []struct {
		host, domain string
		want         bool
	}{
		{"gis.example.com", "gis.example.com", true},
		{"GIS.example.com", "gis.EXAMPLE.com", true},
		{"*.example.com", "gis.example.com", true},
		{"g?s.example.com", "gis.example.com", true},
		{"*", "gis.example.com", true},
		{"*.example.com", "example.com", false},
		{"*.example.org", "gis.example.com", false},
		{"", "gis.example.com", false},
		{"gis.example.com", "", false},
		{"a*b*c", "aXXbYYbZZc", true},
		{strings.Repeat("*a", 100) + "b", strings.Repeat("a", 250), false},
	}
	for _, row := range rows {
		if got := covers(row.host, row.domain); got != row.want {
			t.Errorf("covers(%q, %q) = %v, want %v", row.host, row.domain, got, row.want)
		}
	}
}

func TestVersions(t *testing.T) {
	for text, want := range map[string][2]int{"11.4": {11, 4}, "10.8.1": {10, 8}, "10.9.1.2": {10, 9}, "12.1": {12, 1}} {
		if got, ok := readVersion(text); !ok || got != want {
			t.Errorf("readVersion(%q) = %v, %v; want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "11", "v11.4", "11.x", "11.4 ", "99999999999999999999.1", "11.4\n"} {
		if got, ok := readVersion(text); ok {
			t.Errorf("readVersion(%q) = %v, want none", text, got)
		}
	}
	if !older([2]int{10, 7}, firstWithGateway) || older([2]int{10, 10}, firstWithGateway) || older([2]int{11, 0}, firstWithGateway) {
		t.Error("older is wrong")
	}
}

func TestInfo(t *testing.T) {
	rows := []struct {
		name, info string
		want       Deployment
		problems   int
	}{
		{"as templates write it", "bm@vnet@rg@sub@server,portal@20241119T101500Z", Deployment{Prefix: "bm", Network: &Network{"vnet", "rg", "sub"}, ServerContext: "server", PortalContext: "portal", Recorded: time.Date(2024, 11, 19, 10, 15, 0, 0, time.UTC)}, 0},
		{"no prefix", "@vnet@rg@sub@server,portal@x", Deployment{Network: &Network{"vnet", "rg", "sub"}, ServerContext: "server", PortalContext: "portal"}, 0},
		{"doubled separator, slashes", "bm@vnet@@rg@sub@/server/ , portal/@x", Deployment{Prefix: "bm", Network: &Network{"vnet", "rg", "sub"}, ServerContext: "server", PortalContext: "portal"}, 0},
		{"only separators", "@@@@@@@@@@", Deployment{}, 0},
		{"cut off", "bm@vnet@rg@sub@server", Deployment{Prefix: "bm", Network: &Network{"vnet", "rg", "sub"}, ServerContext: "server"}, 1},
		{"too many parts", "a@b@c@d@e,f@g@h", Deployment{Prefix: "a", Network: &Network{"b", "c", "d"}, ServerContext: "e", PortalContext: "f"}, 1},
		{"one word", "hello", Deployment{Prefix: "hello"}, 1},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var d Deployment
			d.readInfo(row.info)
			if len(d.Problems) != row.problems {
				t.Errorf("problems %v, want %d", d.Problems, row.problems)
			}
			d.Problems = nil
			if diff := cmp.Diff(row.want, d); diff != "" {
				t.Errorf("read (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSiteTags(t *testing.T) {
	rows := []struct {
		name, key, value string
		want             []Site
		problems         int
	}{
		{"doubled separator", "FS@ImageServer@@image,@dep2@x@11.4@@False,False", "", []Site{{ID: "dep2", Role: "ImageServer", ServerContext: "image", Version: "11.4"}}, 0},
		{"missing end", "FS@ImageServer@image,@dep2", "rg", []Site{{ID: "dep2", Role: "ImageServer", ServerContext: "image", ResourceGroup: "rg"}}, 1},
		{"no id", "FS@ImageServer@image,@@x@11.4@@a", "", []Site{{Role: "ImageServer", ServerContext: "image", Version: "11.4"}}, 1},
		{"nothing", "FS@", "", nil, 1},
		{"other tag", "FS-dep2-ExisitingFileSharePath", "x", nil, 0},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var d Deployment
			d.readSites(readTags(bag{row.key: row.value}))
			if diff := cmp.Diff(row.want, d.Sites); diff != "" || len(d.Problems) != row.problems {
				t.Errorf("problems %v, want %d; sites (-want +got):\n%s", d.Problems, row.problems, diff)
			}
		})
	}
}

func TestInternalCertificatesAndStorage(t *testing.T) {
	for text, want := range map[string]string{"True": "user-provided", "true": "user-provided", "False": "self-signed", "": "", "perhaps": ""} {
		if got := readInternal(text); got != want {
			t.Errorf("readInternal(%q) = %q, want %q", text, got, want)
		}
	}
	if readStorage("") != nil {
		t.Error("storage of nothing is something")
	}
	want := &Storage{Account: "acc", BlobEndpoint: "acc.blob.core.usgovcloudapi.net", ResourceGroup: "rg"}
	if diff := cmp.Diff(want, readStorage("gis@ACC.blob.core.usgovcloudapi.net@rg@False")); diff != "" {
		t.Errorf("storage (-want +got):\n%s", diff)
	}
}

// shown fails the test if text could harm whoever reads it on a terminal.
func shown(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) || strings.ContainsRune(text, '\u202e') {
		t.Errorf("%q is not fit to be shown", text)
	}
}
