package storage

import (
	"io"
	"net/http"
	"net/url"
	"strings"
)

// target is what a request is about.
type target struct {
	step            string // as faults use it
	level           byte   // s service, c container, o object: as in an account SAS
	container, blob string
	// permissions of a SAS, any of which is enough; action is what a role must
	// allow, data tells that it is a data action, and other is a second one that
	// would do.
	permissions   string
	action, other string
	data          bool
	// delegation tells that only a token is taken.
	delegation bool
	do         func(*call) *failure
}

// call is one request.
type call struct {
	*Server
	target
	account  *account
	document map[string]any
	tenant   string
	r        *http.Request
	w        http.ResponseWriter
	query    url.Values
	body     []byte
	caller   string // object id of who came with a token
	// mayOverwrite is false for who may create only.
	mayOverwrite bool
}

const actions = "Microsoft.Storage/storageAccounts/blobServices/"

// Steps are the names of requests to a storage account, as faults use them.
func Steps() []string {
	return []string{"container-list", "container-get", "container-create", "container-delete", "blob-list", "blob-get", "blob-put", "blob-append", "blob-delete", "delegation-key"}
}

// route finds out what a request wants.
// Source of actions: "Authorize with Microsoft Entra ID", permissions for blob
// operations; of the letters: "Create a service SAS" and "Create an account
// SAS", tables of permissions.
func route(r *http.Request) target {
	query := r.URL.Query()
	kind, comp := query.Get("restype"), query.Get("comp")
	containerName, blobName, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	t := target{step: "unknown", level: 'o', container: containerName, blob: blobName}
	as := func(step, permissions, action string, data bool, do func(*call) *failure) target {
		t.step, t.permissions, t.action, t.data, t.do = step, permissions, actions+action, data, do
		return t
	}
	get := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case containerName == "" && comp == "list" && get:
		t.level = 's'
		return as("container-list", "l", "containers/read", false, (*call).listContainers)
	case containerName == "" && kind == "service" && comp == "userdelegationkey" && r.Method == http.MethodPost:
		t.level, t.delegation = 's', true
		return as("delegation-key", "", "generateUserDelegationKey/action", false, (*call).delegationKey)
	case blobName == "" && kind == "container":
		t.level = 'c'
		switch {
		case comp == "list" && get:
			return as("blob-list", "l", "containers/blobs/read", true, (*call).listBlobs)
		case comp == "" && get:
			return as("container-get", "r", "containers/read", false, (*call).getContainer)
		case comp == "" && r.Method == http.MethodPut:
			return as("container-create", "cw", "containers/write", false, (*call).createContainer)
		case comp == "" && r.Method == http.MethodDelete:
			return as("container-delete", "d", "containers/delete", false, (*call).deleteContainer)
		}
	case blobName != "" && get && comp == "":
		return as("blob-get", "r", "containers/blobs/read", true, (*call).getBlob)
	case blobName != "" && r.Method == http.MethodDelete && comp == "":
		return as("blob-delete", "d", "containers/blobs/delete", true, (*call).deleteBlob)
	case blobName != "" && r.Method == http.MethodPut:
		t.other = actions + "containers/blobs/add/action"
		switch comp {
		case "":
			return as("blob-put", "cw", "containers/blobs/write", true, (*call).putBlob)
		case "block":
			return as("blob-put", "cw", "containers/blobs/write", true, (*call).putBlock)
		case "blocklist":
			return as("blob-put", "cw", "containers/blobs/write", true, (*call).putBlockList)
		case "appendblock":
			return as("blob-append", "aw", "containers/blobs/write", true, (*call).appendBlock)
		}
	}
	return t
}

// scope is the resource that roles are asked about.
func (c *call) scope() string {
	id, _ := c.document["id"].(string)
	if c.container != "" {
		id += "/blobServices/default/containers/" + c.container
	}
	if c.blob != "" {
		id += "/blobs/" + c.blob
	}
	return id
}

// read takes the body.
func (c *call) read() *failure {
	body, err := io.ReadAll(c.r.Body)
	if err != nil {
		return fail(http.StatusRequestEntityTooLarge, "RequestBodyTooLarge", "The request body is too large and exceeds the maximum permissible limit.")
	}
	c.body = body
	return nil
}
