package arm

import "strings"

// member is a network interface's address in a pool of a gateway.
type member struct{ id, address string }

// poolMembers are the network interfaces in the pools of a gateway, by pool id in
// lower case. It is the interface that names the pool; the gateway's document
// only shows it.
// Source: Azure REST reference, Network Interfaces,
// applicationGatewayBackendAddressPools, and Application Gateways,
// backendIPConfigurations (read-only). Callers hold s.mu.
func (s *Server) poolMembers(gatewayID string) map[string][]member {
	out := map[string][]member{}
	for _, r := range s.order {
		if !strings.EqualFold(r.id.kind, "Microsoft.Network/networkInterfaces") {
			continue
		}
		properties, _ := r.document["properties"].(map[string]any)
		configurations, _ := properties["ipConfigurations"].([]any)
		for _, item := range configurations {
			configuration, _ := item.(map[string]any)
			id, _ := configuration["id"].(string)
			inner, _ := configuration["properties"].(map[string]any)
			address, _ := inner["privateIPAddress"].(string)
			pools, _ := inner["applicationGatewayBackendAddressPools"].([]any)
			for _, item := range pools {
				pool, _ := item.(map[string]any)
				poolID, _ := pool["id"].(string)
				if lower := strings.ToLower(poolID); strings.HasPrefix(lower, strings.ToLower(gatewayID)+"/") {
					out[lower] = append(out[lower], member{id, address})
				}
			}
		}
	}
	return out
}

// showMembers puts the interfaces in the pools of a gateway's document. What a
// client sends there is not believed. Callers hold s.mu.
func (s *Server) showMembers(document map[string]any) {
	id, _ := document["id"].(string)
	members := s.poolMembers(id)
	for _, pool := range children(document, "backendAddressPools") {
		name, _ := pool["name"].(string)
		properties := object(pool, "properties")
		delete(properties, "backendIPConfigurations")
		var list []any
		for _, m := range members[strings.ToLower(id+"/backendAddressPools/"+name)] {
			list = append(list, map[string]any{"id": m.id})
		}
		if list != nil {
			properties["backendIPConfigurations"] = list
		}
	}
}

// reach adds the addresses of the interfaces to the pools of a document that
// is for the data plane. Callers hold s.mu.
func (s *Server) reach(document map[string]any) {
	id, _ := document["id"].(string)
	members := s.poolMembers(id)
	for _, pool := range children(document, "backendAddressPools") {
		name, _ := pool["name"].(string)
		properties := object(pool, "properties")
		list, _ := properties["backendAddresses"].([]any)
		for _, m := range members[strings.ToLower(id+"/backendAddressPools/"+name)] {
			list = append(list, map[string]any{"ipAddress": m.address})
		}
		properties["backendAddresses"] = list
	}
}
