package cli_test

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cli"
	"github.com/cartouche-gis/cartouche/internal/cloud"
)

// Who may list certificates and not read them learns nothing of most: that is
// not the same as unusable.
func TestWhatWasNotReadIsNotCalledUnusable(t *testing.T) {
	now := time.Now()
	good := cloud.VaultCertificate{
		Kind: cloud.VaultKindCertificate, Enabled: true, Exportable: true, ContentType: "application/x-pkcs12",
		NotBefore: now.AddDate(0, 0, -1), NotAfter: now.AddDate(0, 0, 1), Leaf: &x509.Certificate{},
	}
	listed := cloud.VaultCertificate{Kind: cloud.VaultKindCertificate, Enabled: true, NotAfter: good.NotAfter, Unread: "forbidden"}
	expired := listed
	expired.NotAfter = now.AddDate(0, 0, -1)
	plain := cloud.VaultCertificate{Kind: cloud.VaultKindSecret, Enabled: true, ContentType: "application/x-pkcs12"}
	got := cli.CountVault([]cloud.VaultCertificate{good, listed, listed, expired, plain}, now)
	if want := "{Usable:1 Unusable:1 Unopened:1 Unread:2}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
