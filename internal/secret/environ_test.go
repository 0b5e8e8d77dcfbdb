package secret_test

import (
	"slices"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

func TestAProgramThatIsStartedInheritsNoPassword(t *testing.T) {
	for name, inherited := range map[string]bool{
		"AZURE_CLIENT_SECRET": false, "CARTOUCHE_SITE_ADMIN_PASSWORD": false, "CARTOUCHE_SIGN_KEY_PASSPHRASE": false,
		"AZURE_CLIENT_ID": true, "HTTPS_PROXY": true, "SECRET_SERVICE": true,
	} {
		t.Setenv(name, "x")
		if got := slices.Contains(secret.Environ(), name+"=x"); got != inherited {
			t.Errorf("%s: inherited %v, want %v", name, got, inherited)
		}
	}
}
