package cloud

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"
)

// Blobs are the blobs of one storage account. It can be used by many goroutines.
//
// The caller's own sign-in is used if it has rights to the data (such as the
// role Storage Blob Data Contributor); else, as most administrators have it,
// one of the account's keys, which only this process ever sees.
type Blobs struct {
	rm      *ResourceManager
	account StorageAccount
	address string
	options *service.ClientOptions

	mu   sync.Mutex
	door *blobDoor
}

// blobDoor is how the account is entered: by sign-in, which signs with a key
// that the account delegates to the user, or by the account's key.
type blobDoor struct {
	service *service.Client
	byKey   *service.SharedKeyCredential
	// delegated signs while it is good; it is asked for when needed.
	mu        sync.Mutex
	delegated *service.UserDelegationCredential
	until     time.Time
}

// Blobs opens nothing yet: the first use does.
func (rm *ResourceManager) Blobs(account StorageAccount) (*Blobs, error) {
	endpoint, ours := rm.cloud.blobAddress(account)
	if !ours {
		return nil, fmt.Errorf("storage account %s: %q is no address of cloud %q, whose blobs are at NAME.%s",
			clean(account.Name, 100), clean(account.BlobEndpoint, 200), rm.cloud.Name, rm.cloud.BlobSuffix)
	}
	client := clientOptions(rm.cloud, rm.options.Version, newTransport(rm.options.Client))
	client.Retry = policy.RetryOptions{MaxRetryDelay: longestWait}
	client.PerRetryPolicies = []policy.Policy{guard{endpoint: endpoint}, unknownName{}}
	if rm.options.Observe != nil {
		client.PerRetryPolicies = append(client.PerRetryPolicies, observer{tell: rm.options.Observe})
	}
	return &Blobs{rm: rm, account: account, address: endpoint.String(), options: &service.ClientOptions{ClientOptions: client}}, nil
}

// Account is the storage account.
func (b *Blobs) Account() StorageAccount { return b.account }

func (b *Blobs) attempt(operation, object string, write bool) attempt {
	return attempt{operation: operation, object: strings.TrimSpace(object + " of storage account " + b.account.Name), write: write}
}

// refusedData tells that the sign-in may not touch the account's data, or not
// in this way, so that a key may still do.
// Source: "Blob service error codes", "Authorize with Microsoft Entra ID".
func refusedData(err error) bool {
	return bloberror.HasCode(err, bloberror.AuthorizationPermissionMismatch, bloberror.InsufficientAccountPermissions, bloberror.AuthenticationFailed, bloberror.InvalidAuthenticationInfo, bloberror.NoAuthenticationInformation)
}

// CreateContainer makes a private container, which may be there already.
func (b *Blobs) CreateContainer(ctx context.Context, name string, metadata map[string]string) error {
	a := b.attempt("create container", name, true)
	options := &service.CreateContainerOptions{Metadata: pointers(metadata)} // no Access: private
	create := func(client *service.Client) error {
		_, err := client.CreateContainer(ctx, name, options)
		if bloberror.HasCode(err, bloberror.ContainerAlreadyExists) {
			return nil
		}
		return err
	}
	return b.enter(ctx, a, create)
}

// enter does something by the door that is open, sign-in at first. Where that is
// refused the account's key opens another, for this and everything after: a
// sign-in that may make containers need not be one that may write into them
// (the former is an action of Resource Manager too).
func (b *Blobs) enter(ctx context.Context, a attempt, do func(*service.Client) error) error {
	door, err := b.opened()
	if err != nil {
		return a.failed(err)
	}
	signedIn := do(door.service)
	if door.byKey != nil || !refusedData(signedIn) {
		return a.blobFailed(signedIn)
	}
	door, err = b.doorByKey(ctx)
	if err != nil {
		refused := a.blobFailed(signedIn)
		var e *Error
		if errors.As(refused, &e) {
			e.Hint = fmt.Sprintf("this sign-in may neither use the data of storage account %s nor read its keys (%s): give it the role Storage Blob Data Contributor on the account, which works some minutes later", b.account.Name, clean(err.Error(), 200))
		}
		return refused
	}
	b.mu.Lock()
	b.door = door
	b.mu.Unlock()
	return a.blobFailed(do(door.service))
}

// opened is the door that is open, that of the sign-in at first.
func (b *Blobs) opened() (*blobDoor, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.door == nil {
		client, err := service.NewClient(b.address, b.rm.credential, b.options)
		if err != nil {
			return nil, err
		}
		b.door = &blobDoor{service: client}
	}
	return b.door, nil
}

