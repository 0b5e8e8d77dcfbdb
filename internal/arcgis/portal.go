package arcgis

import (
	"context"
	"net/http"
)

// Portal is a Portal for ArcGIS as a program sees it: the sharing API, for
// tokens, and portaladmin. It may be used by several goroutines.
type Portal struct{ *session }

// NewPortal is the portal at baseURL, which ends with its context:
// https://gis.example.com/portal through a gateway, or
// https://machine.internal:7443/arcgis at a machine. The client decides what
// is trusted and which proxy is used.
func NewPortal(baseURL string, client *http.Client) *Portal {
	return &Portal{newSession(baseURL, "/sharing/rest/generateToken", client)}
}

// Version is the version of the product, as "11.4.0".
func (p *Portal) Version(ctx context.Context) (string, error) {
	operation := "read the version of " + p.base
	var info struct {
		Version text `json:"version"`
	}
	err := p.read(ctx, operation, "/portaladmin", &info)
	if err != nil {
		return "", err
	}
	version := plain(string(info.Version))
	if version == "" {
		return "", &Error{Code: CodeUnexpected, Operation: operation}
	}
	return version, nil
}
