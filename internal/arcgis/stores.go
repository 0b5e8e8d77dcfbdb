package arcgis

import (
	"context"
	"errors"
	"net/url"
	"strings"
)

// maxStores is more than any hosting server has.
const maxStores = 200

// Stores are the paths of what is registered with a server and kept by ArcGIS
// Data Store, such as "/enterpriseDatabases/AGSDataStore_ds_x1"; none at a
// server that hosts nothing.
func (a *Admin) Stores(ctx context.Context) ([]string, error) {
	var paths []string
	// The first two are those that Esri's DSC asks for; the object store of 11.2
	// and later is a cloud store, of which older releases have not heard.
	for _, kind := range []string{"egdb", "nosql", "cloudStore"} {
		var found struct {
			Items []struct {
				Path     text `json:"path"`
				Provider text `json:"provider"`
			} `json:"items"`
		}
		r := request{operation: "list the data stores of " + a.base, path: "/admin/data/findItems", form: url.Values{"types": {kind}}, timeout: readTimeout}
		err := a.readWith(ctx, r, &found)
		if codeOf(err) == CodeNotFound || kind == "cloudStore" && codeOf(err) == CodeRefused {
			continue // a server that cannot be asked for data hosts none
		}
		if err != nil {
			return nil, err
		}
		for _, item := range found.Items {
			path := string(item.Path)
			ours := strings.EqualFold(string(item.Provider), "ArcGIS Data Store") || item.Provider == ""
			if ours && storePath(path) && len(paths) < maxStores && !contains(paths, path) {
				paths = append(paths, path)
			}
		}
	}
	return paths, nil
}

// storePath tells whether a path is one that can be asked for.
func storePath(path string) bool {
	segments := strings.Split(path, "/")
	if len(segments) < 2 || segments[0] != "" || len(path) > 500 || plain(path) != path {
		return false
	}
	for _, s := range segments[1:] {
		if !segment(s) {
			return false
		}
	}
	return true
}

// ValidateStore makes the server check a data store at each of its machines;
// it is as good as the worst of them. Only a healthy word is success: what
// else the answer says is shown.
func (a *Admin) ValidateStore(ctx context.Context, path string) (Validation, error) {
	operation := "validate the data store " + plain(path) + " with " + a.base
	if !storePath(path) {
		return Validation{}, &Error{Code: CodeUnexpected, Operation: operation}
	}
	base := "/admin/data/items" + escapedPath(path) + "/machines"
	var list struct {
		Machines []struct {
			Name text `json:"name"`
		} `json:"machines"`
	}
	if err := a.read(ctx, operation, base, &list); err != nil {
		return Validation{}, err
	}
	v := Validation{Status: Success}
	if len(list.Machines) == 0 {
		return Validation{Status: Undetermined, Messages: []string{"It has no machine."}}, nil
	}
	for _, m := range list.Machines[:min(len(list.Machines), maxMachines)] {
		if !segment(string(m.Name)) {
			return Validation{}, &Error{Code: CodeUnexpected, Operation: operation}
		}
		var said struct {
			Healthy  *truth `json:"isHealthy"`
			Status   text   `json:"status"`
			Message  text   `json:"message"`
			Messages texts  `json:"messages"`
		}
		if err := a.read(ctx, operation, base+"/"+url.PathEscape(string(m.Name))+"/validate", &said); err != nil {
			return Validation{}, err
		}
		healthy := said.Healthy != nil && bool(*said.Healthy) || said.Healthy == nil && strings.EqualFold(string(said.Status), Success)
		v.Messages = append(v.Messages, show(append(texts{string(said.Message)}, said.Messages...))...)
		if !healthy {
			v.Status = Failure
			v.Messages = append(v.Messages, plain(string(m.Name))+" is not healthy "+plain(string(said.Status)))
		}
	}
	return v, nil
}

func escapedPath(path string) string {
	segments := strings.Split(path, "/")
	for i := range segments {
		segments[i] = url.PathEscape(segments[i])
	}
	return strings.Join(segments, "/")
}

// codeOf is the code of an error of this package, "" for any other.
func codeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
