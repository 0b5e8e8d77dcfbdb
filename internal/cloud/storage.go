package cloud

// StorageAccount is a storage account as Resource Manager shows it.
type StorageAccount struct {
	ID       string
	Name     string
	Location string
	// BlobEndpoint is "https://name.blob.core.windows.net".
	BlobEndpoint string
}
