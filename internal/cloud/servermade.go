package cloud

import "strings"

// serverMadeKeys are properties that only Azure writes.
// Source: readOnly properties of ApplicationGateway in azure-rest-api-specs,
// Microsoft.Network 2025-05-01.
var serverMadeKeys = map[string]bool{
	"etag":                       true,
	"provisioningState":          true,
	"operationalState":           true,
	"resourceGuid":               true,
	"defaultPredefinedSslPolicy": true,
	"privateEndpointConnections": true,
	"backendIPConfigurations":    true,
}

// backReferences are lists of bare ids by which a child tells who uses it. They
// follow from the references themselves.
var backReferences = map[string]bool{
	"httpListeners":                 true,
	"listeners":                     true,
	"requestRoutingRules":           true,
	"routingRules":                  true,
	"urlPathMaps":                   true,
	"pathRules":                     true,
	"backendHttpSettings":           true,
	"backendHttpSettingsCollection": true,
	"redirectConfigurations":        true,
}

// serverMade tells whether a member of an object is Azure's own. before and
// after are the object.
func serverMade(path, key string, before, after map[string]any) bool {
	b, was := before[key]
	a, is := after[key]
	switch {
	case serverMadeKeys[key]:
		return true
	case key == "id" || key == "type":
		// A child's own id and type follow from its name, and a new child gets
		// them from Azure; but an id that refers to something is somebody's.
		_, named := after["name"].(string)
		return named && !was
	case key == "publicCertData":
		// Azure's answer to new data; but another one than before is another certificate.
		return !was || !is
	case key == "data" || key == "password":
		// Never given back, once written.
		return was && !is && strings.Contains(path, "sslCertificates[")
	case backReferences[key]:
		return path != "properties."+key && (!was || bareReferences(b)) && (!is || bareReferences(a))
	}
	return false
}

func bareReferences(value any) bool {
	list, ok := value.([]any)
	if !ok {
		return false
	}
	for _, item := range list {
		tree := objectAt(item)
		if len(tree) != 1 || textAt(tree, "id") == "" {
			return false
		}
	}
	return true
}
