package sim

// WorldDoc says what is in a world.
type WorldDoc struct{ Name, What string }

// WorldDocs describes the worlds in the order in which a person meets them.
func WorldDocs() []WorldDoc {
	return []WorldDoc{
		{"single", "one machine with everything on it"},
		{"ha", "two of what matters, federated sites, vaults, and neighbours"},
		{"private", "entered from inside only, with a private authority"},
		{"multi", "public and private listeners, another team's site, a bare gateway"},
		{"sites", "server sites of every role, federated and standing alone"},
		{"roles", "every product once, with certificates nobody looked after"},
		{"drift", "unequal aliases, leftovers, a new authority"},
		{"gitops", "two enterprises of Esri's Terraform modules, by Key Vault"},
		{"v1", "the first generation: IIS behind load balancers, found only"},
		{"gov", "Azure US Government"},
		{"twin", "two subscriptions, and more tenants"},
	}
}
