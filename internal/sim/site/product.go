package site

import (
	"fmt"
	"strconv"
	"strings"
)

// product is how one member of the family differs from the others. Sources:
// developers.arcgis.com/rest/enterprise-administration, and the ports in
// DSCResources of Esri/arcgis-powershell-dsc.
type product struct {
	port         int
	defaultAlias string
	nestedErrors bool   // family B: {"error":{…}}
	listKey      string // S13
	pfxFile      string
	pfxPassword  string
	rootFile     string
	strictToken  bool // S5: no token from a multipart form
	healthStep   string
}

var products = map[string]product{
	Portal: {
		port: 7443, defaultAlias: "portal", nestedErrors: true, listKey: "sslCertificates",
		pfxFile: "file", pfxPassword: "password", rootFile: "file", healthStep: "portal-health",
	},
	Server: {
		port: 6443, defaultAlias: "selfsignedcertificate", listKey: "certificates",
		pfxFile: "certFile", pfxPassword: "certPassword", rootFile: "rootCACertificate", healthStep: "server-health",
	},
	Notebook: relative(11443),
	Mission:  relative(20443),
	Video:    relative(21443),
	// The tool's documentation names no alias of the self-signed certificate.
	DataStore: {port: 2443, defaultAlias: "selfsignedcertificate", healthStep: "datastore-health"},
}

// relative is a relative of ArcGIS Server: its resources, but nested errors.
func relative(port int) product {
	return product{
		port: port, defaultAlias: "selfsignedcertificate", nestedErrors: true, listKey: "sslCertificates",
		pfxFile: "certFile", pfxPassword: "certPassword", rootFile: "rootCACertificate",
		strictToken: true, healthStep: "server-health",
	}
}

// Suites that the portal's documentation lists by default: RSA keys only.
const defaultSuites = "TLS_AES_256_GCM_SHA384,TLS_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384," +
	"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_RSA_WITH_AES_256_GCM_SHA384,TLS_RSA_WITH_AES_128_GCM_SHA256"

// version is major and minor: "10.9.1" is {10, 9}.
type version struct{ major, minor int }

func parseVersion(text string) (version, error) {
	parts := strings.Split(text, ".")
	if len(parts) < 2 {
		return version{}, fmt.Errorf("version %q: want major.minor", text)
	}
	major, err := strconv.Atoi(parts[0])
	if err != nil {
		return version{}, fmt.Errorf("version %q: %w", text, err)
	}
	minor, err := strconv.Atoi(parts[1])
	if err != nil {
		return version{}, fmt.Errorf("version %q: %w", text, err)
	}
	return version{major, minor}, nil
}

func (v version) atLeast(major, minor int) bool {
	return v.major > major || v.major == major && v.minor >= minor
}

// full is the version with three places: "11.3.0".
func (s *Site) fullVersion() string {
	if strings.Count(s.spec.Version, ".") == 1 {
		return s.spec.Version + ".0"
	}
	return s.spec.Version
}

// number is currentVersion as live servers write it: 11.3 for 11.3.0, but
// 10.91 for 10.9.1 (seen in public issue trackers).
func (s *Site) versionNumber() float64 {
	major, rest, _ := strings.Cut(strings.TrimSuffix(s.fullVersion(), ".0"), ".")
	number, err := strconv.ParseFloat(major+"."+strings.ReplaceAll(rest, ".", ""), 64)
	if err != nil {
		return float64(s.version.major)
	}
	return number
}
