package arm_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/smallstep/pkcs7"

	"github.com/cartouche-gis/cartouche/internal/sim/arm"
	"github.com/cartouche-gis/cartouche/internal/sim/authority"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// renewed is the gateway's document with a new entry that the listener uses.
func (b *bench) renewed(issued *authority.Issued) map[string]any {
	body := b.get(gatewayID + version).body
	properties := body["properties"].(map[string]any)
	properties["sslCertificates"] = append(properties["sslCertificates"].([]any), map[string]any{"name": "new", "properties": map[string]any{"data": b.pfx(issued, "secret"), "password": "secret"}})
	list(body, "httpListeners")[0]["properties"].(map[string]any)["sslCertificate"] = map[string]any{"id": gatewayID + "/sslCertificates/new"}
	return body
}

func TestAPutIsAcceptedThenUpdatesThenSucceeds(t *testing.T) {
	b := setUp(t)
	before := b.get(gatewayID + version)
	issued := b.issue()
	accepted := b.call(http.MethodPut, gatewayID+version, b.renewed(issued), "If-Match", text(before.body, "etag"))
	if accepted.StatusCode != http.StatusOK || text(accepted.body, "properties", "provisioningState") != "Updating" {
		t.Fatalf("%d %s", accepted.StatusCode, accepted.raw)
	}
	if b.plane.serves("new") != "" {
		t.Error("the data plane follows before the operation has run")
	}
	if status := b.poll(accepted)["status"]; status != "Succeeded" {
		t.Errorf("the operation ended %v", status)
	}
	after := b.get(gatewayID + version)
	if text(after.body, "properties", "provisioningState") != "Succeeded" {
		t.Errorf("state %s", text(after.body, "properties", "provisioningState"))
	}
	tags := []string{text(before.body, "etag"), text(accepted.body, "etag"), text(after.body, "etag")}
	if tags[0] == tags[1] || tags[1] == tags[2] || tags[2] != after.Header.Get("ETag") {
		t.Errorf("the ETag must move at the start and at the end: %v, header %s", tags, after.Header.Get("ETag"))
	}
	if got, want := b.plane.serves("new"), issued.Leaf.SerialNumber.String(); got != want {
		t.Errorf("the data plane has leaf %s, want %s", got, want)
	}
	if b.ground.Ledger.Count(ground.GatewayWrite) != 1 {
		t.Error("the ledger does not count one write")
	}
}

func TestSecretsGoInAndNeverComeOut(t *testing.T) {
	b := setUp(t)
	body := b.renewed(b.issue())
	data := list(body, "sslCertificates")[1]["properties"].(map[string]any)["data"].(string)
	accepted := b.call(http.MethodPut, gatewayID+version, body)
	b.poll(accepted)
	for _, raw := range []string{accepted.raw, b.get(gatewayID + version).raw} {
		if strings.Contains(raw, data) || strings.Contains(raw, `"password"`) {
			t.Error("the answer has the data or the password of a certificate")
		}
	}
}

func TestPublicCertDataIsPKCS7WithTheChain(t *testing.T) {
	b := setUp(t)
	issued := b.issue()
	b.poll(b.call(http.MethodPut, gatewayID+version, b.renewed(issued)))
	shown := list(b.get(gatewayID+version).body, "sslCertificates")[1]["properties"].(map[string]any)["publicCertData"].(string)
	der, err := base64.StdEncoding.DecodeString(shown)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := pkcs7.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	if len(signed.Certificates) != 2 || !signed.Certificates[0].Equal(issued.Leaf) {
		t.Errorf("%d certificates, want the leaf and its intermediate", len(signed.Certificates))
	}
}

