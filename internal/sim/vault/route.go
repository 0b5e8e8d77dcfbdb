package vault

import (
	"net/http"
	"net/url"
	"strings"
)

// target is what a method and path lead to: an operation on a collection,
// with what it needs to be allowed.
type target struct {
	step       string
	kind       string // certificates or secrets
	permission string // of an access policy
	action     string // of a role: a data action below Microsoft.KeyVault/vaults/
	name       string
	version    string
	do         func(call) (any, *failure)
}

// call is one request that is allowed.
type call struct {
	*Server
	vault *vault
	target
	query     url.Values
	url       *url.URL
	body      map[string]any
	retention retention
}

// operation is a row of the table of what the vault does.
type operation struct {
	step, permission, action string
	do                       func(call) (any, *failure)
}

// Source for permissions: Key Vault access policy documentation; for actions:
// "Azure permissions for Security", Microsoft.KeyVault data actions.
var operations = map[string]operation{
	"GET certificates":                   {"vault-list", "list", "certificates/read", call.list},
	"GET certificates/n":                 {"vault-get", "get", "certificates/read", call.getCertificate},
	"GET certificates/n/versions":        {"vault-versions", "list", "certificates/read", call.listVersions},
	"GET certificates/n/policy":          {"vault-get", "get", "certificates/read", call.getPolicy},
	"PATCH certificates/n/policy":        {"vault-patch", "update", "certificates/update/action", call.patchPolicy},
	"POST certificates/n/import":         {"vault-import", "import", "certificates/import/action", call.importCertificate},
	"PATCH certificates/n":               {"vault-patch", "update", "certificates/update/action", call.patch},
	"DELETE certificates/n":              {"vault-delete", "delete", "certificates/delete", call.remove},
	"GET deletedcertificates":            {"vault-list", "list", "certificates/read", call.listDeleted},
	"GET deletedcertificates/n":          {"vault-recover", "get", "certificates/read", call.getDeleted},
	"DELETE deletedcertificates/n":       {"vault-delete", "purge", "certificates/purge/action", call.purge},
	"POST deletedcertificates/n/recover": {"vault-recover", "recover", "certificates/recover/action", call.recover},

	"GET secrets":                   {"vault-list", "list", "secrets/readMetadata/action", call.list},
	"GET secrets/n":                 {"vault-secret", "get", "secrets/getSecret/action", call.getSecret},
	"GET secrets/n/versions":        {"vault-versions", "list", "secrets/readMetadata/action", call.listVersions},
	"PUT secrets/n":                 {"vault-import", "set", "secrets/setSecret/action", call.setSecret},
	"PATCH secrets/n":               {"vault-patch", "set", "secrets/update/action", call.patch},
	"DELETE secrets/n":              {"vault-delete", "delete", "secrets/delete", call.remove},
	"GET deletedsecrets":            {"vault-list", "list", "secrets/readMetadata/action", call.listDeleted},
	"GET deletedsecrets/n":          {"vault-recover", "get", "secrets/readMetadata/action", call.getDeleted},
	"DELETE deletedsecrets/n":       {"vault-delete", "purge", "secrets/purge/action", call.purge},
	"POST deletedsecrets/n/recover": {"vault-recover", "recover", "secrets/recover/action", call.recover},
}

// route reads the path. A version, or "" after a trailing slash as the SDKs
// for Go and JavaScript send it, is no part of the operation's name. What the
// table does not have is answered 405.
func route(r *http.Request) target {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	collection := strings.ToLower(parts[0])
	to := target{step: "vault-unknown", kind: strings.TrimPrefix(collection, "deleted")}
	key := r.Method + " " + collection
	if len(parts) > 1 {
		to.name = parts[1]
		key += "/n"
	}
	if len(parts) > 2 {
		switch last := strings.ToLower(parts[2]); last {
		case "versions", "policy", "import", "recover", "pending", "create", "backup", "restore", "contacts", "issuers":
			key += "/" + last
		default:
			to.version = last
		}
	}
	if found, ok := operations[key]; ok && len(parts) <= 3 {
		to.step, to.permission, to.action, to.do = found.step, found.permission, found.action, found.do
	}
	return to
}
