package witness

import (
	"fmt"
	"strings"
)

// unsettled are properties that change by themselves.
var unsettled = map[string]bool{"etag": true, "provisioningState": true, "operationalState": true, "instanceView": true}

// flat is a document as paths and values.
func flat(document map[string]any) map[string]string {
	out := map[string]string{}
	flatten(out, "", document, unsettled)
	return out
}

func flatten(out map[string]string, at string, value any, without map[string]bool) {
	switch value := value.(type) {
	case map[string]any:
		for name, inner := range value {
			if !without[name] {
				flatten(out, join(at, name), inner, without)
			}
		}
	case []any:
		for i, inner := range value {
			flatten(out, join(at, stepOf(inner, i)), inner, without)
		}
	case nil:
	default:
		out[at] = fmt.Sprint(value)
	}
}

// stepOf is how a member of a list is called.
func stepOf(member any, index int) string {
	switch member := member.(type) {
	case string:
		return member
	case map[string]any:
		for _, key := range []string{"name", "fqdn", "ipAddress", "objectId"} {
			if name, ok := member[key].(string); ok && name != "" {
				return name
			}
		}
		if id, ok := member["id"].(string); ok {
			return id[strings.LastIndexByte(id, '/')+1:]
		}
	}
	return fmt.Sprint(index)
}

func join(at, step string) string {
	step = strings.ReplaceAll(step, "/", "%2F")
	if at == "" {
		return step
	}
	return at + "/" + step
}

// gatewayUses are the certificate entries that listeners show and the trusted
// roots that HTTP settings name.
func gatewayUses(document map[string]any) []use {
	properties, _ := document["properties"].(map[string]any)
	var uses []use
	shown, trusted := map[string]bool{}, map[string]bool{}
	for _, listener := range members(properties, "httpListeners") {
		shown[referred(listener["sslCertificate"])] = true
	}
	for _, setting := range members(properties, "backendHttpSettingsCollection") {
		list, _ := setting["trustedRootCertificates"].([]any)
		for _, root := range list {
			trusted[referred(root)] = true
		}
	}
	for name, entry := range members(properties, "sslCertificates") {
		if !shown[name] {
			continue
		}
		of := use{what: "certificate entry " + name, pattern: "properties/sslCertificates/" + name + "/properties/publicCertData"}
		of.value, _ = entry["publicCertData"].(string)
		if secret, _ := entry["keyVaultSecretId"].(string); secret != "" {
			// What it shows follows the vault, which keeps the version before.
			of.pattern, of.value = "properties/sslCertificates/"+name+"/properties/keyVaultSecretId", secret
		}
		uses = append(uses, of)
	}
	for name, entry := range members(properties, "trustedRootCertificates") {
		if data, _ := entry["data"].(string); trusted[name] && data != "" {
			uses = append(uses, use{"trusted root " + name, "properties/trustedRootCertificates/*/properties/data", data})
		}
	}
	return uses
}

// members are the properties of a collection's members, by name.
func members(properties map[string]any, collection string) map[string]map[string]any {
	out := map[string]map[string]any{}
	list, _ := properties[collection].([]any)
	for _, item := range list {
		member, _ := item.(map[string]any)
		name, _ := member["name"].(string)
		inner, _ := member["properties"].(map[string]any)
		out[name] = inner
	}
	return out
}

func referred(reference any) string {
	of, _ := reference.(map[string]any)
	id, _ := of["id"].(string)
	return id[strings.LastIndexByte(id, '/')+1:]
}
