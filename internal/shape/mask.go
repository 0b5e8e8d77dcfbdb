package shape

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Masked is a shape in which nothing names whose it is: names, ids and addresses
// are replaced by others, everywhere by the same; certificates are described
// only, to the day. What a rotation depends on stays: paths of sites, roles,
// versions, kinds of keys, days that are left. Text that is not known to be one
// of these goes.
func Masked(s Shape) (Shape, error) {
	m := &mask{words: map[string]string{}, count: map[string]int{}}
	m.learn(s)
	s.Certificates = m.certificates(s)
	s.LeftOut = slices.Repeat([]string{"a property of the gateway"}, len(s.LeftOut))
	text, err := json.Marshal(s)
	if err != nil {
		return Shape{}, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var tree map[string]any
	if err := decoder.Decode(&tree); err != nil {
		return Shape{}, err
	}
	for _, name := range sortedKeys(tree) {
		switch value := tree[name]; name {
		case "gateway":
			tree[name] = m.gateway(value)
		case "certificates", "format", "at", "cloud", "way":
		default:
			tree[name] = m.value(name, value)
		}
	}
	tree["masked"] = true
	if text, err = json.Marshal(tree); err != nil {
		return Shape{}, err
	}
	return Read(bytes.NewReader(text))
}

// mask replaces words, each by the same one.
type mask struct {
	words map[string]string // by lower-case word
	count map[string]int
}

// reserved are words of ArcGIS, of Azure and of the record of Cloud Builder: they
// say what something is, not whose.
var reserved = regexp.MustCompile(`(?i)^(portal|server|portals|servers|default|primary|standby|base|windows|linux|true|false|none|accesskey|loadbalancer|natgateway|fs|` +
	`fileshare|webproxy|(relational|spatiotemporal|graph|tilecache|object)?datastore|relational|tilecache|spatiotemporal|graphstore|objectstore|cloudprovidedobjectstore|` +
	`(hosting|image|notebook|mission|video|geoevent|workflowmanager|generalpurpose|geoanalytics|knowledge|business)server|rasteranalytics|imagehosting|geoanalytics|workflowmanager|` +
	`hosting_server|federated_server|federated_server_with_restricted_publishing|arcgis|arcgis_[a-z_]*|internal|ax|v2|gitops|plain|yes|no|unknown|up|down|healthy|unhealthy|partial|draining|` +
	`https?|tls|[0-9.,]+|direct|agent|geoevent|workflow|webadaptor|notebook|notebooks|mission|video|image)$`)

// known are aliases that ArcGIS, Cloud Builder or Cartouche give.
var known = regexp.MustCompile(`(?i)^(applicationgateway(-temp)?|appgw-externaldnscercert|selfsignedcertificate|samlcert|portal|portalcert|servercert|rootcert|server-internal-[0-9]+|cartouche-.*)$`)

// azures are suffixes of names that Azure gives.
var azures = []string{".vault.azure.net", ".vault.usgovcloudapi.net", ".vault.azure.cn", ".blob.core.windows.net", ".blob.core.usgovcloudapi.net", ".blob.core.chinacloudapi.cn",
	".cloudapp.azure.com", ".cloudapp.usgovcloudapi.net", ".chinacloudapp.cn", ".internal.cloudapp.net"}

// give makes the replacement of a word, if it has none yet.
func (m *mask) give(kind, word string) string {
	key := strings.ToLower(word)
	if word == "" || reserved.MatchString(word) {
		return word
	}
	if m.words[key] == "" {
		m.count[kind]++
		m.words[key] = kind + strconv.Itoa(m.count[kind])
	}
	return m.words[key]
}

var resourceID = regexp.MustCompile(`(?i)^/subscriptions/[^/]+/resourceGroups/([^/]+)/providers/[^/]+/(.*)$`)

func sortedKeys(tree map[string]any) []string {
	var keys []string
	for key := range tree {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// value replaces the words in a part of the shape other than the gateway.
func (m *mask) value(name string, value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, key := range sortedKeys(v) {
			out[key] = m.value(key, v[key])
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = m.value(name, inner)
		}
		return out
	case string:
		switch name {
		case "alias":
			if known.MatchString(v) {
				return v
			}
			return m.give("alias-", v)
		case "stores":
			if reserved.MatchString(v) {
				return v
			}
			return m.give("store-", v)
		case "certificate", "chain", "newest", "product", "version", "generation", "location", "settings", "protocol", "failure", "problems", "functions", "recorded", "role", "roles", "serverRole", "function", "type",
			"Protocol", "sslProtocols", "cipherSuites", "HSTSEnabled":
			return v
		case "name":
			if m.words[strings.ToLower(v)] == "" && !strings.Contains(v, ".") {
				m.give("name-", v)
			}
		}
		return m.text(v, false)
	}
	return value
}

// structural are properties of a gateway whose text is Azure's, or a pattern, or
// one that is made of names which are replaced.
// Source: Azure REST reference, Application Gateways - Get.
var structural = regexp.MustCompile(`^(id|name|type|location|etag|kind|zones|protocol|protocols|tier|size|family|capacity|ruleType|redirectType|provisioningState|operationalState|privateIPAllocationMethod|` +
	`privateIPAddress|ipAddress|fqdn|hostName|hostNames|host|path|paths|backendPath|pattern|variable|headerName|headerValue|statusCodes|cookieBasedAffinity|policyType|policyName|minProtocolVersion|cipherSuites|` +
	`targetUrl|keyVaultSecretId|firewallMode|ruleSetType|ruleSetVersion|modifiedPath|modifiedQueryString|resourceGuid|principalId|clientId|tenantId)$`)

// gateway replaces the words of the gateway's document.
func (m *mask) gateway(value any) any {
	document, _ := value.(map[string]any)
	out := make(map[string]any, len(document))
	for _, key := range sortedKeys(document) {
		if key == "tags" {
			out[key] = m.tags(document[key])
		} else {
			out[key] = m.property(key, document[key])
		}
	}
	return out
}

func (m *mask) property(name string, value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, key := range sortedKeys(v) {
			masked := key
			if resourceID.MatchString(key) { // of an identity
				masked = m.text(key, false)
			}
			out[masked] = m.property(key, v[key])
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = m.property(name, inner)
		}
		return out
	case string:
		return m.text(v, !structural.MatchString(name))
	}
	return value
}

// tags keeps those of Cloud Builder and of Esri's modules, in which every word
// is replaced that is not reserved.
func (m *mask) tags(value any) map[string]any {
	tags, _ := value.(map[string]any)
	out := map[string]any{}
	for _, name := range sortedKeys(tags) {
		lower := strings.ToLower(name)
		text, _ := tags[name].(string)
		switch {
		case strings.HasPrefix(lower, "fs@"):
			out[m.text(name, true)] = m.text(text, true)
		case strings.HasPrefix(lower, "arcgis"):
			out[name] = m.text(text, true)
		}
	}
	return out
}

var (
	word   = regexp.MustCompile(`[A-Za-z0-9_.*-]+`)
	guid   = regexp.MustCompile(`(?i)^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	dns    = regexp.MustCompile(`(?i)^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.[a-z][a-z0-9-]+$`)
	region = regexp.MustCompile(`^[a-z]+(us|europe|asia|uk|india|africa|brazil|canada|australia|japan|korea|china|gov)[a-z]*[0-9]?$`)
)
