package arcgis

import (
	"net/http"
	"strings"
	"testing"
)

func TestPortalHealth(t *testing.T) {
	rows := []struct {
		name  string
		reply reply
		code  string
	}{
		{"well", ok(`{"status":"success"}`), ""},
		{"well, other case", ok(`{"status":"Success"}`), ""},
		{"ill", ok(`{"status":"failure"}`), CodeUnhealthy},
		{"error", ok(`{"error":{"code":500,"message":"x"}}`), CodeUnhealthy},
		{"page with 200", ok(`<html><body>Starting</body></html>`), CodeUnhealthy},
		{"page with 503", reply{status: 503, body: `<html></html>`}, CodeUnhealthy},
		{"success with 500", reply{status: 500, body: `{"status":"success"}`}, CodeUnhealthy},
		{"redirect", reply{status: 302, header: http.Header{"Location": {"/portal/home"}}}, CodeUnhealthy},
		{"nothing", ok(`{}`), CodeUnhealthy},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			f := newFake(t, map[string][]reply{healthPath: {row.reply}})
			err := f.portal().Health(t.Context())
			if code(err) != row.code {
				t.Errorf("Health = %v, want code %q", err, row.code)
			}
			if want := "GET /portal/portaladmin/healthCheck?f=json\n"; f.requests[0] != want {
				t.Errorf("request %q, want %q", f.requests[0], want)
			}
		})
	}
}

func TestServerHealth(t *testing.T) {
	rows := []struct {
		name  string
		reply reply
		code  string
	}{
		{"well", ok(`{"success":true}`), ""},
		{"video server says it in a string", ok(`{"success":"true"}`), ""},
		{"no site yet", ok(`{"success":false}`), CodeUnhealthy},
		{"number", ok(`{"success":1}`), CodeUnhealthy},
		{"flat error", ok(`{"status":"error","messages":["does not participate in any Site"],"code":404}`), CodeUnhealthy},
		{"starting", reply{status: 503, body: "<html></html>"}, CodeUnhealthy},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			f := newFake(t, map[string][]reply{"/server/rest/info/healthcheck": {row.reply}})
			err := ServerHealth(t.Context(), f.Client(), f.URL+"/server/")
			if code(err) != row.code {
				t.Errorf("ServerHealth = %v, want code %q", err, row.code)
			}
		})
	}
}

// Whatever a service says, an error stays one bounded line.
func TestErrorsAreOneBoundedLine(t *testing.T) {
	hostile := strings.Repeat("line\n\x1b[31m\u202e ", 5000)
	f := newFake(t, map[string][]reply{healthPath: {ok("<p>" + hostile), ok(`{"error":{"code":500,"message":"` + strings.Repeat("x", 5000) + `","details":["a","b","c","d","e","f","g","h"]}}`)}})
	for range 2 {
		err := f.portal().Health(t.Context())
		if err == nil || len(err.Error()) > 800 || strings.ContainsAny(err.Error(), "\n\x1b\u202e") {
			t.Errorf("error of %d bytes: %.200q", len(err.Error()), err)
		}
	}
}
