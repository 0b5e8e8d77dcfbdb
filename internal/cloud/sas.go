package cloud

import (
	"context"
	"errors"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

const (
	// longestSignature is the longest that a signed address of ours is good for.
	longestSignature = time.Hour
	// clockSkew is how far the clocks of two computers may differ.
	// Source: "Best practices when using SAS": start 15 minutes in the past or
	// not at all.
	clockSkew = 15 * time.Minute
)

// ReadURL is an address by which whoever has it can read one blob, by https
// only, for a while.
func (b *Blobs) ReadURL(ctx context.Context, containerName, name string, lifetime time.Duration) (secret.Secret, error) {
	return b.sign(ctx, containerName, name, (&sas.BlobPermissions{Read: true}).String(), lifetime)
}

// AppendURL is an address by which whoever has it can create one blob, append
// to it and read it: what Run Command wants for an output.
func (b *Blobs) AppendURL(ctx context.Context, containerName, name string, lifetime time.Duration) (secret.Secret, error) {
	return b.sign(ctx, containerName, name, (&sas.BlobPermissions{Read: true, Add: true, Create: true, Write: true}).String(), lifetime)
}

// ContainerToken is the signature alone, from its question mark on, by which
// every blob of a container can be read: what the configurations of Cloud
// Builder want.
func (b *Blobs) ContainerToken(ctx context.Context, containerName string, lifetime time.Duration) (secret.Secret, error) {
	signed, err := b.sign(ctx, containerName, "", (&sas.ContainerPermissions{Read: true}).String(), lifetime)
	if err != nil {
		return secret.Secret{}, err
	}
	parts, err := sas.ParseURL(signed.Reveal())
	if err != nil {
		return secret.Secret{}, errors.New("the signed address cannot be read")
	}
	return secret.New("?" + parts.SAS.Encode()), nil
}

// ContainerURL is the address of a container, without a signature.
func (b *Blobs) ContainerURL(containerName string) string { return b.address + "/" + containerName }

// sign makes a signed address; name is "" for a whole container.
// Sources: "Create a user delegation SAS", "Create a service SAS".
func (b *Blobs) sign(ctx context.Context, containerName, name, permissions string, lifetime time.Duration) (secret.Secret, error) {
	object := containerName
	if name != "" {
		object += "/" + name
	}
	a := b.attempt("sign an address", object, false)
	door, err := b.opened()
	if err != nil {
		return secret.Secret{}, a.failed(err)
	}
	now := time.Now().UTC()
	values := sas.BlobSignatureValues{
		Protocol: sas.ProtocolHTTPS, StartTime: now.Add(-clockSkew), ExpiryTime: now.Add(min(lifetime, longestSignature)),
		Permissions: permissions, ContainerName: containerName, BlobName: name,
	}
	var query sas.QueryParameters
	if door.byKey == nil {
		var delegated *service.UserDelegationCredential
		delegated, err = door.delegate(ctx, now)
		switch {
		case err == nil:
			query, err = values.SignWithUserDelegation(delegated)
		case refusedData(err):
			// Whoever may write blobs need not be one who may delegate that.
			byKey, failure := b.doorByKey(ctx)
			if failure != nil {
				return secret.Secret{}, a.blobFailed(err)
			}
			door, err = byKey, nil
		default:
			return secret.Secret{}, a.blobFailed(err)
		}
	}
	if door.byKey != nil {
		query, err = values.SignWithSharedKey(door.byKey)
	}
	if err != nil {
		return secret.Secret{}, errors.New("sign an address: " + clean(err.Error(), 200))
	}
	// Container and blob are names of our own, without characters to escape.
	return secret.New(b.address + "/" + object + "?" + query.Encode()), nil
}

// delegate asks for a key to sign with, which ends soon too.
func (d *blobDoor) delegate(ctx context.Context, now time.Time) (*service.UserDelegationCredential, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.delegated != nil && now.Add(longestSignature).Before(d.until) {
		return d.delegated, nil
	}
	until := now.Add(2 * longestSignature)
	credential, err := d.service.GetUserDelegationCredential(ctx, service.KeyInfo{
		Start: to.Ptr(now.Add(-clockSkew).Format(sas.TimeFormat)), Expiry: to.Ptr(until.Format(sas.TimeFormat)),
	}, nil)
	if err != nil {
		return nil, err
	}
	d.delegated, d.until = credential, until
	return credential, nil
}