func TestWhatIsUnknownSurvivesAndWhatIsLeftOutIsGone(t *testing.T) {
	b := setUp(t)
	body := b.get(gatewayID + version).body
	delete(body, "tags")
	b.poll(b.call(http.MethodPut, gatewayID+version, body))
	after := b.get(gatewayID + version).body
	if after["tags"] != nil {
		t.Error("a PUT without tags keeps the old ones")
	}
	if diff := cmp.Diff(body["unknownTop"], after["unknownTop"]); diff != "" {
		t.Errorf("unknown property changed: %s", diff)
	}
	if diff := cmp.Diff([]any{1.0, "two"}, list(after, "httpListeners")[0]["properties"].(map[string]any)["unknown"]); diff != "" {
		t.Errorf("unknown property of a listener changed: %s", diff)
	}
}

func TestAnEntryWithoutDataKeepsItsKey(t *testing.T) {
	b := setUp(t)
	b.poll(b.call(http.MethodPut, gatewayID+version, b.get(gatewayID+version).body))
	if got, want := b.plane.serves("frontendCert"), b.old.Leaf.SerialNumber.String(); got != want {
		t.Errorf("serves %s, want the old leaf %s", got, want)
	}
}

func TestRefusedBodies(t *testing.T) {
	b := setUp(t)
	entry := func(name string, properties map[string]any) map[string]any {
		return map[string]any{"name": name, "properties": properties}
	}
	add := func(body, e map[string]any) {
		properties := body["properties"].(map[string]any)
		properties["sslCertificates"] = append(properties["sslCertificates"].([]any), e)
	}
	for name, row := range map[string]struct {
		change func(map[string]any)
		code   string
	}{
		"undecodable PFX": {func(d map[string]any) { add(d, entry("x", map[string]any{"data": "bm90IGEgcGZ4", "password": "p"})) }, "ApplicationGatewaySslCertificateInvalidData"},
		"wrong password":  {func(d map[string]any) { add(d, entry("x", map[string]any{"data": b.pfx(b.old, "a"), "password": "b"})) }, "ApplicationGatewaySslCertificateInvalidData"},
		"no password":     {func(d map[string]any) { add(d, entry("x", map[string]any{"data": b.pfx(b.old, "a")})) }, "ApplicationGatewaySslCertificatePasswordMustBeSpecified"},
		"new without data": {func(d map[string]any) { add(d, entry("x", map[string]any{"publicCertData": "MII="})) },
			"ApplicationGatewaySslCertificateDataMustBeSpecified"},
		"same name twice": {func(d map[string]any) { add(d, entry("FrontendCert", map[string]any{})) }, "InvalidRequestFormat"},
		"entry in use removed": {func(d map[string]any) { d["properties"].(map[string]any)["sslCertificates"] = []any{} },
			"InvalidResourceReference"},
		"listener without certificate": {func(d map[string]any) {
			delete(list(d, "httpListeners")[0]["properties"].(map[string]any), "sslCertificate")
		}, "ApplicationGatewayHttpsListenerMustReferenceSslCert"},
		"subnet that is not there": {func(d map[string]any) {
			list(d, "gatewayIPConfigurations")[0]["properties"].(map[string]any)["subnet"] = map[string]any{"id": subnetID + "x"}
		}, "InvalidResourceReference"},
		"no location": {func(d map[string]any) { delete(d, "location") }, "LocationRequired"},
		"bad root": {func(d map[string]any) {
			d["properties"].(map[string]any)["trustedRootCertificates"] = []any{entry("r", map[string]any{"data": "AAAA"})}
		}, "ApplicationGatewayTrustedRootCertificateInvalidData"},
	} {
		t.Run(name, func(t *testing.T) {
			body := b.get(gatewayID + version).body
			row.change(body)
			b.wantError(b.call(http.MethodPut, gatewayID+version, body), 400, row.code)
		})
	}
	if n := b.ground.Ledger.Count(ground.GatewayWrite); n != 0 {
		t.Errorf("%d writes were accepted", n)
	}
	if got := b.call(http.MethodPut, gatewayID+version, []string{"no object"}); got.code() != "InvalidRequestContent" {
		t.Errorf("%s", got.raw)
	}
}