func (b *Blobs) doorByKey(ctx context.Context) (*blobDoor, error) {
	if b.account.KeysForbidden {
		return nil, errors.New("the account takes no keys")
	}
	key, err := b.rm.storageKey(ctx, b.account)
	if err != nil {
		return nil, err
	}
	credential, err := service.NewSharedKeyCredential(b.account.Name, key.Reveal())
	if err != nil {
		return nil, errors.New("the account's key cannot be read")
	}
	client, err := service.NewClientWithSharedKeyCredential(b.address, credential, b.options)
	if err != nil {
		return nil, err
	}
	return &blobDoor{service: client, byKey: credential}, nil
}

// Upload writes a block blob.
func (b *Blobs) Upload(ctx context.Context, containerName, name string, content []byte) error {
	a := b.attempt("upload blob", containerName+"/"+name, true)
	return b.enter(ctx, a, func(client *service.Client) error {
		// One request: the service takes 5000 MiB in one Put Blob.
		_, err := client.NewContainerClient(containerName).NewBlockBlobClient(name).Upload(ctx, streaming.NopCloser(bytes.NewReader(content)), nil)
		return err
	})
}

// Read reads a blob of at most limit bytes. [IsNotFound] tells that it is not there.
func (b *Blobs) Read(ctx context.Context, containerName, name string, limit int64) ([]byte, error) {
	a := b.attempt("read blob", containerName+"/"+name, false)
	var content []byte
	err := b.enter(ctx, a, func(client *service.Client) error {
		response, err := client.NewContainerClient(containerName).NewBlobClient(name).DownloadStream(ctx, nil)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.RequestID == nil {
			return errors.New("the answer is not one of Azure Storage: something on the way has answered")
		}
		content, err = io.ReadAll(io.LimitReader(response.Body, limit+1))
		if err == nil && int64(len(content)) > limit {
			err = fmt.Errorf("it is larger than %d bytes", limit)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return content, nil
}

// DeleteBlob removes a blob. What is not there is gone.
func (b *Blobs) DeleteBlob(ctx context.Context, containerName, name string) error {
	a := b.attempt("delete blob", containerName+"/"+name, true)
	return b.enter(ctx, a, func(client *service.Client) error {
		_, err := client.NewContainerClient(containerName).NewBlobClient(name).Delete(ctx, nil)
		return gone(err)
	})
}

// DeleteContainer removes a container with everything in it. What is not there
// is gone.
func (b *Blobs) DeleteContainer(ctx context.Context, name string) error {
	a := b.attempt("delete container", name, true)
	return b.enter(ctx, a, func(client *service.Client) error {
		_, err := client.DeleteContainer(ctx, name, nil)
		return gone(err)
	})
}

func gone(err error) error {
	if bloberror.HasCode(err, bloberror.BlobNotFound, bloberror.ContainerNotFound, bloberror.ContainerBeingDeleted) {
		return nil
	}
	return err
}

// BlobContainer is a container in a list.
type BlobContainer struct {
	Name     string
	Modified time.Time
	// Metadata has its names in lower case.
	Metadata map[string]string
}

// Containers lists the containers whose names begin with prefix, at most a
// thousand.
func (b *Blobs) Containers(ctx context.Context, prefix string) ([]BlobContainer, error) {
	a := b.attempt("list containers", "", false)
	var list []BlobContainer
	err := b.enter(ctx, a, func(client *service.Client) error {
		list = nil
		pager := client.NewListContainersPager(&service.ListContainersOptions{Prefix: &prefix, Include: service.ListContainersInclude{Metadata: true}})
		for pager.More() && len(list) < 1000 {
			page, err := pager.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, item := range page.ContainerItems {
				list = append(list, newBlobContainer(item))
			}
		}
		return nil
	})
	return list, err
}

func newBlobContainer(item *service.ContainerItem) BlobContainer {
	c := BlobContainer{Metadata: map[string]string{}}
	if item.Name != nil {
		c.Name = *item.Name
	}
	if item.Properties != nil && item.Properties.LastModified != nil {
		c.Modified = *item.Properties.LastModified
	}
	for name, value := range item.Metadata {
		if value != nil {
			c.Metadata[strings.ToLower(name)] = *value
		}
	}
	return c
}

func pointers(metadata map[string]string) map[string]*string {
	if metadata == nil {
		return nil
	}
	out := map[string]*string{}
	for name, value := range metadata {
		out[name] = &value
	}
	return out
}

// blobFailed makes an *Error of a refusal of the blob service, whose bodies are
// XML: the code is in a header, the sentence before the first line's end.
// Source: "Status and error codes" of Azure Storage.
func (a attempt) blobFailed(err error) error {
	if err == nil {
		return nil
	}
	failed := a.failed(err)
	var e *Error
	if errors.As(failed, &e) && e.Code != "" {
		e.Message = clean(html.UnescapeString(e.Message), maximumText)
		e.Message = strings.TrimSpace(strings.TrimPrefix(e.Message, e.Code))
		e.Message, _, _ = strings.Cut(e.Message, " RequestId:")
		if hint := hintFor(e.Code, nil); hint != "" {
			e.Hint = hint
		}
	}
	return failed
}
