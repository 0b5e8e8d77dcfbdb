package arcgis

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

// FederatedServer is a server site that the portal manages.
type FederatedServer struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// URL is the services URL, through the gateway; AdminURL the one by which
	// the portal reaches the site's administration.
	URL      string `json:"url"`
	AdminURL string `json:"adminUrl"`
	// Hosting tells whether this is the hosting server.
	Hosting bool `json:"hosting"`
	// Role is "HOSTING_SERVER", "FEDERATED_SERVER" …; Function is
	// "GeneralPurposeServer", "NotebookServer" …; Type is "ARCGIS",
	// "ARCGIS_NOTEBOOK_SERVER" ….
	Role     string `json:"role"`
	Function string `json:"function"`
	Type     string `json:"type"`
}

// FederatedServers lists the sites that are federated with the portal.
func (p *Portal) FederatedServers(ctx context.Context) ([]FederatedServer, error) {
	operation := "list the servers federated with " + p.base
	// The answer also holds a trust key for each server, which is none of our
	// business and so is not decoded. adminUrl is adminURL in older versions;
	// encoding/json does not mind.
	var list struct {
		Servers *[]struct {
			ID       text  `json:"id"`
			Name     text  `json:"name"`
			URL      text  `json:"url"`
			AdminURL text  `json:"adminUrl"`
			Hosted   truth `json:"isHosted"`
			Role     text  `json:"serverRole"`
			Function text  `json:"serverFunction"`
			Type     text  `json:"serverType"`
		} `json:"servers"`
	}
	err := p.read(ctx, operation, "/portaladmin/federation/servers", &list)
	if err != nil {
		return nil, err
	}
	if list.Servers == nil {
		return nil, &Error{Code: CodeUnexpected, Operation: operation}
	}
	servers := make([]FederatedServer, 0, len(*list.Servers))
	for _, s := range *list.Servers {
		servers = append(servers, FederatedServer{
			ID: plain(string(s.ID)), Name: plain(string(s.Name)),
			URL: plain(string(s.URL)), AdminURL: plain(string(s.AdminURL)),
			Hosting: bool(s.Hosted),
			Role:    plain(string(s.Role)), Function: plain(string(s.Function)), Type: plain(string(s.Type)),
		})
	}
	return servers, nil
}

// The four results of a validation.
const (
	Success      = "success"
	WithWarnings = "success with warnings"
	Failure      = "failure"
	Undetermined = "undetermined"
)

// Validation is what the portal found when it tried to reach a federated
// server by its URLs. Failure is a result and not an error.
type Validation struct {
	// Status is Success, WithWarnings, Failure or Undetermined.
	Status string `json:"status"`
	// Messages are the portal's own words, one for each check.
	Messages []string `json:"messages,omitempty"`
}

// OK tells whether the portal reaches the server, perhaps with warnings.
func (v Validation) OK() bool { return v.Status == Success || v.Status == WithWarnings }

// Validate makes the portal check that it reaches a federated server.
func (p *Portal) Validate(ctx context.Context, server FederatedServer) (Validation, error) {
	operation := "validate the federation of " + server.Name + " with " + p.base
	// An id comes from outside and becomes part of a path: it must stay one segment.
	if strings.Trim(server.ID, ".") == "" {
		return Validation{}, &Error{Code: CodeUnexpected, Operation: operation}
	}
	var result struct {
		Status   text  `json:"status"`
		Messages texts `json:"messages"`
	}
	err := p.read(ctx, operation, "/portaladmin/federation/servers/"+url.PathEscape(server.ID)+"/validate", &result)
	if err != nil {
		return Validation{}, err
	}
	return readValidation(string(result.Status), result.Messages), nil
}

// readValidation accepts the four documented results in any case. Any other
// word is undetermined, and shown, so that a new version does not look broken.
func readValidation(status string, messages []string) Validation {
	v := Validation{Status: strings.ToLower(plain(status)), Messages: show(messages)}
	switch v.Status {
	case Success, WithWarnings, Failure, Undetermined:
		return v
	}
	v.Messages = append([]string{fmt.Sprintf("The portal's result is %q, which is not known.", v.Status)}, v.Messages...)
	v.Status = Undetermined
	return v
}
