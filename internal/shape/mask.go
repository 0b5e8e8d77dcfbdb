package shape

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
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

// learn gives names to everything that has one, the most telling kinds first.
func (m *mask) learn(s Shape) {
	d := s.Deployment
	contexts := []string{d.ServerContext, d.PortalContext, d.SecondContext}
	for _, site := range d.Sites {
		contexts = append(contexts, site.ServerContext, site.SecondContext)
	}
	for _, context := range contexts {
		for _, path := range []string{context, context + "wss"} {
			m.words[strings.ToLower(path)] = path
		}
	}
	if d.Enterprise != "" { // then the id is made of both
		m.words[strings.ToLower(d.ID)] = m.give("enterprise", d.Enterprise) + "-" + m.give("ingress", d.Ingress)
	}
	for _, machine := range s.Machines {
		m.give("machine-", machine.Name)
	}
	for _, site := range d.Sites {
		m.give("site", site.Prefix)
		m.give("deployment", site.ID)
		m.give("group-", site.ResourceGroup)
		m.give("storage", site.StorageAccount)
	}
	m.give("gateway-", s.gatewayName())
	m.give("site", d.Prefix)
	m.give("deployment", d.ID)
	if d.Storage != nil {
		m.give("storage", d.Storage.Account)
		m.give("group-", d.Storage.ResourceGroup)
	}
	m.give("group-", d.ResourceGroup)
	for _, machine := range s.Machines {
		m.give("deployment", machine.DeploymentID)
	}
	for _, v := range s.Vaults {
		m.give("vault-", first(strings.SplitN(strings.TrimPrefix(v.Vault, "https://"), ".", 2)))
		m.give("secret-", v.Name)
	}
	properties, _ := s.Gateway["properties"].(map[string]any)
	for _, collection := range sortedKeys(properties) {
		list, _ := properties[collection].([]any)
		for _, item := range list {
			child, _ := item.(map[string]any)
			name, _ := child["name"].(string)
			m.child(collection, name)
			inner, _ := child["properties"].(map[string]any)
			for _, below := range []string{"pathRules", "rewriteRules"} {
				rules, _ := inner[below].([]any)
				for _, rule := range rules {
					one, _ := rule.(map[string]any)
					ruleName, _ := one["name"].(string)
					m.child(below, ruleName)
				}
			}
		}
	}
	m.learnIDs(s.Gateway)
	for _, v := range s.Vaults {
		m.id(v.ID)
	}
	for _, machine := range s.Machines {
		m.id(machine.ID)
		for _, id := range machine.Interfaces {
			m.id(id)
		}
	}
	for _, address := range s.Addresses {
		m.id(address.ID)
		m.text(address.Name, false)
	}
	m.gateway(s.Gateway) // what words it has, for all to get the same
}

// gatewayName is the gateway's own name.
func (s Shape) gatewayName() string {
	return s.Deployment.GatewayID[strings.LastIndex(s.Deployment.GatewayID, "/")+1:]
}

// child gives a name to a part of the gateway. That one is of Cartouche, or of a
// notebook server, means something.
func (m *mask) child(collection, name string) {
	switch lower := strings.ToLower(name); {
	case strings.HasPrefix(lower, "cartouche-2"):
		m.words[lower] = lower // a date and a part of a fingerprint
	case strings.HasPrefix(lower, "cartouche-"):
		m.give("cartouche-", name)
	case strings.Contains(lower, "notebook"):
		m.give("notebook-"+collection+"-", name)
	default:
		m.give(collection+"-", name)
	}
}

var resourceID = regexp.MustCompile(`(?i)^/subscriptions/[^/]+/resourceGroups/([^/]+)/providers/[^/]+/(.*)$`)

// learnIDs gives names to all resources that a document refers to.
func (m *mask) learnIDs(value any) {
	switch v := value.(type) {
	case map[string]any:
		for _, name := range sortedKeys(v) {
			m.id(name)
			m.learnIDs(v[name])
		}
	case []any:
		for _, inner := range v {
			m.learnIDs(inner)
		}
	case string:
		m.id(v)
	}
}

