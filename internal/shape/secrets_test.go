package shape_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/cartouche-gis/cartouche/internal/shape"
)

// A shape holds no secret: neither those that a rotation uses, nor what somebody
// has put into the gateway's document where none belongs.
func TestAShapeHoldsNoSecret(t *testing.T) {
	t.Parallel()
	const canary = "canary-7Hq2xV9tLw4"
	packed := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte(canary), 8))
	world := start(t, "single")
	gateway := world.Deployments()[0].GatewayID
	world.Manager().Edit(gateway, func(document map[string]any) {
		tags := document["tags"].(map[string]any)
		for name, value := range map[string]string{
			"adminPassword": canary, "api-key": canary, "note": "Bearer " + canary, "link": "https://store.example/x?sv=1&sig=" + canary, "blob": packed,
			"proxy": "http://user:" + canary + "@proxy.example/", "connection": "AccountKey=" + canary, "pem": "-----BEGIN PRIVATE KEY-----" + canary, "owner": "gis",
		} {
			tags[name] = value
		}
		properties := document["properties"].(map[string]any)
		properties["futureSecret"] = map[string]any{"value": canary}
		properties["customErrorConfigurations"] = []any{map[string]any{"statusCode": "HttpStatus502", "customErrorPageUrl": "https://store.example/e.html?sig=" + canary}}
		for _, item := range properties["rewriteRuleSets"].([]any) {
			for _, rule := range item.(map[string]any)["properties"].(map[string]any)["rewriteRules"].([]any) {
				set := rule.(map[string]any)["actionSet"].(map[string]any)
				set["requestHeaderConfigurations"] = []any{map[string]any{"headerName": "X-Api-Key", "headerValue": canary}, map[string]any{"headerName": "X-Forwarded-Host", "headerValue": "{http_req_host}"}}
			}
		}
		for _, item := range properties["sslCertificates"].([]any) {
			inner := item.(map[string]any)["properties"].(map[string]any)
			inner["data"], inner["password"] = packed, canary
		}
	})
	secrets := []string{canary}
	for _, variable := range world.InsideEnvironment() {
		if strings.HasSuffix(variable.Name, "PASSWORD") || strings.HasSuffix(variable.Name, "SECRET") {
			secrets = append(secrets, variable.Value)
		}
	}
	_, pfx, password := world.NewCertificate()
	secrets = append(secrets, password, base64.StdEncoding.EncodeToString(pfx)[:64])
	for _, o := range observe(t, world) {
		s, err := shape.Of(o.state, o.roots)
		if err != nil {
			t.Fatal(err)
		}
		masked, err := shape.Masked(s)
		if err != nil {
			t.Fatal(err)
		}
		for what, one := range map[string]shape.Shape{"shape": s, "masked shape": masked} {
			var text bytes.Buffer
			if err := one.Write(&text); err != nil {
				t.Fatal(err)
			}
			for _, secret := range secrets {
				for form, encoded := range forms(secret) {
					if strings.Contains(strings.ToLower(text.String()), strings.ToLower(encoded)) {
						t.Errorf("%s: %q is in it, %s: %s", what, secret, form, around(text.String(), encoded))
					}
				}
			}
		}
		for _, want := range []string{"/tags/adminPassword", "/tags/api-key", "/tags/note", "/tags/link", "/tags/blob", "/tags/proxy", "/tags/connection", "/tags/pem", "/properties/futureSecret"} {
			if !strings.Contains(strings.Join(s.LeftOut, "\n")+"\n", want+"\n") {
				t.Errorf("%s is not told to be left out: %q", want, s.LeftOut)
			}
		}
		if s.Gateway["tags"].(map[string]any)["owner"] != "gis" {
			t.Error("a tag that hides nothing was left out")
		}
		if !strings.Contains(mustText(t, s), "{http_req_host}") {
			t.Error("the value of a header that hides nothing was left out")
		}
	}
}

func mustText(t *testing.T, s shape.Shape) string {
	t.Helper()
	var text bytes.Buffer
	if err := s.Write(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// forms are how a secret may have been written.
func forms(secret string) map[string]string {
	var wide []byte
	for _, unit := range utf16.Encode([]rune(secret)) {
		wide = append(wide, byte(unit), byte(unit>>8))
	}
	inner := base64.RawStdEncoding.EncodeToString([]byte(secret))
	return map[string]string{
		"as it is": secret, "base64": inner[:len(inner)-2], "hex": hex.EncodeToString([]byte(secret)), "UTF-16": string(wide),
		"UTF-16 in base64": base64.RawStdEncoding.EncodeToString(wide)[:len(wide)], "in an address": url.QueryEscape(secret),
	}
}
