package sim_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/appendblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"

	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/arm"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

const (
	blobAccount = "entdeploystg" // of world ha
	blobAddress = "https://" + blobAccount + ".blob.core.windows.net"
)

// blobOptions let Azure's own library for blobs live in the world, without
// patience.
func blobOptions(t *testing.T, w *sim.World) azcore.ClientOptions {
	return azcore.ClientOptions{Transport: client(t, w), Retry: policy.RetryOptions{MaxRetries: -1}}
}

// byKey enters with a key that the Resource Manager gives to its operator.
func byKey(t *testing.T, w *sim.World) (*service.Client, *service.SharedKeyCredential) {
	t.Helper()
	a := asOperator(t, w)
	got := a.call(http.MethodPost, w.Manager().IDs(arm.StorageAccounts)[0]+"/listKeys", nil)
	keys, _ := got.body["keys"].([]any)
	if len(keys) != 2 {
		t.Fatalf("keys: %d", got.status)
	}
	credential, err := service.NewSharedKeyCredential(blobAccount, keys[1].(map[string]any)["value"].(string))
	if err != nil {
		t.Fatal(err)
	}
	found, err := service.NewClientWithSharedKeyCredential(blobAddress, credential, &service.ClientOptions{ClientOptions: blobOptions(t, w)})
	if err != nil {
		t.Fatal(err)
	}
	return found, credential
}

