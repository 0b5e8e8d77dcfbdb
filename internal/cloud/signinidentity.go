package cloud

import (
	"cmp"
	"encoding/base64"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

// Identity is who is signed in.
type Identity struct {
	TenantID string
	// ObjectID is the person or principal in that tenant.
	ObjectID string
	// Name is the user name of a person or the client id of an application.
	Name   string
	Person bool
}

// IdentityOf reads who a token was made for. It is our own token and nothing is
// decided by it, so its signature is not checked. Microsoft asks clients not to
// rely on what is in an access token, so what is missing is left empty.
func IdentityOf(token azcore.AccessToken) Identity {
	parts := strings.Split(token.Token, ".")
	if len(parts) != 3 {
		return Identity{}
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return Identity{}
	}
	var claims Document
	if claims.UnmarshalJSON(data) != nil {
		return Identity{}
	}
	identity := Identity{TenantID: textAt(claims, "tid"), ObjectID: textAt(claims, "oid")}
	// Tokens of version 1 say upn or unique_name, of version 2 preferred_username.
	identity.Name = cmp.Or(textAt(claims, "upn"), textAt(claims, "preferred_username"), textAt(claims, "unique_name"))
	identity.Person = textAt(claims, "idtyp") != "app" && identity.Name != ""
	identity.Name = cmp.Or(identity.Name, textAt(claims, "appid"), textAt(claims, "azp"))
	return identity.cleaned()
}

// cleaned is for showing.
func (i Identity) cleaned() Identity {
	i.TenantID, i.ObjectID, i.Name = clean(i.TenantID, 100), clean(i.ObjectID, 100), clean(i.Name, 200)
	return i
}
