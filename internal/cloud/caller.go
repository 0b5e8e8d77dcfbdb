package cloud

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// CallerID is the object id of who is signed in: what a role is assigned to and
// what a deny assignment names. It stands in the token (claim oid), which is
// read without verifying it, because it is our own and nothing is decided by
// it that the server does not decide again.
func (rm *ResourceManager) CallerID(ctx context.Context) (string, error) {
	a := attempt{operation: "read", object: "the object id of the sign-in"}
	// The same scope as the pipeline asks for, so that its token is used again.
	token, err := rm.credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{rm.cloud.Audience + "/.default"}, EnableCAE: true})
	if err != nil {
		return "", a.failed(err)
	}
	id, err := objectID(token.Token)
	if err != nil {
		return "", a.failed(err)
	}
	return id, nil
}

// Caller is who is signed in, as far as the token says it.
func (rm *ResourceManager) Caller(ctx context.Context) (Identity, error) {
	token, err := rm.credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{rm.cloud.Audience + "/.default"}})
	if err != nil {
		return Identity{}, err
	}
	return IdentityOf(token), nil
}

// objectID reads the claim oid of a JSON Web Token. Its errors quote nothing.
func objectID(token string) (string, error) {
	unreadable := errors.New("the token does not tell who is signed in")
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", unreadable
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return "", unreadable
	}
	var claims struct {
		ObjectID string `json:"oid"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil || claims.ObjectID == "" {
		return "", unreadable
	}
	return clean(claims.ObjectID, 64), nil
}
