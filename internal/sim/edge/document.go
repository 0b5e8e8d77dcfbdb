package edge

import (
	"encoding/json"
	"fmt"
	"strings"
)

// The part of the ARM document that the data plane obeys. Sources: the public
// REST reference of Microsoft.Network/applicationGateways.
type document struct {
	ID         string `json:"id"`
	Properties struct {
		FrontendIPConfigurations      []child[frontendIP]   `json:"frontendIPConfigurations"`
		FrontendPorts                 []child[frontendPort] `json:"frontendPorts"`
		HTTPListeners                 []child[httpListener] `json:"httpListeners"`
		RequestRoutingRules           []child[routingRule]  `json:"requestRoutingRules"`
		URLPathMaps                   []child[urlPathMap]   `json:"urlPathMaps"`
		BackendAddressPools           []child[addressPool]  `json:"backendAddressPools"`
		BackendHTTPSettingsCollection []child[httpSettings] `json:"backendHttpSettingsCollection"`
		Probes                        []child[probe]        `json:"probes"`
		TrustedRootCertificates       []child[trustedRoot]  `json:"trustedRootCertificates"`
		RewriteRuleSets               []child[rewriteSet]   `json:"rewriteRuleSets"`
		RedirectConfigurations        []child[redirection]  `json:"redirectConfigurations"`
	} `json:"properties"`
}

// child is one entry of a collection of the gateway.
type child[P any] struct {
	Name       string `json:"name"`
	ID         string `json:"id"`
	Properties P      `json:"properties"`
}

// reference points to another entry by its resource id.
type reference struct {
	ID string `json:"id"`
}

type frontendIP struct {
	PrivateIPAddress string     `json:"privateIPAddress"`
	PublicIPAddress  *reference `json:"publicIPAddress"`
}

type frontendPort struct {
	Port int `json:"port"`
}

type httpListener struct {
	FrontendIPConfiguration *reference `json:"frontendIPConfiguration"`
	FrontendPort            *reference `json:"frontendPort"`
	Protocol                string     `json:"protocol"`
	SSLCertificate          *reference `json:"sslCertificate"`
	HostName                string     `json:"hostName"`
	HostNames               []string   `json:"hostNames"`
}

type routingRule struct {
	Priority     int        `json:"priority"`
	HTTPListener *reference `json:"httpListener"`
	URLPathMap   *reference `json:"urlPathMap"`
	target
}

// target is where a rule or path rule sends its requests.
type target struct {
	BackendAddressPool    *reference `json:"backendAddressPool"`
	BackendHTTPSettings   *reference `json:"backendHttpSettings"`
	RewriteRuleSet        *reference `json:"rewriteRuleSet"`
	RedirectConfiguration *reference `json:"redirectConfiguration"`
}

type urlPathMap struct {
	DefaultBackendAddressPool    *reference        `json:"defaultBackendAddressPool"`
	DefaultBackendHTTPSettings   *reference        `json:"defaultBackendHttpSettings"`
	DefaultRewriteRuleSet        *reference        `json:"defaultRewriteRuleSet"`
	DefaultRedirectConfiguration *reference        `json:"defaultRedirectConfiguration"`
	PathRules                    []child[pathRule] `json:"pathRules"`
}

type pathRule struct {
	Paths []string `json:"paths"`
	target
}

type addressPool struct {
	BackendAddresses []struct {
		FQDN      string `json:"fqdn"`
		IPAddress string `json:"ipAddress"`
	} `json:"backendAddresses"`
}

type httpSettings struct {
	Port                           int         `json:"port"`
	Protocol                       string      `json:"protocol"`
	Path                           string      `json:"path"`
	RequestTimeout                 int         `json:"requestTimeout"`
	HostName                       string      `json:"hostName"`
	PickHostNameFromBackendAddress bool        `json:"pickHostNameFromBackendAddress"`
	Probe                          *reference  `json:"probe"`
	TrustedRootCertificates        []reference `json:"trustedRootCertificates"`
}

type probe struct {
	Protocol                            string `json:"protocol"`
	Host                                string `json:"host"`
	Path                                string `json:"path"`
	Port                                int    `json:"port"`
	Interval                            int    `json:"interval"`
	Timeout                             int    `json:"timeout"`
	UnhealthyThreshold                  int    `json:"unhealthyThreshold"`
	PickHostNameFromBackendHTTPSettings bool   `json:"pickHostNameFromBackendHttpSettings"`
	Match                               struct {
		Body        string   `json:"body"`
		StatusCodes []string `json:"statusCodes"`
	} `json:"match"`
}

type trustedRoot struct {
	Data string `json:"data"`
}

type rewriteSet struct {
	RewriteRules []rewriteRule `json:"rewriteRules"`
}

type rewriteRule struct {
	Name         string `json:"name"`
	RuleSequence int    `json:"ruleSequence"`
	Conditions   []struct {
		Variable   string `json:"variable"`
		Pattern    string `json:"pattern"`
		IgnoreCase bool   `json:"ignoreCase"`
		Negate     bool   `json:"negate"`
	} `json:"conditions"`
	ActionSet struct {
		RequestHeaderConfigurations  []headerChange `json:"requestHeaderConfigurations"`
		ResponseHeaderConfigurations []headerChange `json:"responseHeaderConfigurations"`
	} `json:"actionSet"`
}

type headerChange struct {
	HeaderName  string `json:"headerName"`
	HeaderValue string `json:"headerValue"`
}

type redirection struct {
	RedirectType       string     `json:"redirectType"`
	TargetListener     *reference `json:"targetListener"`
	TargetURL          string     `json:"targetUrl"`
	IncludePath        bool       `json:"includePath"`
	IncludeQueryString bool       `json:"includeQueryString"`
}

// parse reads the document through JSON, which also detaches it from the tree
// that the caller goes on using.
func parse(tree map[string]any) (*document, error) {
	text, err := json.Marshal(tree)
	if err != nil {
		return nil, fmt.Errorf("write document: %w", err)
	}
	var parsed document
	if err := json.Unmarshal(text, &parsed); err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	return &parsed, nil
}

// entry is the last segment of the id in the spelling that is compared: ARM
// compares ids without regard to case.
func (r *reference) entry() string {
	if r == nil {
		return ""
	}
	return strings.ToLower(r.ID[strings.LastIndexByte(r.ID, '/')+1:])
}

// find looks a referenced entry up in its collection.
func find[P any](collection string, entries []child[P], to *reference) (*child[P], error) {
	if to == nil {
		return nil, fmt.Errorf("%s: reference is missing", collection)
	}
	for i := range entries {
		if strings.EqualFold(entries[i].Name, to.entry()) {
			return &entries[i], nil
		}
	}
	return nil, fmt.Errorf("%s: there is no %q", collection, to.ID)
}
