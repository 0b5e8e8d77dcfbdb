package shape

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// suspicious are names of properties, tags and headers under which somebody may
// have put a secret. What is known to be public is excepted below.
var suspicious = regexp.MustCompile(`(?i)pass|pwd|secret|token|key|credential|sas|signature|connection[-_ ]?string|private|data|pfx|p12|authori[sz]ation|cookie|pin$`)

// public are names that look suspicious and are documented to hold none.
// Source: Azure REST reference, Application Gateways - Get.
var public = []string{
	"keyVaultSecretId", "privateIPAddress", "privateIPAllocationMethod", "privateLinkConfigurations", "privateLinkConfiguration", "privateEndpointConnections",
	"privateEndpoint", "privateLinkServiceConnectionState", "cookieBasedAffinity", "affinityCookieName", "systemData", "resourceGuid",
	"arcgis-deployment-datastore-types", "arcgis-deployment-privateip-info", "enableDefaultData", "disablePasswordAuthentication",
}

// inclosed are properties of certificates that are told elsewhere in a shape.
var inclosed = []string{"publicCertData", "data"}

// secretText are values that show what they are wherever they stand.
var secretText = regexp.MustCompile(`(?i)-----BEGIN [A-Z ]*PRIVATE KEY|AccountKey=|SharedAccessSignature=|SharedAccessKey=|Bearer [A-Za-z0-9._~+/-]{16}|Basic [A-Za-z0-9+/=]{8}|\beyJ[A-Za-z0-9_-]{10,}\.eyJ|[?&](sig|code|key|token|sv)=|://[^/@\s]+:[^/@\s]+@`)

// withoutSecrets is a document as it came but for what may be secret, and where
// that was.
func withoutSecrets(document map[string]any) (map[string]any, []string) {
	f := &filter{}
	clean, _ := f.value("", document, false).(map[string]any)
	slices.Sort(f.left)
	return clean, f.left
}

type filter struct{ left []string }

// value is a value without what may be secret. certificate tells that it is
// inside of a collection of certificates, whose content is told elsewhere.
func (f *filter) value(at string, value any, certificate bool) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		header, _ := v["headerName"].(string)
		for name, inner := range v {
			where := at + "/" + name
			switch {
			case certificate && slices.Contains(inclosed, name):
				continue
			case f.hides(name, header, inner):
				f.left = append(f.left, where)
				continue
			}
			if kept := f.value(where, inner, certificate || holdsCertificates(name)); kept != nil || inner == nil {
				out[name] = kept
			} else {
				f.left = append(f.left, where)
			}
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for i, inner := range v {
			where := fmt.Sprintf("%s/%d", at, i)
			if kept := f.value(where, inner, certificate); kept != nil || inner == nil {
				out = append(out, kept)
			} else {
				f.left = append(f.left, where)
			}
		}
		return out
	case string:
		if secretText.MatchString(v) || looksPacked(v) {
			return nil
		}
		return v
	case bool, json.Number, float64, nil:
		return v
	case secret.Secret:
		return nil
	}
	return nil
}

// hides tells whether a property may hold a secret by its name: of a rewrite's
// header by the name of the header.
func (f *filter) hides(name, header string, value any) bool {
	if name == "headerValue" && suspicious.MatchString(header) {
		return true
	}
	// Cloud Builder tells of a site in the name of a tag, random id included, in
	// which any letters may stand.
	if strings.HasPrefix(name, "FS@") {
		return false
	}
	if !suspicious.MatchString(name) || slices.ContainsFunc(public, func(known string) bool { return strings.EqualFold(known, name) }) {
		return false
	}
	// Numbers and switches hide nothing, and an id names something only.
	switch v := value.(type) {
	case bool, json.Number, float64, nil:
		return false
	case map[string]any:
		_, reference := v["id"].(string)
		return !(reference && len(v) == 1)
	}
	return true
}

func holdsCertificates(name string) bool {
	switch name {
	case "sslCertificates", "trustedRootCertificates", "trustedClientCertificates", "authenticationCertificates":
		return true
	}
	return false
}

// looksPacked tells whether text is long and binary, as a .pfx in base64 is.
func looksPacked(text string) bool {
	const short = 64
	text = strings.TrimSpace(text)
	if len(text) < short {
		return false
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if _, err := encoding.DecodeString(text); err == nil {
			return true
		}
	}
	return false
}

// publicNames are the settings of sites that a change must echo.
// Source: ArcGIS REST API, Security Config and Update SSL Certificate.
var publicNames = []string{"protocol", "sslprotocols", "ciphersuites", "hstsenabled", "httpenabled", "sslenabled", "webservercertificatealias", "webserversslenabled", "allowdirectaccess", "virtualdirssecurityenabled", "usestandardizedqueries", "allowedadminaccessips"}

// publicSettings are those whose names are known to be public.
func publicSettings(settings map[string]string) map[string]string {
	out := map[string]string{}
	for name, value := range settings {
		if slices.Contains(publicNames, strings.ToLower(name)) && !secretText.MatchString(value) {
			out[name] = value
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
