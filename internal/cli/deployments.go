package cli

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// deploymentValue is one element of the JSON of `deployments`.
type deploymentValue struct {
	deployment.Deployment
	// CanUpdate tells whether the certificate can be renewed here; when not,
	// cannotUpdate says why.
	CanUpdate bool `json:"canUpdate"`
	// DaysLeft is until the first of the certificates ends, null when unknown.
	DaysLeft     *int               `json:"daysLeft"`
	Certificates []certificateValue `json:"certificates"`

	ends time.Time // zero when unknown
}

// certificateValue is a certificate that a gateway serves, and where it lives.
type certificateValue struct {
	// Entry is the gateway's sslCertificates entry, "" for one in IIS.
	Entry string `json:"entry"`
	// KeyVaultSecretID is set when the entry is a reference, Follows tells
	// whether a newer version in the vault reaches the gateway by itself.
	KeyVaultSecretID string `json:"keyVaultSecretId,omitempty"`
	Follows          *bool  `json:"follows,omitempty"`
	// Certificate is null when Azure does not tell it.
	Certificate *pki.Description `json:"certificate"`

	vault, secret string
}

func newDeploymentsCommand(a *program) *cobra.Command {
	var azure azureFlags
	cmd := &cobra.Command{
		Use:     "deployments",
		GroupID: groupLook,
		Short:   "list deployments: names, days left, where each certificate lives",
		Long: `Lists every ArcGIS Enterprise deployment that this sign-in may read, the certificate
that ends first on top. What is only half there is listed with what is wrong with it, and
what cannot be updated with the reason. The days come from Azure's own records, which lag
a little behind (V1, whose certificate is in IIS, is looked at); "cartouche show" and "cartouche check" look at the wire.`,
		Example: `  cartouche deployments
  cartouche deployments --cloud usgov --subscription 00000000-0000-0000-0000-000000000000
  cartouche deployments --json`,
		Args: noArguments,
		RunE: a.run(func(ctx context.Context, _ []string) error { return a.deployments(ctx, azure) }),
	}
	azure.add(cmd.Flags())
	return exits(cmd, app.ExitDone, app.ExitUnexpected, app.ExitUsage, app.ExitPreflight, app.ExitInterrupted)
}

func (a *program) deployments(ctx context.Context, flags azureFlags) error {
	session, err := a.connect(ctx, flags)
	if err != nil {
		return err
	}
	found, err := session.find(ctx)
	if err != nil {
		return err
	}
	values := []deploymentValue{}
	for _, d := range found.Deployments {
		values = append(values, newDeploymentValue(d, a.env.Now()))
	}
	session.lookAtWithoutGateway(ctx, values)
	if a.ui.json {
		return a.ui.value(values)
	}
	a.ui.deploymentTable(values, a.env.Now())
	return nil
}

func newDeploymentValue(d deployment.Deployment, now time.Time) deploymentValue {
	value := deploymentValue{Deployment: d, CanUpdate: d.CannotUpdate == "", Certificates: []certificateValue{}}
	for _, entry := range d.Served() {
		certificate := certificateValue{Entry: entry.Name, KeyVaultSecretID: entry.KeyVaultSecretID}
		if entry.KeyVaultSecretID != "" {
			certificate.readReference()
		}
		if len(entry.Chain) > 0 {
			described := pki.Describe(entry.Chain[0])
			certificate.Certificate = &described
		}
		value.Certificates = append(value.Certificates, certificate)
	}
	value.endsAt(d.NotAfter(), now)
	return value
}

// readReference tells whether the gateway follows the certificate in the vault:
// it looks for a newer one only when its reference names no version.
func (c *certificateValue) readReference() {
	uri, name, version, err := cloud.SplitSecretID(c.KeyVaultSecretID)
	if err != nil {
		return
	}
	follows := version == ""
	c.Follows, c.secret = &follows, name
	c.vault, _, _ = strings.Cut(strings.TrimPrefix(uri, "https://"), ".")
}

func (v *deploymentValue) endsAt(end, now time.Time) {
	if v.ends = end; end.IsZero() {
		return
	}
	days := int(math.Floor(end.Sub(now).Hours() / 24))
	v.DaysLeft = &days
}

// lookAtWithoutGateway makes a handshake with each deployment whose
// certificate Azure knows nothing of, since it is in IIS.
func (s *session) lookAtWithoutGateway(ctx context.Context, values []deploymentValue) {
	const patience = 4 * time.Second // a list should not wait for what is gone
	looker := &handshake.Looker{Network: s.network, Timeout: patience}
	var group errgroup.Group
	group.SetLimit(8)
	for i := range values {
		value := &values[i]
		if value.Generation != deployment.V1 || value.Domain == "" {
			continue
		}
		group.Go(func() error {
			if o := firstServed(looker.Look(ctx, handshake.Target{Host: value.Domain})); o != nil {
				described := pki.Describe(o.Leaf())
				value.Certificates = append(value.Certificates, certificateValue{Certificate: &described})
				value.endsAt(pki.UTC(o.Leaf().NotAfter), s.app.env.Now())
			}
			return nil
		})
	}
	_ = group.Wait() // a failure is no certificate
	slices.SortStableFunc(values, func(a, b deploymentValue) int {
		switch {
		case a.ends.IsZero() == b.ends.IsZero():
			return a.ends.Compare(b.ends)
		case a.ends.IsZero():
			return 1
		}
		return -1
	})
}