// byEntra enters with the operator's token.
func byEntra(t *testing.T, w *sim.World) *service.Client {
	t.Helper()
	credential, err := azidentity.NewClientSecretCredential(variable(w, "AZURE_TENANT_ID"), variable(w, "AZURE_CLIENT_ID"), variable(w, "AZURE_CLIENT_SECRET"),
		&azidentity.ClientSecretCredentialOptions{ClientOptions: policy.ClientOptions{Transport: client(t, w)}})
	if err != nil {
		t.Fatal(err)
	}
	found, err := service.NewClient(blobAddress, credential, &service.ClientOptions{ClientOptions: blobOptions(t, w)})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func download(ctx context.Context, b *blob.Client) (string, error) {
	answer, err := b.DownloadStream(ctx, nil)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	return string(content), err
}

func TestAzureSDKKeepsBlobs(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{World: "ha", Scale: 300, Current: sim.CurrentCertificate{Key: "p256"}})
	ctx := t.Context()
	entered, _ := byKey(t, w)
	c := entered.NewContainerClient("cartouche-test")
	if _, err := c.NewBlockBlobClient("x").Upload(ctx, streaming.NopCloser(strings.NewReader("x")), nil); !bloberror.HasCode(err, bloberror.ContainerNotFound) {
		t.Errorf("no container yet: %v", err)
	}
	good(t, second(c.Create(ctx, nil)))
	if _, err := c.Create(ctx, nil); !bloberror.HasCode(err, bloberror.ContainerAlreadyExists) {
		t.Errorf("made twice: %v", err)
	}
	// One request, blocks, and an append blob.
	one := c.NewBlockBlobClient("folder/one ä.txt")
	good(t, second(one.UploadBuffer(ctx, []byte("first"), nil)))
	if got, err := download(ctx, one.BlobClient()); got != "first" || err != nil {
		t.Errorf("%q %v", got, err)
	}
	large := bytes.Repeat([]byte("0123456789"), 300<<10)
	good(t, second(c.NewBlockBlobClient("large").UploadStream(ctx, bytes.NewReader(large), &blockblob.UploadStreamOptions{BlockSize: 1 << 20, Concurrency: 3})))
	buffer := make([]byte, len(large))
	good(t, second(c.NewBlobClient("large").DownloadBuffer(ctx, buffer, &blob.DownloadBufferOptions{BlockSize: 1 << 20})))
	if !bytes.Equal(buffer, large) {
		t.Error("the large blob came back otherwise")
	}
	log := c.NewAppendBlobClient("log")
	good(t, second(log.Create(ctx, nil)))
	for _, line := range []string{"a\n", "b\n"} {
		good(t, second(log.AppendBlock(ctx, streaming.NopCloser(strings.NewReader(line)), nil)))
	}
	if got, err := download(ctx, log.BlobClient()); got != "a\nb\n" || err != nil {
		t.Errorf("%q %v", got, err)
	}
	if _, err := c.NewAppendBlobClient("large").AppendBlock(ctx, streaming.NopCloser(strings.NewReader("x")), nil); !bloberror.HasCode(err, bloberror.InvalidBlobType) {
		t.Errorf("appended to a block blob: %v", err)
	}
	var names []string
	for pager := c.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{MaxResults: ptr(int32(2))}); pager.More(); {
		for _, item := range ok(pager.NextPage(ctx))(t).Segment.BlobItems {
			names = append(names, *item.Name)
		}
	}
	if !slices.Equal(names, []string{"folder/one ä.txt", "large", "log"}) {
		t.Errorf("listed %q", names)
	}
	if properties := ok(one.GetProperties(ctx, nil))(t); *properties.ContentLength != 5 || *properties.BlobType != blob.BlobTypeBlockBlob {
		t.Errorf("%d %s", *properties.ContentLength, *properties.BlobType)
	}
	if _, err := one.UploadBuffer(ctx, []byte("second"), &blockblob.UploadBufferOptions{AccessConditions: &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: ptr(azcore.ETagAny)}}}); !bloberror.HasCode(err, bloberror.BlobAlreadyExists) {
		t.Errorf("overwritten: %v", err)
	}
	good(t, second(one.Delete(ctx, nil)))
	if _, err := download(ctx, one.BlobClient()); !bloberror.HasCode(err, bloberror.BlobNotFound) {
		t.Errorf("deleted: %v", err)
	}
	if left := w.LeftBehind(); len(left) != 3 {
		t.Errorf("left %q", left)
	}
	good(t, second(c.Delete(ctx, nil)))
	if _, err := c.Create(ctx, nil); !bloberror.HasCode(err, bloberror.ContainerBeingDeleted) {
		t.Errorf("made again at once: %v", err)
	}
	w.Ground().Clock.Advance(31 * time.Second)
	if _, err := c.Create(ctx, nil); err != nil {
		t.Errorf("made again later: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// ok is the first of two results when the second is no error.
func ok[T any](got T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
}

func encoded(p sas.QueryParameters) string { return p.Encode() }

func good(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ptr[T any](v T) *T { return &v }

func TestASignatureIsChecked(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{World: "ha", Scale: 300, Current: sim.CurrentCertificate{Key: "p256"}})
	ctx := t.Context()
	entered, key := byKey(t, w)
	c := entered.NewContainerClient("secrets")
	good(t, second(c.Create(ctx, nil)))
	for _, name := range []string{"a", "b"} {
		good(t, second(c.NewBlockBlobClient(name).UploadBuffer(ctx, []byte(name), nil)))
	}
	now := time.Now().UTC()
	valid := sas.BlobSignatureValues{Protocol: sas.ProtocolHTTPS, StartTime: now.Add(-time.Minute), ExpiryTime: now.Add(time.Hour), ContainerName: "secrets", BlobName: "a", Permissions: "r"}
	address := func(name string, values sas.BlobSignatureValues) string {
		return blobAddress + "/secrets/" + name + "?" + encoded(ok(values.SignWithSharedKey(key))(t))
	}
	with := func(change func(*sas.BlobSignatureValues)) sas.BlobSignatureValues {
		values := valid
		change(&values)
		return values
	}
	for name, row := range map[string]struct {
		address string
		code    bloberror.Code
	}{
		"good":          {address("a", valid), ""},
		"another blob":  {address("b", valid), bloberror.AuthenticationFailed},
		"run out":       {address("a", with(func(v *sas.BlobSignatureValues) { v.ExpiryTime = now.Add(-time.Second) })), bloberror.AuthenticationFailed},
		"not yet":       {address("a", with(func(v *sas.BlobSignatureValues) { v.StartTime = now.Add(time.Hour / 2) })), bloberror.AuthenticationFailed},
		"only writing":  {address("a", with(func(v *sas.BlobSignatureValues) { v.Permissions = "w" })), "AuthorizationPermissionMismatch"},
		"altered":       {strings.Replace(address("a", valid), "sp=r", "sp=rw", 1), bloberror.AuthenticationFailed},
		"whole":         {address("b", with(func(v *sas.BlobSignatureValues) { v.BlobName = "" })), ""},
		"other address": {address("a", with(func(v *sas.BlobSignatureValues) { v.IPRange = sas.IPRange{Start: []byte{10, 1, 1, 1}} })), "AuthorizationSourceIPMismatch"},
		"none":          {blobAddress + "/secrets/a", bloberror.NoAuthenticationInformation},
	} {
		b := ok(blob.NewClientWithNoCredential(row.address, &blob.ClientOptions{ClientOptions: blobOptions(t, w)}))(t)
		_, err := download(ctx, b)
		if row.code == "" && err != nil || row.code != "" && !bloberror.HasCode(err, row.code) {
			t.Errorf("%s: %v, want %q", name, err, row.code)
		}
	}
	// What Run Command needs: create an append blob and add to it, not overwrite with c alone.
	out := with(func(v *sas.BlobSignatureValues) { v.BlobName, v.Permissions = "out", "rac" })
	log := ok(appendblob.NewClientWithNoCredential(address("out", out), &appendblob.ClientOptions{ClientOptions: blobOptions(t, w)}))(t)
	good(t, second(log.Create(ctx, nil)))
	good(t, second(log.AppendBlock(ctx, streaming.NopCloser(strings.NewReader("x")), nil)))
	if _, err := log.Create(ctx, nil); !bloberror.HasCode(err, "UnauthorizedBlobOverwrite") {
		t.Errorf("overwritten: %v", err)
	}
	account := ok(sas.AccountSignatureValues{Protocol: sas.ProtocolHTTPS, ExpiryTime: now.Add(time.Hour), Permissions: "l", ResourceTypes: "s"}.SignWithSharedKey(key))(t)
	byAccount := ok(service.NewClientWithNoCredential(blobAddress+"/?"+encoded(account), &service.ClientOptions{ClientOptions: blobOptions(t, w)}))(t)
	if page, err := byAccount.NewListContainersPager(nil).NextPage(ctx); err != nil || len(page.ContainerItems) == 0 {
		t.Errorf("containers by an account's signature: %v", err)
	}
	if _, err := byAccount.NewContainerClient("other").Create(ctx, nil); !bloberror.HasCode(err, "AuthorizationResourceTypeMismatch") {
		t.Errorf("a container by a signature for services: %v", err)
	}
}

func TestDelegatedSignaturesFollowRoles(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{World: "ha", Scale: 300, Current: sim.CurrentCertificate{Key: "p256"}})
	ctx := t.Context()
	entered := byEntra(t, w)
	c := entered.NewContainerClient("secrets")
	good(t, second(c.Create(ctx, nil))) // an action, which Contributor has
	if _, err := c.NewBlockBlobClient("a").UploadBuffer(ctx, []byte("a"), nil); !bloberror.HasCode(err, "AuthorizationPermissionMismatch") {
		t.Errorf("Contributor has no rights to data: %v", err)
	}
	now := time.Now().UTC()
	sign := func() string {
		form := "2006-01-02T15:04:05Z"
		key := ok(entered.GetUserDelegationCredential(ctx, service.KeyInfo{Start: ptr(now.Format(form)), Expiry: ptr(now.Add(time.Hour).Format(form))}, nil))(t)
		values := sas.BlobSignatureValues{Protocol: sas.ProtocolHTTPS, ExpiryTime: now.Add(time.Hour), ContainerName: "secrets", BlobName: "a", Permissions: "r"}
		return blobAddress + "/secrets/a?" + encoded(ok(values.SignWithUserDelegation(key))(t))
	}
	read := func(address string) error {
		b := ok(blob.NewClientWithNoCredential(address, &blob.ClientOptions{ClientOptions: blobOptions(t, w)}))(t)
		_, err := download(ctx, b)
		return err
	}
	signed := sign()
	if err := read(signed); !bloberror.HasCode(err, "AuthorizationPermissionMismatch") {
		t.Errorf("signed by somebody without rights to data: %v", err)
	}
	w.Manager().SetGrants(append(w.Grants(), arm.RoleGrant(operatorID(w), w.Manager().IDs(arm.StorageAccounts)[0], "Storage Blob Data Contributor"))...)
	good(t, second(c.NewBlockBlobClient("a").UploadBuffer(ctx, []byte("a"), nil)))
	if err := read(signed); err != nil {
		t.Errorf("now he has them: %v", err)
	}
	if err := read(strings.Replace(signed, "sp=r", "sp=rd", 1)); !bloberror.HasCode(err, bloberror.AuthenticationFailed) {
		t.Errorf("altered: %v", err)
	}
	w.Ground().Clock.Advance(2 * time.Hour)
	if err := read(signed); !bloberror.HasCode(err, bloberror.AuthenticationFailed) {
		t.Errorf("run out: %v", err)
	}
}

func TestAnAccountThatIsShut(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{World: "ha", Scale: 300, Current: sim.CurrentCertificate{Key: "p256"}})
	entered, _ := byKey(t, w)
	id := w.Manager().IDs(arm.StorageAccounts)[0]
	set := func(name string, value any) {
		w.Manager().Edit(id, func(document map[string]any) { document["properties"].(map[string]any)[name] = value })
	}
	try := func() error { return second(entered.NewListContainersPager(nil).NextPage(t.Context())) }
	set("allowSharedKeyAccess", false)
	if err := try(); !bloberror.HasCode(err, "KeyBasedAuthenticationNotPermitted") {
		t.Errorf("%v", err)
	}
	set("allowSharedKeyAccess", true)
	set("networkAcls", map[string]any{"defaultAction": "Deny"})
	if err := try(); !bloberror.HasCode(err, bloberror.AuthorizationFailure) {
		t.Errorf("%v", err)
	}
	set("networkAcls", map[string]any{"defaultAction": "Allow"})
	for _, text := range []string{"forbidden@container-list", "expired@container-list", "throttle@container-list", "unavailable@container-list", "reset@container-list"} {
		fault := ok(ground.ParseFault(text))(t)
		w.Ground().Faults.Add(fault)
		if err := try(); err == nil {
			t.Errorf("%s did not happen", text)
		}
	}
	if err := try(); err != nil {
		t.Error(err)
	}
}