func (m *mask) id(text string) {
	found := resourceID.FindStringSubmatch(text)
	if found == nil {
		return
	}
	m.give("group-", found[1])
	parts := strings.Split(found[2], "/")
	for i := 0; i+1 < len(parts); i += 2 {
		m.give(parts[i]+"-", parts[i+1])
	}
}

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
		if !structural.MatchString(name) {
			return m.text(v, true)
		}
		return m.text(v, false)
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

// text replaces the words of a text. strictly replaces those too that nobody
// knows, but for what is reserved.
func (m *mask) text(text string, strictly bool) string {
	return word.ReplaceAllStringFunc(text, func(one string) string {
		lower := strings.ToLower(one)
		switch {
		case guid.MatchString(one):
			if m.words[lower] == "" {
				m.count["guid"]++
				m.words[lower] = fmt.Sprintf("00000000-0000-4000-8000-%012d", m.count["guid"])
			}
			return m.words[lower]
		case m.words[lower] != "":
			return m.words[lower]
		case strings.HasPrefix(one, "Microsoft."):
			return one
		}
		if address, err := netip.ParseAddr(one); err == nil {
			return m.address(address)
		}
		switch {
		case dns.MatchString(one):
			return m.host(lower)
		case strictly && !reserved.MatchString(one) && !region.MatchString(one):
			return m.give("word", one)
		}
		return one
	})
}

// address keeps what kind of an address it is.
func (m *mask) address(of netip.Addr) string {
	key := of.String()
	if m.words[key] == "" {
		n := m.count["address"]
		m.count["address"]++
		switch {
		case of.IsPrivate() || of.IsLoopback():
			m.words[key] = fmt.Sprintf("10.200.%d.%d", n/250, n%250+4)
		case of.Is6():
			m.words[key] = fmt.Sprintf("2001:db8::%x", n+1)
		default:
			m.words[key] = fmt.Sprintf("203.0.113.%d", n%250+4)
		}
	}
	return m.words[key]
}

// host replaces a DNS name label by label, so that what is below another name is
// so afterwards.
func (m *mask) host(name string) string {
	suffix := ""
	for _, azure := range azures {
		if strings.HasSuffix(name, azure) {
			name, suffix = strings.TrimSuffix(name, azure), azure
		}
	}
	labels := strings.Split(name, ".")
	for i, label := range labels {
		switch {
		case label == "*":
		case suffix == "" && i == len(labels)-1:
			if label != "internal" {
				labels[i] = "example"
			}
		case m.words[label] != "":
			labels[i] = m.words[label]
		default:
			labels[i] = m.give("name-", label)
		}
	}
	return strings.Join(labels, ".") + suffix
}

// certificates are described only: whom they name is replaced, and dates are
// told to the day, since logs of public authorities can be searched by them.
func (m *mask) certificates(s Shape) []Certificate {
	out := make([]Certificate, len(s.Certificates))
	for i, c := range s.Certificates {
		masked := Certificate{ID: c.ID, Key: c.Key, CA: c.CA, Issuer: c.Issuer, Known: c.Known, Fetchable: c.Fetchable,
			NotBefore: s.At.Add(-days(s.At.Sub(c.NotBefore))).Truncate(time.Second), NotAfter: s.At.Add(days(c.NotAfter.Sub(s.At))).Truncate(time.Second).Add(time.Hour)}
		for _, name := range c.Names {
			masked.Names = append(masked.Names, m.text(name, true))
		}
		switch {
		case c.CA && c.Known:
			masked.CommonName = fmt.Sprintf("Public authority %d", i+1)
		case c.CA:
			masked.CommonName = fmt.Sprintf("Authority %d", i+1)
		case len(masked.Names) > 0:
			masked.CommonName = masked.Names[0]
		default:
			masked.CommonName = fmt.Sprintf("Certificate %d", i+1)
		}
		out[i] = masked
	}
	return out
}

// days is a time in whole days, downwards.
func days(d time.Duration) time.Duration {
	const day = 24 * time.Hour
	whole := d / day
	if d < 0 && d%day != 0 {
		whole--
	}
	return whole * day
}
