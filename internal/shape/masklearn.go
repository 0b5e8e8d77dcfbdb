package shape

import (
	"strings"
)

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
