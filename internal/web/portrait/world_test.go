package portrait_test

import (
	"flag"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/onlooker"
	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/portrait"
)

var keep = flag.String("keep", "", "write the pages into this `directory`, to be looked at")

// TestPagesOfWorlds writes the pages of deployments and all of their
// certificates, and follows their links.
func TestPagesOfWorlds(t *testing.T) {
	for _, world := range []string{"single", "ha", "drift", "gitops", "private"} {
		t.Run(world, func(t *testing.T) {
			t.Parallel()
			for _, seen := range look(t, world) {
				page := portrait.Of(seen, "abc", time.Time{})
				name := world + "-" + seen.State.Gateway.Name()
				body := write(t, "deployment", name, page)
				for _, want := range append(seen.State.Deployment.Names(), seen.State.Gateway.Name(), "What goes dark when") {
					if !strings.Contains(body, want) {
						t.Errorf("%s: %q is not on the page", name, want)
					}
				}
				links(t, seen, body)
				for i, c := range page.Certificates {
					about, ok := portrait.OfCertificate(seen, "abc", c.SHA256, time.Time{})
					if !ok {
						t.Fatalf("%s has no page", c.Name)
					}
					kept := ""
					switch {
					case i == 0:
						kept = name + "-external"
					case strings.HasPrefix(c.Role, "machines"):
						kept = name + "-internal"
					case strings.HasPrefix(c.Role, "vouches"):
						kept = name + "-authority"
					}
					write(t, "certificate", kept, about)
				}
			}
		})
	}
}

var (
	hrefs = regexp.MustCompile(`href="([^"]*)"`)
	ids   = regexp.MustCompile(`\bid="([^"]*)"`)
)

// links follows every link of a page to something that is there.
func links(t *testing.T, seen portrait.Seen, body string) {
	t.Helper()
	there := map[string]bool{}
	for _, id := range ids.FindAllStringSubmatch(body, -1) {
		if there["#"+id[1]] {
			t.Errorf("the id %s is there twice", id[1])
		}
		there["#"+id[1]] = true
	}
	for _, href := range hrefs.FindAllStringSubmatch(body, -1) {
		_, fingerprint, isCertificate := strings.Cut(href[1], "/certificates/")
		switch {
		case strings.HasPrefix(href[1], "#") && !there[href[1]]:
			t.Errorf("the link %s leads nowhere", href[1])
		case isCertificate:
			if _, ok := portrait.OfCertificate(seen, "abc", fingerprint, time.Time{}); !ok {
				t.Errorf("there is no page %s", href[1])
			}
		}
	}
}

// look looks at the deployments of a world from inside, with their machines.
func look(t testing.TB, name string) []portrait.Seen {
	t.Helper()
	world := worldtest.Start(t, sim.Options{World: name, Scale: 600, Current: sim.CurrentCertificate{Key: "p256"}, Machines: sim.MachineState{Key: "p256"}})
	o := onlooker.In(t, world)
	var all []portrait.Seen
	for _, state := range o.States(t) {
		all = append(all, portrait.Seen{State: state, Roots: o.Roots})
	}
	return all
}

// write writes a page, and keeps it where that is asked for.
func write(t *testing.T, template, name string, value any) string {
	t.Helper()
	answer := httptest.NewRecorder()
	err := pages.Write(answer, 200, template, pages.Page{Frame: pages.Frame{World: "ha", Person: "anna@example.com"}, Title: "x", Scripts: []string{"dates.js"}, Data: value})
	if err != nil {
		t.Fatal(err)
	}
	body := answer.Body.String()
	if *keep != "" && name != "" {
		body := inline(t, body)
		if err := os.WriteFile(filepath.Join(*keep, name+".html"), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return body
}

// inline puts the assets into a page, so that it can be opened as a file.
func inline(t *testing.T, body string) string {
	t.Helper()
	for _, asset := range []struct{ name, before, after string }{{"style.css", "<style>", "</style>"}, {"dates.js", "<script type=module>", "</script>"}} {
		address, err := pages.Asset(asset.name)
		if err != nil {
			t.Fatal(err)
		}
		answer := httptest.NewRecorder()
		pages.Assets().ServeHTTP(answer, httptest.NewRequest("GET", address, nil))
		body = strings.Replace(body, "</head>", asset.before+answer.Body.String()+asset.after+"</head>", 1)
	}
	return body
}
