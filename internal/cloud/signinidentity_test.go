package cloud

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

func FuzzIdentityOf(f *testing.F) {
	f.Add(`{"tid":"t","oid":"o","upn":"ada@example.com"}`)
	f.Add(`{"tid":1,"oid":["o"],"idtyp":"app","appid":"\u001b[2J"}`)
	f.Add(strings.Repeat(`{"oid":`, 100))
	f.Fuzz(func(t *testing.T, payload string) {
		for _, token := range []string{payload, "h." + payload + ".s", "h." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".s"} {
			who := IdentityOf(azcore.AccessToken{Token: token})
			id, err := objectID(token)
			for _, text := range []string{who.TenantID, who.ObjectID, who.Name, id} {
				if strings.ContainsAny(text, "\x1b\n\r\x00") || len(text) > 200 {
					t.Errorf("not fit to be shown: %q", text)
				}
			}
			if err != nil && err.Error() != "the token does not tell who is signed in" {
				t.Errorf("quotes: %v", err)
			}
		}
	})
}