func TestRunCommandWritesItsOutputIntoBlobs(t *testing.T) {
	t.Parallel()
	a, machine := enterprise(t)
	account := a.w.Manager().IDs(arm.StorageAccounts)[0]
	name := account[strings.LastIndex(account, "/")+1:]
	a.w.Storage().Put(name, "out", "old", []byte("x"))
	keys := a.call(http.MethodPost, account+"/listKeys", nil).body["keys"].([]any)
	key := ok(service.NewSharedKeyCredential(name, keys[0].(map[string]any)["value"].(string)))(t)
	signed := func(blobName, permissions string) string {
		values := sas.BlobSignatureValues{Protocol: sas.ProtocolHTTPS, ExpiryTime: time.Now().Add(time.Hour), ContainerName: "out", BlobName: blobName, Permissions: permissions}
		return "https://" + name + ".blob.core.windows.net/out/" + blobName + "?" + encoded(ok(values.SignWithSharedKey(key))(t))
	}
	properties := map[string]any{"source": map[string]any{"script": "head -c 10000 /dev/zero | tr '\\0' x; echo end; echo oh >&2"}, "outputBlobUri": signed("o", "racw"), "errorBlobUri": signed("e", "racw")}
	got := a.run(machine, "x", properties)
	if strings.Contains(got.raw, "sig=") || got.text("properties", "outputBlobUri") == "" {
		t.Errorf("the document has a signature, or no address: %s", got.raw)
	}
	output, _ := a.w.Storage().Blob(name, "out", "o")
	trouble, _ := a.w.Storage().Blob(name, "out", "e")
	if len(output) != 10004 || string(trouble) != "oh\n" {
		t.Errorf("%d bytes of output, error %q", len(output), trouble)
	}
	if holding := a.w.Holding("xxxend"); !slices.Contains(holding, "blob "+name+"/out/o") {
		t.Errorf("found in %q", holding)
	}
	properties["outputBlobUri"] = signed("o", "r")
	if got := a.run(machine, "x", properties); view(got, "exitCode") != "-101" || !strings.Contains(view(got, "executionMessage"), "Error creating AppendBlob") {
		t.Errorf("%s", got.raw)
	}
}

func TestOtherReadingsOfStorage(t *testing.T) {
	t.Parallel()
	o := sim.Options{World: "ha", Scale: 300, Current: sim.CurrentCertificate{Key: "p256"}}
	o.Guesses.Storage.ContainersNeedData, o.Guesses.Storage.GoneAtOnce = true, true
	w := start(t, o)
	ctx := t.Context()
	if _, err := byEntra(t, w).NewContainerClient("test").Create(ctx, nil); !bloberror.HasCode(err, "AuthorizationPermissionMismatch") {
		t.Errorf("Contributor made a container: %v", err)
	}
	entered, _ := byKey(t, w)
	c := entered.NewContainerClient("test")
	good(t, second(c.Create(ctx, nil)))
	good(t, second(c.Delete(ctx, nil)))
	if _, err := c.Create(ctx, nil); err != nil {
		t.Errorf("made again at once: %v", err)
	}
}
