package cloud

import (
	"context"
	"net/url"
	"strings"
	"unicode"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// StorageAccount is a storage account as Resource Manager shows it.
type StorageAccount struct {
	ID       string
	Name     string
	Location string
	// BlobEndpoint is "https://name.blob.core.windows.net", without a slash at
	// its end.
	BlobEndpoint string
	// KeysForbidden tells that the account takes no signature by its keys.
	KeysForbidden bool
	Tags          map[string]string
}

// StorageAccount reads a storage account.
func (rm *ResourceManager) StorageAccount(ctx context.Context, id string) (StorageAccount, error) {
	document, err := rm.Get(ctx, id, StorageAPI)
	if err != nil {
		return StorageAccount{}, err
	}
	return newStorageAccount(document), nil
}

// StorageAccounts lists the storage accounts of a subscription.
func (rm *ResourceManager) StorageAccounts(ctx context.Context, subscription string) ([]StorageAccount, error) {
	items, err := rm.List(ctx, "/subscriptions/"+subscription+"/providers/Microsoft.Storage/storageAccounts", StorageAPI, nil)
	if err != nil {
		return nil, err
	}
	var list []StorageAccount
	for _, item := range items {
		list = append(list, newStorageAccount(item))
	}
	return list, nil
}

func newStorageAccount(document Document) StorageAccount {
	account := StorageAccount{
		ID: textAt(document, "id"), Name: clean(textAt(document, "name"), 100), Location: clean(textAt(document, "location"), 100),
		BlobEndpoint: strings.TrimRight(textAt(document, "properties", "primaryEndpoints", "blob"), "/"),
		Tags:         map[string]string{},
	}
	if allowed, said := valueAt(document, "properties", "allowSharedKeyAccess").(bool); said && !allowed {
		account.KeysForbidden = true
	}
	for name, value := range objectAt(document, "tags") {
		if text, ok := value.(string); ok {
			account.Tags[name] = text
		}
	}
	return account
}

// storageKey asks for a key of a storage account. It stays in memory.
// Source: Azure REST reference, Storage Accounts - List Keys.
func (rm *ResourceManager) storageKey(ctx context.Context, account StorageAccount) (secret.Secret, error) {
	document, err := rm.Post(ctx, account.ID, "listKeys", StorageAPI, nil)
	if err != nil {
		return secret.Secret{}, err
	}
	for _, item := range listAt(document, "keys") {
		if key := textAt(item, "value"); key != "" && strings.EqualFold(textAt(item, "permissions"), "Full") {
			return secret.New(key), nil
		}
	}
	a := attempt{operation: "listKeys", object: describe(account.ID)}
	e := a.newError()
	e.Message = "the account gave no key that may write"
	return secret.Secret{}, e
}

// blobAddress checks that an account's endpoint is one of the cloud's own: a
// token or a signature does not go elsewhere, whatever named the address. A DNS
// zone endpoint has a label more ("name.z12.blob.storage.azure.net").
func (c Cloud) blobAddress(account StorageAccount) (*url.URL, bool) {
	endpoint, err := url.Parse(account.BlobEndpoint)
	if err != nil || endpoint.Scheme != "https" || endpoint.User != nil || strings.Trim(endpoint.Path, "/") != "" {
		return nil, false
	}
	host := strings.ToLower(endpoint.Host)
	name, rest, _ := strings.Cut(host, ".")
	if !IsStorageName(name) || !strings.EqualFold(name, account.Name) || c.BlobSuffix == "" {
		return nil, false
	}
	zoned, isZone := strings.CutSuffix(rest, ".blob.storage.azure.net")
	if rest != c.BlobSuffix && !(isZone && c.Name == Public().Name && len(zoned) <= 4 && strings.HasPrefix(zoned, "z")) {
		return nil, false
	}
	endpoint.Path = ""
	return endpoint, true
}

// IsStorageName tells whether text can be the name of a storage account: 3 to
// 24 lower-case letters and digits.
// Source: "Naming rules and restrictions for Azure resources".
func IsStorageName(text string) bool {
	return len(text) >= 3 && len(text) <= 24 && !strings.ContainsFunc(text, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLower(r) && !unicode.IsDigit(r)
	})
}