func TestIfMatch(t *testing.T) {
	b := setUp(t)
	body := b.get(gatewayID + version).body
	got := b.call(http.MethodPut, gatewayID+version, body, "If-Match", `W/"stale"`)
	b.wantError(got, 412, "PreconditionFailed")
	if !strings.Contains(got.raw, "PreconditionFailedEtagMismatch") {
		t.Errorf("no nested code: %s", got.raw)
	}
	ignoring := setUp(t, func(o *arm.Options) { o.Guesses.IgnoreIfMatch = true })
	if got := ignoring.call(http.MethodPut, gatewayID+version, body, "If-Match", `W/"stale"`); got.StatusCode != http.StatusOK {
		t.Errorf("with the guess turned round: %s", got.raw)
	}
}

func TestASecondWriteWhileOneRuns(t *testing.T) {
	for busy, want := range map[string]struct {
		status int
		code   string
	}{"": {409, "AnotherOperationInProgress"}, "conflict": {409, "AnotherOperationInProgress"}, "retry": {429, "RetryableError"}} {
		b := setUp(t, func(o *arm.Options) { o.Guesses.Busy = busy })
		body := b.get(gatewayID + version).body
		first := b.call(http.MethodPut, gatewayID+version, body)
		b.wantError(b.call(http.MethodPut, gatewayID+version, body), want.status, want.code)
		if status := b.poll(first)["status"]; status != "Succeeded" {
			t.Errorf("%q: the first ended %v", busy, status)
		}
	}
}

func TestASecondWriteMaySupersedeTheFirst(t *testing.T) {
	b := setUp(t, func(o *arm.Options) { o.Guesses.Busy = "supersede" })
	old := b.get(gatewayID + version).body
	first := b.call(http.MethodPut, gatewayID+version, b.renewed(b.issue()))
	second := b.call(http.MethodPut, gatewayID+version, old)
	ended := b.poll(first)
	if ended["status"] != "Canceled" || !strings.Contains(string(mustJSON(t, ended)), "CanceledAndSupersededDueToAnotherOperation") {
		t.Errorf("the first ended %v", ended)
	}
	b.poll(second)
	if b.plane.serves("new") != "" {
		t.Error("the canceled write reached the data plane")
	}
}

func TestADataPlaneThatFailsFailsTheOperation(t *testing.T) {
	b := setUp(t)
	b.plane.mu.Lock()
	b.plane.err = errors.New("no listener")
	b.plane.mu.Unlock()
	if ended := b.poll(b.call(http.MethodPut, gatewayID+version, b.get(gatewayID+version).body)); ended["status"] != "Failed" {
		t.Errorf("ended %v", ended)
	}
}

func TestTagsArePatchedAtOnce(t *testing.T) {
	b := setUp(t)
	before := b.get(gatewayID + version).body
	got := b.call(http.MethodPatch, gatewayID+version, map[string]any{"tags": map[string]any{"a": "b"}})
	if got.StatusCode != http.StatusOK || text(got.body, "tags", "a") != "b" || text(got.body, "tags", "arcgis-deployment-id") != "" {
		t.Errorf("%s", got.raw)
	}
	if text(before, "etag") == text(got.body, "etag") {
		t.Error("the ETag did not move")
	}
}

func TestBackendHealthIsFetchedFromLocation(t *testing.T) {
	b := setUp(t)
	accepted := b.call(http.MethodPost, gatewayID+"/backendhealth"+version, nil)
	if accepted.StatusCode != http.StatusAccepted || accepted.Header.Get("Location") == "" || accepted.Header.Get("Retry-After") == "" {
		t.Fatalf("%d %v", accepted.StatusCode, accepted.Header)
	}
	for {
		got := b.get(accepted.Header.Get("Location"))
		if got.StatusCode == http.StatusOK {
			if !strings.Contains(got.raw, "backendAddressPools/pool") {
				t.Errorf("%s", got.raw)
			}
			return
		}
	}
}
