package arcgis

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFederatedServers(t *testing.T) {
	f := newFake(t, map[string][]reply{
		tokenPath: {ok(granted)},
		serversPath: {ok(`{"servers":[
			{"id":"NzPdaRhWYsnKzXfs","name":"gis1.example.com:6443","url":"https://gis.example.com/server",
			 "adminUrl":"https://gis1.example.com:6443/arcgis","isHosted":true,"serverRole":"HOSTING_SERVER",
			 "serverFunction":"GeneralPurposeServer","serverType":"ARCGIS","webgisServerTrustKey":"hush"},
			{"id":"abc","name":"nb:11443","url":"https://gis.example.com/notebook","adminURL":"https://nb:11443/arcgis","isHosted":"false","serverFunction":null}]}`)},
	})
	got, err := f.signedIn(t).FederatedServers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []FederatedServer{
		{ID: "NzPdaRhWYsnKzXfs", Name: "gis1.example.com:6443", URL: "https://gis.example.com/server", AdminURL: "https://gis1.example.com:6443/arcgis", Hosting: true, Role: "HOSTING_SERVER", Function: "GeneralPurposeServer", Type: "ARCGIS"},
		{ID: "abc", Name: "nb:11443", URL: "https://gis.example.com/notebook", AdminURL: "https://nb:11443/arcgis"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("servers (-want +got):\n%s", diff)
	}
}

func TestNoFederatedServersIsNotAnUnexpectedAnswer(t *testing.T) {
	f := newFake(t, map[string][]reply{
		tokenPath:   {ok(granted)},
		serversPath: {ok(`{"servers":[]}`), ok(`{"service":[]}`), ok(`{"servers":"none"}`)},
	})
	p := f.signedIn(t)
	got, err := p.FederatedServers(t.Context())
	if err != nil || len(got) != 0 {
		t.Errorf("empty list = %v, %v; want none and no error", got, err)
	}
	for range 2 {
		_, err = p.FederatedServers(t.Context())
		if code(err) != CodeUnexpected {
			t.Errorf("an answer without servers = %v, want code %s", err, CodeUnexpected)
		}
	}
}

func TestValidate(t *testing.T) {
	rows := []struct {
		name string
		body string
		want Validation
		ok   bool
	}{
		{"success", `{"status":"success","serverId":"s1","messages":["It is accessible."],"adminUrl":"https://x"}`, Validation{Success, []string{"It is accessible."}}, true},
		{"warnings", `{"status":"success with warnings","messages":["Odd."]}`, Validation{WithWarnings, []string{"Odd."}}, true},
		{"failure", `{"status":"failure","messages":["PKIX path building failed"]}`, Validation{Failure, []string{"PKIX path building failed"}}, false},
		{"undetermined", `{"status":"undetermined"}`, Validation{Status: Undetermined}, false},
		{"other case", `{"status":"Success With Warnings","messages":"one"}`, Validation{WithWarnings, []string{"one"}}, true},
		{"new word", `{"status":"perhaps","messages":["?"]}`, Validation{Undetermined, []string{`The portal's result is "perhaps", which is not known.`, "?"}}, false},
		{"no word", `{}`, Validation{Undetermined, []string{`The portal's result is "", which is not known.`}}, false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			f := newFake(t, map[string][]reply{
				tokenPath:                    {ok(granted)},
				serversPath + "/s1/validate": {ok(row.body)},
			})
			got, err := f.signedIn(t).Validate(t.Context(), FederatedServer{ID: "s1", Name: "gis1"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, got); diff != "" || got.OK() != row.ok {
				t.Errorf("OK = %v, want %v; validation (-want +got):\n%s", got.OK(), row.ok, diff)
			}
		})
	}
}

func TestValidateErrorIsNoResult(t *testing.T) {
	f := newFake(t, map[string][]reply{
		tokenPath:                    {ok(granted)},
		serversPath + "/s1/validate": {ok(`{"status":"error","messages":["Server not found."],"code":404}`)},
	})
	_, err := f.signedIn(t).Validate(t.Context(), FederatedServer{ID: "s1"})
	if code(err) != CodeNotFound {
		t.Errorf("Validate = %v, want code %s", err, CodeNotFound)
	}
}

// An id is a piece of a path, and stays one, whatever the portal calls a server.
func TestValidateIDStaysOneSegment(t *testing.T) {
	for id, want := range map[string]string{
		"a/../../x?y#z": "POST /portal/portaladmin/federation/servers/a%2F..%2F..%2Fx%3Fy%23z/validate",
		"..":            "",
		".":             "",
		"":              "",
	} {
		f := newFake(t, map[string][]reply{tokenPath: {ok(granted)}})
		_, err := f.signedIn(t).Validate(t.Context(), FederatedServer{ID: id})
		if err == nil {
			t.Errorf("id %q: no error", id)
		}
		got := ""
		if len(f.requests) > 1 {
			got, _, _ = strings.Cut(f.requests[1], " Referer")
		}
		if got != want {
			t.Errorf("id %q: request %q, want %q", id, got, want)
		}
	}
}
