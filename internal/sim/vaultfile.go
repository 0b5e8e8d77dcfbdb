package sim

// vaultFile is a Key Vault as a world's file describes it.
type vaultFile struct {
	Name, Group  string
	Subscription string // name; "" is the first
	// RBAC decides whether Access names roles or the words of access policies.
	RBAC   bool
	Access []vaultAccess
	// Firewall lets nobody in but trusted services and these addresses and
	// prefixes; Closed is publicNetworkAccess Disabled; Endpoint an approved
	// private endpoint.
	Firewall     bool
	Addresses    []string
	Closed       bool
	Endpoint     bool `yaml:"private-endpoint"`
	Retention    int  // of soft delete, in days; 0 is 90
	Protected    bool `yaml:"purge-protection"`
	Tags         map[string]string
	Certificates []vaultEntry
}

// vaultAccess is what somebody may do: the operator, or an identity by name.
type vaultAccess struct {
	Who                   string
	Role                  string
	Certificates, Secrets []string
}

// vaultEntry is one version of a certificate, or of a secret that holds a PFX.
// Entries of one name are its versions, oldest first.
type vaultEntry struct {
	Name  string
	For   string   // prefix of the deployment whose names it covers; "" is the first
	Names []string // instead of these
	Days  int      // that are left; 0 is 300, less is expired
	Key   string   // of authority.Spec; "" is p256, which is made at once
	Tags  map[string]string

	Secret        bool // by itself, no certificate
	PEM           bool
	NotExportable bool `yaml:"not-exportable"`
	Disabled      bool
	Deleted       bool // soft-deleted when the world begins
	// Later: it came after the gateways looked the last time.
	Later bool
	// Chain are ids of the file's certificates that it is, and Age how many days
	// ago it came, 30 without: of a copy.
	Chain []string
	Age   int
}

// identityFile is a user-assigned managed identity.
type identityFile struct {
	Name, Group  string
	Subscription string
	// Runner puts it on the machine that clients run on, beside the machine's own.
	Runner bool
}

// reference is a listener's certificate that is in a vault. The certificate
// that the deployment serves is its first version.
type reference struct {
	Vault, Name string
	Versioned   bool
}
