package rotation

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// InVault names a certificate in Key Vault.
type InVault struct {
	// Vault is the address of the vault: https://entvault.vault.azure.net
	Vault string `json:"vault"`
	Name  string `json:"certificate"`
	// Version is "" where the newest one is meant, now and later.
	Version string `json:"version,omitempty"`
}

// ParseInVault reads a secret identifier, as a gateway refers to one.
func ParseInVault(secretID string) (InVault, bool) {
	vault, name, version, err := cloud.SplitSecretID(secretID)
	return InVault{Vault: vault, Name: name, Version: version}, err == nil
}

// Named tells whether it names anything.
func (v InVault) Named() bool { return v.Vault != "" && v.Name != "" }

// SecretID is the secret identifier, without a version where the newest is meant.
func (v InVault) SecretID() string {
	return strings.TrimSuffix(v.Vault+"/secrets/"+v.Name+"/"+v.Version, "/")
}

// String is for sentences.
func (v InVault) String() string {
	text := fmt.Sprintf("certificate %s in vault %s", v.Name, v.vaultName())
	if v.Version != "" {
		text = "version " + v.Version + " of " + text
	}
	return text
}

func (v InVault) vaultName() string {
	name, _, _ := strings.Cut(strings.TrimPrefix(v.Vault, "https://"), ".")
	return name
}

// at is one version of the certificate, newest is whichever is the newest.
func (v InVault) at(version string) InVault {
	v.Version = version
	return v
}

func (v InVault) newest() InVault { return v.at("") }

// is tells whether two mean the same; names in Key Vault have no case.
func (v InVault) is(other InVault) bool {
	return strings.EqualFold(v.Vault, other.Vault) && strings.EqualFold(v.Name, other.Name) && strings.EqualFold(v.Version, other.Version)
}

// Vaulted is what was read of a certificate in Key Vault: one that a listener
// refers to, or one that was asked for.
type Vaulted struct {
	InVault
	// VaultID is the vault's resource id, "" when Resource Manager does not
	// tell; Roles that roles decide about access, not policies.
	VaultID string `json:"vaultId,omitempty"`
	Roles   bool   `json:"roles"`
	// Network says who can reach the vault; Closed that not everybody can.
	Network string `json:"network,omitempty"`
	Closed  bool   `json:"closed,omitempty"`
	// Versions are newest first. None: there is no such certificate, or it
	// could not be read, and then Trouble says why.
	Versions []VaultVersion `json:"versions"`
	Trouble  string         `json:"trouble,omitempty"`
	// Readers are the identities of the gateway, and the one that was asked for.
	Readers []Reader `json:"readers"`

	// chosen is the version that is meant: that of InVault, or the newest
	// enabled one.
	chosen  cloud.VaultCertificate
	trouble error
}

// VaultVersion is one version, as a list tells it.
type VaultVersion struct {
	Version    string    `json:"version"`
	Thumbprint string    `json:"thumbprint,omitempty"`
	Enabled    bool      `json:"enabled"`
	NotAfter   time.Time `json:"notAfter"`
}

// Knowledge is yes, no, or that nobody could tell.
type Knowledge string

// What can be known.
const (
	Yes     Knowledge = "yes"
	No      Knowledge = "no"
	Unknown Knowledge = "unknown"
)

// Reader is an identity, and whether it may read the secret.
type Reader struct {
	Identity  string    `json:"identity"`
	Principal string    `json:"principal,omitempty"`
	May       Knowledge `json:"may"`
	// Why says what is not known.
	Why string `json:"why,omitempty"`
}

// vaulted finds what was read of a certificate. What was not read is nothing
// but its name.
func (s State) vaulted(which InVault) (Vaulted, bool) {
	i := slices.IndexFunc(s.Vaulted, func(v Vaulted) bool { return v.InVault.is(which) })
	if i < 0 {
		return Vaulted{InVault: which}, false
	}
	return s.Vaulted[i], true
}

// readable tells whether there is a certificate that can be used.
func (v Vaulted) readable() bool { return v.Trouble == "" && v.chosen.Leaf != nil }

// Leaf is the certificate of the version that is meant, nil where it was not read.
func (v Vaulted) Leaf() *x509.Certificate { return v.chosen.Leaf }

// PlainSecret tells that it is a secret by itself, no certificate.
func (v Vaulted) PlainSecret() bool { return v.chosen.Kind == cloud.VaultKindSecret }

// missing tells that the vault was read and has no such certificate.
func (v Vaulted) missing() bool {
	return len(v.Versions) == 0 && (v.trouble == nil || cloud.IsNotFound(v.trouble))
}

// holding finds the newest enabled version that is the certificate with this thumbprint.
func (v Vaulted) holding(thumbprint string) (VaultVersion, bool) {
	for _, version := range v.Versions {
		if thumbprint != "" && version.Enabled && strings.EqualFold(version.Thumbprint, thumbprint) {
			return version, true
		}
	}
	return VaultVersion{}, false
}

// reader is an identity of the gateway that may read it, the one that was asked
// for included; and what is the best that is known.
func (v Vaulted) reader(only func(Reader) bool) (Reader, Knowledge) {
	best, known := Reader{}, No
	for _, reader := range v.Readers {
		if only != nil && !only(reader) {
			continue
		}
		if reader.May == Yes {
			return reader, Yes
		}
		if reader.May == Unknown {
			best, known = reader, Unknown
		}
	}
	return best, known
}

// of leaves only one identity.
func (v Vaulted) of(identity string) Vaulted {
	v.Readers = slices.DeleteFunc(slices.Clone(v.Readers), func(r Reader) bool { return !cloud.SameID(r.Identity, identity) })
	return v
}

const (
	// entryPrefix begins the name of every sslCertificates entry that we add.
	entryPrefix = "cartouche-"
	// backPrefix begins those that hold a listener at the version of before.
	backPrefix = entryPrefix + "back-"
	// vaultPrefix begins the other references to Key Vault.
	vaultPrefix = entryPrefix + "kv-"
)

// referenceName is the name of the entry for a reference. It follows from the
// identifier alone, so that a second run finds what the first one made; the
// certificate's name is in it for people who look at the gateway in the portal.
func referenceName(prefix string, to InVault) string {
	name := strings.Trim(to.Name[:min(len(to.Name), 40)], "-")
	sum := sha256.Sum256([]byte(strings.ToLower(to.SecretID())))
	return prefix + name + "-" + hex.EncodeToString(sum[:4])
}

// heldBack gives the certificate that a listener followed before a failed run
// held it at its version of before, see Back.
func heldBack(entry string, secretID string) (InVault, bool) {
	in, ok := ParseInVault(secretID)
	return in.newest(), ok && strings.HasPrefix(strings.ToLower(entry), backPrefix)
}
