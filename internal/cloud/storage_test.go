package cloud

import "testing"

func TestBlobsAreAskedAtTheCloudsOwnAddressesOnly(t *testing.T) {
	t.Parallel()
	rows := []struct {
		cloud    Cloud
		endpoint string
		ours     bool
	}{
		{Public(), "https://stg.blob.core.windows.net", true},
		{Public(), "https://STG.blob.core.windows.net", true},
		{Public(), "https://stg.z12.blob.storage.azure.net", true},
		{USGovernment(), "https://stg.blob.core.usgovcloudapi.net", true},
		{China(), "https://stg.blob.core.chinacloudapi.cn", true},
		{Public(), "https://stg.blob.core.usgovcloudapi.net", false},
		{USGovernment(), "https://stg.z12.blob.storage.azure.net", false},
		{Public(), "http://stg.blob.core.windows.net", false},
		{Public(), "https://other.blob.core.windows.net", false},
		{Public(), "https://stg.blob.core.windows.net.example.com", false},
		{Public(), "https://user@stg.blob.core.windows.net", false},
		{Public(), "https://stg.blob.core.windows.net/container", false},
		{Public(), "", false},
	}
	for _, row := range rows {
		if _, ours := row.cloud.blobAddress(StorageAccount{Name: "stg", BlobEndpoint: row.endpoint}); ours != row.ours {
			t.Errorf("%s in cloud %s: %v, want %v", row.endpoint, row.cloud.Name, ours, row.ours)
		}
	}
	for name, ok := range map[string]bool{"abc": true, "a23456789012345678901234": true, "ab": false, "a234567890123456789012345": false, "Abc": false, "a-b": false, "ä12": false} {
		if IsStorageName(name) != ok {
			t.Errorf("IsStorageName(%q) = %v", name, !ok)
		}
	}
}
