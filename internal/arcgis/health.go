package arcgis

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// Health asks the portal whether it is well. It needs no sign-in. An error
// with CodeUnreachable means that nobody answered, CodeUnhealthy that somebody
// did and it was no "success": a page, a status of 500, a failure.
func (p *Portal) Health(ctx context.Context) error {
	var said struct {
		Status text `json:"status"`
	}
	operation := "check the health of " + p.base
	err := health(ctx, p.client, operation, p.base+"/portaladmin/healthCheck?f=json", &said)
	if err != nil {
		return err
	}
	if !strings.EqualFold(string(said.Status), "success") {
		return &Error{Code: CodeUnhealthy, Operation: operation, Messages: show([]string{"status " + string(said.Status)})}
	}
	return nil
}

// ServerHealth asks an ArcGIS Server site (or Notebook, Mission, Video Server)
// at baseURL, which ends with its context: https://gis.example.com/server
// through a gateway, https://machine.internal:6443/arcgis at a machine. It
// needs no token; its errors are those of Portal.Health.
func ServerHealth(ctx context.Context, client *http.Client, baseURL string) error {
	base := strings.TrimRight(strings.TrimSpace(baseURL), "/")
	var said struct {
		// Video Server says "true", a string.
		Success truth `json:"success"`
	}
	operation := "check the health of " + base
	err := health(ctx, client, operation, base+"/rest/info/healthcheck?f=json", &said)
	if err != nil {
		return err
	}
	if !said.Success {
		return &Error{Code: CodeUnhealthy, Operation: operation, Messages: []string{"success is not true: is there a site?"}}
	}
	return nil
}

// health makes one health check. Every answer that is not a JSON object
// without an error in it means that the product is not well.
func health(ctx context.Context, client *http.Client, operation, url string, into any) error {
	a, err := exchange(ctx, client, request{operation: operation, method: http.MethodGet, url: url, timeout: healthTimeout})
	var e *Error
	if errors.As(err, &e) && e.Code != CodeUnreachable {
		e.Code = CodeUnhealthy
	}
	if err != nil {
		return err
	}
	err = json.Unmarshal(a.body, into)
	if err != nil {
		return &Error{Code: CodeUnhealthy, Operation: operation, Status: a.status}
	}
	return nil
}
