package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

const (
	// vaultTime bounds how long one of several vaults is waited for: a private
	// one may not answer at all.
	vaultTime = 20 * time.Second
	// vaultsAtOnce is how many vaults are looked into side by side.
	vaultsAtOnce = 4
)

// vaultValue is one element of the JSON of `vaults`.
type vaultValue struct {
	ID             string `json:"id"`
	Name           string `json:"name"`
	URI            string `json:"uri"`
	SubscriptionID string `json:"subscriptionId"`
	ResourceGroup  string `json:"resourceGroup"`
	Location       string `json:"location"`
	TenantID       string `json:"tenantId"`
	// Access is who decides who may read: "roles" or "policies".
	Access          string            `json:"access"`
	Network         vaultNetworkValue `json:"network"`
	PurgeProtection bool              `json:"purgeProtection"`
	RetentionDays   int               `json:"retentionDays"`
	// Certificates is null when the vault could not be looked into; Unread says why.
	Certificates *vaultCount  `json:"certificates"`
	Unread       *app.Failure `json:"unread,omitempty"`
}

type vaultNetworkValue struct {
	Public           bool     `json:"public"`
	Firewall         bool     `json:"firewall"`
	TrustedServices  bool     `json:"trustedServices"`
	Addresses        []string `json:"addresses"`
	Subnets          []string `json:"subnets"`
	PrivateEndpoints []string `json:"privateEndpoints"`
	Explanation      string   `json:"explanation"`
}

// vaultCount counts certificates. What is not known to be usable is not said to
// be unusable.
type vaultCount struct {
	Usable   int `json:"usable"`
	Unusable int `json:"unusable"`
	// Unopened are secrets that may hold a .pfx.
	Unopened int `json:"unopened"`
	// Unread were listed and could not be read: the right to list is one of its own.
	Unread int `json:"unread"`
}

func newVaultsCommand(a *program) *cobra.Command {
	var azure azureFlags
	cmd := &cobra.Command{
		Use:     "vaults",
		GroupID: groupLook,
		Short:   "list Key Vaults: who may read them, from where, how many certificates",
		Long: `Lists every Key Vault that this sign-in may see, and looks into each as far as it may:
how many certificates a gateway can use. A vault that keeps this computer out is listed
with the reason. No key is read.`,
		Example: `  cartouche vaults
  cartouche vaults --subscription 00000000-0000-0000-0000-000000000000 --json
  cartouche certificates --vault entvault`,
		Args: noArguments,
		RunE: a.run(func(ctx context.Context, _ []string) error { return a.vaults(ctx, azure) }),
	}
	azure.add(cmd.Flags())
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitPreflight, app.ExitInterrupted)
}

func (a *program) vaults(ctx context.Context, flags azureFlags) error {
	session, err := a.connect(ctx, flags)
	if err != nil {
		return err
	}
	a.ui.progress.Doing(rotation.PhaseObserve, "looking for vaults")
	defer a.ui.progress.Done()
	found, err := session.azure.Vaults(ctx, session.scope.Subscriptions)
	switch {
	case err != nil && len(found) == 0:
		return app.WhileServing(session.proxy.instead(err), app.NothingChanged, "cartouche vaults --verbose")
	case err != nil:
		a.ui.warn("some vaults may be missing: " + err.Error())
	}
	values := session.lookIntoAll(ctx, found)
	if err := ctx.Err(); err != nil {
		return app.WhileServing(err, app.NothingChanged, "")
	}
	a.ui.progress.Done()
	if a.ui.json {
		return a.ui.value(values)
	}
	a.ui.vaultTable(values)
	return nil
}

// lookIntoAll looks into several vaults side by side; each value holds its own failure.
func (s *session) lookIntoAll(ctx context.Context, found []cloud.Vault) []vaultValue {
	values := make([]vaultValue, len(found))
	var looks errgroup.Group
	looks.SetLimit(vaultsAtOnce)
	for i, v := range found {
		looks.Go(func() error {
			values[i] = s.lookInto(ctx, v)
			return nil
		})
	}
	_ = looks.Wait()
	return values
}

