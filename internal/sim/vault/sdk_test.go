package vault_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/cartouche-gis/cartouche/internal/sim/vault"
)

// codeOf is the code of an SDK error with its inner code, as it is in the body.
func codeOf(t *testing.T, err error) string {
	t.Helper()
	var refused *azcore.ResponseError
	if !errors.As(err, &refused) {
		t.Fatalf("no ResponseError: %v", err)
	}
	code := refused.ErrorCode
	if _, rest, ok := strings.Cut(refused.Error(), `"innererror": {`); ok {
		code += "/" + strings.Split(rest, `"`)[3]
	}
	return code
}

func TestTheSDKImportsReadsAndRenewsACertificate(t *testing.T) {
	b, ctx := setUp(t), t.Context()
	client, first, second := b.certificates(), b.issue(), b.issue()
	made, err := client.ImportCertificate(ctx, "Site", azcertificates.ImportCertificateParameters{
		Base64EncodedCertificate: to.Ptr(b.pfx(first, "secret")), Password: to.Ptr("secret"), Tags: map[string]*string{"owner": to.Ptr("gis")},
		CertificatePolicy: &azcertificates.CertificatePolicy{SecretProperties: &azcertificates.SecretProperties{ContentType: to.Ptr("application/x-pkcs12")}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum(first.Leaf.Raw)
	if !bytes.Equal(made.CER, first.Leaf.Raw) || !bytes.Equal(made.X509Thumbprint, sum[:]) || !made.Attributes.NotBefore.Equal(first.Leaf.NotBefore) || !made.Attributes.Expires.Equal(first.Leaf.NotAfter) {
		t.Errorf("the bundle is of another certificate: %+v", made.Certificate)
	}
	if !strings.HasPrefix(string(*made.SID), "https://kv.vault.azure.net/secrets/Site/") || *made.Attributes.RecoveryLevel != "CustomizedRecoverable+Purgeable" || *made.Attributes.RecoverableDays != 30 {
		t.Errorf("sid %s, recovery %s %d", *made.SID, *made.Attributes.RecoveryLevel, *made.Attributes.RecoverableDays)
	}
	if *made.Policy.IssuerParameters.Name != "Unknown" || *made.Policy.KeyProperties.KeyType != azcertificates.KeyTypeEC || *made.Policy.KeyProperties.Curve != "P-256" || len(made.Policy.X509CertificateProperties.SubjectAlternativeNames.DNSNames) != 2 {
		t.Errorf("policy %+v", made.Policy)
	}
	newer, err := client.ImportCertificate(ctx, "site", azcertificates.ImportCertificateParameters{Base64EncodedCertificate: to.Ptr(b.pfx(second, ""))}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !newer.Attributes.Created.After(*made.Attributes.Created) {
		t.Errorf("created %s and then %s: clients cannot tell which is newer", made.Attributes.Created, newer.Attributes.Created)
	}
	latest, err := client.GetCertificate(ctx, "site", "", nil)
	if err != nil || *latest.ID != *newer.ID || len(latest.Tags) != 0 {
		t.Errorf("latest %v with tags %v, want %s without: %v", latest.ID, latest.Tags, *newer.ID, err)
	}
	versions := 0
	for pager := client.NewListCertificatePropertiesVersionsPager("site", nil); pager.More(); {
		page, err := pager.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		versions += len(page.Value)
	}
	if versions != 2 {
		t.Errorf("%d versions, want 2", versions)
	}
	patched, err := client.UpdateCertificate(ctx, "site", made.ID.Version(), azcertificates.UpdateCertificateParameters{
		CertificateAttributes: &azcertificates.CertificateAttributes{Enabled: to.Ptr(false)}, Tags: map[string]*string{"retired": to.Ptr("yes")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if *patched.Attributes.Enabled || patched.Tags["owner"] != nil || *patched.Tags["retired"] != "yes" {
		t.Errorf("after the patch: enabled %v, tags %v", *patched.Attributes.Enabled, patched.Tags)
	}
	if _, err := b.secrets().GetSecret(ctx, "site", made.ID.Version(), nil); codeOf(t, err) != "Forbidden/SecretDisabled" {
		t.Errorf("the secret of a disabled version: %v", err)
	}
}

func TestTheSDKFollowsListsFromPageToPage(t *testing.T) {
	b := setUp(t, func(o *vault.Options) { o.PageSize = 2 })
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		b.put(name, vault.Seed{})
	}
	b.put("word", vault.Seed{Value: "not a certificate"})
	var names []string
	for pager := b.certificates().NewListCertificatePropertiesPager(&azcertificates.ListCertificatePropertiesOptions{IncludePending: to.Ptr(true)}); pager.More(); {
		page, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Value {
			names = append(names, item.ID.Name())
		}
	}
	if got := strings.Join(names, ""); got != "abcde" {
		t.Errorf("certificates %s, want abcde", got)
	}
	managed := map[string]bool{}
	for pager := b.secrets().NewListSecretPropertiesPager(nil); pager.More(); {
		page, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Value {
			managed[item.ID.Name()] = item.Managed != nil && *item.Managed
		}
	}
	if len(managed) != 6 || !managed["a"] || managed["word"] {
		t.Errorf("secrets, and whether a certificate manages them: %v", managed)
	}
}

func TestTheSDKDeletesRecoversAndPurges(t *testing.T) {
	// The world's clock, not this computer's, ends what is on its way.
	b, ctx := setUp(t, func(o *vault.Options) { o.Guesses.Settle = 10 * time.Hour }), t.Context()
	client := b.certificates()
	b.put("site", vault.Seed{})
	eventually := func(what string, do func() error) {
		t.Helper()
		b.ground.Clock.Advance(10 * time.Hour)
		if err := do(); err != nil {
			t.Fatalf("%s has not happened: %v", what, err)
		}
	}
	importAgain := func() error {
		_, err := client.ImportCertificate(ctx, "site", azcertificates.ImportCertificateParameters{Base64EncodedCertificate: to.Ptr(b.pfx(b.issue(), ""))}, nil)
		return err
	}
	gone, err := client.DeleteCertificate(ctx, "site", nil)
	if err != nil {
		t.Fatal(err)
	}
	if left := gone.ScheduledPurgeDate.Sub(*gone.DeletedDate); left != 30*24*time.Hour || gone.RecoveryID == nil {
		t.Errorf("purged after %s, recovery id %v", left, gone.RecoveryID)
	}
	if got := codeOf(t, importAgain()); got != "Conflict/ObjectIsBeingDeleted" {
		t.Errorf("import during the delete: %s", got)
	}
	if _, err := client.GetCertificate(ctx, "site", "", nil); codeOf(t, err) != "CertificateNotFound" {
		t.Errorf("get after delete: %v", err)
	}
	if _, err := client.RecoverDeletedCertificate(ctx, "site", nil); codeOf(t, err) != "Conflict/ObjectIsBeingDeleted" {
		t.Errorf("recover during the delete: %v", err)
	}
	eventually("the deleted certificate's appearance", func() error { _, err := client.GetDeletedCertificate(ctx, "site", nil); return err })
	if got := codeOf(t, importAgain()); got != "Conflict/ObjectIsDeletedButRecoverable" {
		t.Errorf("import over the deleted name: %s", got)
	}
	if _, err := client.RecoverDeletedCertificate(ctx, "site", nil); err != nil {
		t.Fatal(err)
	}
	if got := codeOf(t, importAgain()); got != "Conflict/ObjectIsBeingRecovered" {
		t.Errorf("import during the recovery: %s", got)
	}
	eventually("the recovery", importAgain)
	if _, err := client.DeleteCertificate(ctx, "site", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := client.PurgeDeletedCertificate(ctx, "site", nil); codeOf(t, err) != "Conflict/ObjectIsBeingDeleted" {
		t.Errorf("purge during the delete: %v", err)
	}
	eventually("the purge", func() error { _, err := client.PurgeDeletedCertificate(ctx, "site", nil); return err })
	eventually("a new certificate of the purged name", importAgain)
}

func TestPurgeProtectionHolds(t *testing.T) {
	b := setUp(t)
	b.properties()["enablePurgeProtection"] = true
	b.put("site", vault.Seed{})
	b.server.Delete("kv", "site")
	if _, err := b.certificates().PurgeDeletedCertificate(t.Context(), "site", nil); codeOf(t, err) != "Forbidden/ForbiddenByPolicy" {
		t.Errorf("purge: %v", err)
	}
	got, err := b.certificates().GetDeletedCertificate(t.Context(), "site", nil)
	if err != nil || *got.Attributes.RecoveryLevel != "CustomizedRecoverable" {
		t.Errorf("level %v: %v", got.Attributes, err)
	}
}

func TestOpenSSLOpensTheExportedSecret(t *testing.T) {
	b := setUp(t)
	issued := b.issue()
	if _, err := b.server.Put("kv", "site", vault.Seed{Pair: issued.TLS()}); err != nil {
		t.Fatal(err)
	}
	secret, err := b.secrets().GetSecret(t.Context(), "site", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if *secret.ContentType != "application/x-pkcs12" || !*secret.Managed || !strings.Contains(string(*secret.KID), "/keys/site/") {
		t.Errorf("secret %+v", secret.Secret)
	}
	file, err := base64.StdEncoding.DecodeString(*secret.Value)
	if err != nil {
		t.Fatal(err)
	}
	key, leaf, chain, err := pkcs12.DecodeChain(file, "")
	if err != nil || !leaf.Equal(issued.Leaf) || len(chain) != 1 || key == nil {
		t.Fatalf("leaf %v with %d more: %v", leaf, len(chain), err)
	}
	path := filepath.Join(t.TempDir(), "secret.pfx")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "openssl", "pkcs12", "-in", path, "-passin", "pass:", "-nodes").Output()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("no openssl here")
	}
	if err != nil || strings.Count(string(out), "BEGIN CERTIFICATE") != 2 || !strings.Contains(string(out), "BEGIN PRIVATE KEY") {
		t.Errorf("openssl: %v\n%d bytes", err, len(out))
	}
}

func TestASecretByItselfIsKeptAsItCame(t *testing.T) {
	b, ctx := setUp(t), t.Context()
	client, content := b.secrets(), b.pfx(b.issue(), "")
	made, err := client.SetSecret(ctx, "file", azsecrets.SetSecretParameters{Value: &content, ContentType: to.Ptr("application/x-pkcs12")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.GetSecret(ctx, "file", made.ID.Version(), nil)
	if err != nil || *got.Value != content || got.KID != nil || got.Managed != nil {
		t.Errorf("got another secret: %v", err)
	}
	if _, err := b.certificates().GetCertificate(ctx, "file", "", nil); codeOf(t, err) != "CertificateNotFound" {
		t.Errorf("the secret as certificate: %v", err)
	}
	if _, err := client.UpdateSecretProperties(ctx, "file", made.ID.Version(), azsecrets.UpdateSecretPropertiesParameters{SecretAttributes: &azsecrets.SecretAttributes{Enabled: to.Ptr(false)}}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := client.GetSecret(ctx, "file", "", nil); codeOf(t, err) != "Forbidden/SecretDisabled" {
		t.Errorf("disabled: %v", err)
	}
	if _, err := client.DeleteSecret(ctx, "file", nil); err != nil {
		t.Fatal(err)
	}
}

func TestTheSDKUpdatesThePolicy(t *testing.T) {
	b, ctx := setUp(t), t.Context()
	b.put("site", vault.Seed{})
	if _, err := b.certificates().UpdateCertificatePolicy(ctx, "site", azcertificates.CertificatePolicy{KeyProperties: &azcertificates.KeyProperties{Exportable: to.Ptr(false)}}, nil); err != nil {
		t.Fatal(err)
	}
	got, err := b.certificates().GetCertificatePolicy(ctx, "site", nil)
	if err != nil || *got.KeyProperties.Exportable || *got.KeyProperties.KeyType != azcertificates.KeyTypeEC {
		t.Errorf("policy %+v: %v", got.KeyProperties, err)
	}
}

func TestWhatIsDeletedIsPurgedWhenItsTimeHasCome(t *testing.T) {
	b := setUp(t) // 30 days
	b.put("site", vault.Seed{})
	b.server.Delete("kv", "site")
	client := b.certificates()
	b.ground.Clock.Advance(29 * 24 * time.Hour)
	if _, err := client.GetDeletedCertificate(t.Context(), "site", nil); err != nil {
		t.Fatalf("after 29 days: %v", err)
	}
	b.ground.Clock.Advance(2 * 24 * time.Hour)
	if _, err := client.GetDeletedCertificate(t.Context(), "site", nil); codeOf(t, err) != "CertificateNotFound" {
		t.Errorf("after 31 days: %v", err)
	}
}
