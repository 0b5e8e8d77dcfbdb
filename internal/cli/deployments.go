package cli

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cartouche-gis/cartouche/internal/deployment"
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
}

// certificateValue is a certificate that a gateway serves, and where it lives.
type certificateValue struct {
	// Entry is the gateway's sslCertificates entry.
	Entry string `json:"entry"`
	// KeyVaultSecretID is set when the entry is a reference.
	KeyVaultSecretID string `json:"keyVaultSecretId,omitempty"`
	// Certificate is null when Azure does not tell it.
	Certificate *pki.Description `json:"certificate"`
}

func newDeploymentsCommand(a *app) *cobra.Command {
	var azure azureFlags
	cmd := &cobra.Command{
		Use:     "deployments",
		GroupID: groupLook,
		Short:   "list deployments: names, days left, where each certificate lives",
		Long: `Lists every ArcGIS Enterprise deployment that this sign-in may read, the certificate
that ends first on top. What is only half there is listed with what is wrong with it, and
what cannot be updated with the reason. The days come from Azure's own records, which lag
a little behind; "cartouche show" and "cartouche check" look at the wire.`,
		Example: `  cartouche deployments
  cartouche deployments --cloud usgov --subscription 00000000-0000-0000-0000-000000000000
  cartouche deployments --json`,
		Args: noArguments,
		RunE: a.run(func(ctx context.Context, _ []string) error { return a.deployments(ctx, azure) }),
	}
	azure.add(cmd.Flags())
	return exits(cmd, exitDone, exitUnexpected, exitUsage, exitPreflight, exitInterrupted)
}

func (a *app) deployments(ctx context.Context, flags azureFlags) error {
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
		if len(entry.Chain) > 0 {
			described := pki.Describe(entry.Chain[0])
			certificate.Certificate = &described
		}
		value.Certificates = append(value.Certificates, certificate)
	}
	if end := d.NotAfter(); !end.IsZero() {
		days := int(math.Floor(end.Sub(now).Hours() / 24))
		value.DaysLeft = &days
	}
	return value
}

func (u *ui) deploymentTable(values []deploymentValue, now time.Time) {
	if len(values) == 0 {
		u.say("no deployment was found in what this sign-in may read")
		return
	}
	var rows [][]line
	for _, value := range values {
		left := words(faint("unknown"))
		if end := value.NotAfter(); !end.IsZero() {
			left = words(daysLeft(end, now))
		}
		rows = append(rows, []line{
			words(title(orDash(value.Name))), words(orDash(value.Version)),
			words(orDash(strings.Join(value.Names(), ", "))), left, words(home(value)),
		})
	}
	u.table([]string{"name", "version", "serves", "certificate", "lives in"}, rows)
	u.deploymentProblems(values)
}

// deploymentProblems shows below the table what is wrong, since it takes sentences.
func (u *ui) deploymentProblems(values []deploymentValue) {
	first := true
	for _, value := range values {
		if value.CannotUpdate == "" && len(value.Problems) == 0 {
			continue
		}
		if first {
			u.heading("Problems")
			first = false
		}
		if value.CannotUpdate != "" {
			u.item(caution("!"), title(value.Name), " cannot be updated here: ", value.CannotUpdate)
		}
		for _, problem := range value.Problems {
			u.item(u.outStyle.bullet(), title(value.Name), ": ", problem.Sentence, faint(" ["+problem.Code+"]"))
		}
	}
}

// home says where the certificate of a deployment lives.
func home(value deploymentValue) string {
	var homes []string
	for _, certificate := range value.Certificates {
		if certificate.KeyVaultSecretID != "" {
			homes = append(homes, certificate.KeyVaultSecretID)
			continue
		}
		homes = append(homes, fmt.Sprintf("gateway %s, entry %s", lastSegment(value.GatewayID), certificate.Entry))
	}
	switch {
	case len(homes) > 0:
		return strings.Join(homes, "; ")
	case value.Generation == deployment.V1:
		return "IIS of the web proxies"
	case value.GatewayID != "":
		return "gateway " + lastSegment(value.GatewayID)
	}
	return "-"
}

// lastSegment is the name in a resource id.
func lastSegment(id string) string { return id[strings.LastIndex(id, "/")+1:] }

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