// lookInto counts what is in a vault, as far as it lets this computer.
func (s *session) lookInto(ctx context.Context, v cloud.Vault) vaultValue {
	value := newVaultValue(v)
	ctx, cancel := context.WithTimeoutCause(ctx, vaultTime, errors.New("the vault did not answer in time"))
	defer cancel()
	client, err := s.vault(v.URI)
	if err != nil {
		value.Unread = unread(err)
		return value
	}
	certificates, err := client.Certificates(ctx)
	if err != nil && len(certificates) == 0 {
		value.Unread = unread(s.proxy.instead(err))
		return value
	}
	count := newVaultCount(certificates, s.app.env.Now())
	value.Certificates = &count
	return value
}

func newVaultCount(certificates []cloud.VaultCertificate, now time.Time) (c vaultCount) {
	for _, certificate := range certificates {
		switch {
		case unopened(certificate):
			c.Unopened++
		case len(certificate.Unusable(now)) > 0:
			c.Unusable++
		case certificate.Leaf != nil:
			c.Usable++
		default:
			c.Unread++
		}
	}
	return c
}

func unread(err error) *app.Failure {
	f := app.Explain(err)
	return &f
}

// unopened is a secret that may hold a .pfx: to know, its key has to be read.
func unopened(v cloud.VaultCertificate) bool {
	return v.Kind == cloud.VaultKindSecret && v.Leaf == nil && v.Unread == ""
}

// vault makes a client for the vault that a person names.
func (s *session) vault(named string) (*cloud.VaultClient, error) {
	address, err := cloud.VaultAddress(s.in, named)
	if err != nil {
		return nil, app.Usage("cartouche vaults", "--vault: %s", err)
	}
	client, err := cloud.NewVaultClient(s.in, address, s.credential, cloud.Options{
		Client: &http.Client{Transport: s.proxy}, Version: s.app.env.Version, Observe: s.app.observeCall(),
	})
	if err != nil {
		return nil, app.Usage("cartouche vaults", "--vault: %s", err)
	}
	return client, nil
}

func newVaultValue(v cloud.Vault) vaultValue {
	access := "policies"
	if v.RBAC {
		access = "roles"
	}
	return vaultValue{
		ID: v.ID, Name: v.Name, URI: v.URI, SubscriptionID: v.SubscriptionID, ResourceGroup: v.ResourceGroup,
		Location: v.Location, TenantID: v.TenantID, Access: access,
		Network: vaultNetworkValue{
			Public: v.Network.Public, Firewall: v.Network.Firewall, TrustedServices: v.Network.TrustedServices,
			Addresses: filled(v.Network.Addresses), Subnets: filled(v.Network.Subnets),
			PrivateEndpoints: filled(v.Network.PrivateEndpoints), Explanation: v.Network.Explain(),
		},
		PurgeProtection: v.PurgeProtection, RetentionDays: v.RetentionDays,
	}
}

// filled is a list that JSON writes as [] when it is empty.
func filled(list []string) []string { return append([]string{}, list...) }

func (u *ui) vaultTable(values []vaultValue) {
	if len(values) == 0 {
		u.say("no vault was found in what this sign-in may read")
		return
	}
	var rows [][]line
	for _, v := range values {
		inside := words(caution("not read"))
		if c := v.Certificates; c != nil {
			inside = words(fmt.Sprintf("%d usable of %d", c.Usable, c.Usable+c.Unusable))
			if c.Unopened > 0 {
				inside = append(inside, words(faint(fmt.Sprintf(", %d in plain secrets", c.Unopened)))...)
			}
			if c.Unread > 0 {
				inside = append(inside, words(caution(fmt.Sprintf(", %d not read", c.Unread)))...)
			}
		}
		rows = append(rows, []line{words(title(v.Name)), words(v.ResourceGroup), words(v.Access), words(v.Network.Explanation), inside})
	}
	u.table([]string{"name", "group", "access by", "reached from", "certificates"}, rows)
	first := true
	for _, v := range values {
		if v.Unread == nil {
			continue
		}
		if first {
			u.heading("Not read")
			first = false
		}
		u.item(caution("!"), title(v.Name), ": ", v.Unread.Message)
		if v.Unread.Hint != "" {
			u.advice(u.out, u.outStyle, 4, "mend: ", v.Unread.Hint)
		}
	}
}
