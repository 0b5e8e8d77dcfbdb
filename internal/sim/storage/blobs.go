package storage

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	blockBlob  = "BlockBlob"
	appendBlob = "AppendBlob"
)

// blob is a blob; without content, not even an empty one, it has blocks that
// nobody committed.
type blob struct {
	kind        string
	content     []byte
	blocks      map[string][]byte // uncommitted and committed, by id
	order       []string          // of the committed
	appended    int
	etag        string
	modified    time.Time
	contentType string
}

// existing is the blob of a request, nil without one.
func (c *call) existing() (*container, *blob, *failure) {
	at, f := c.inContainer()
	if f != nil {
		return nil, nil, f
	}
	b := at.blobs[c.blob]
	if b != nil && b.content == nil {
		b = nil
	}
	return at, b, nil
}

// asked is the blob of a request, which must be there and meet its conditions.
func (c *call) asked() (*container, *blob, *failure) {
	at, b, f := c.existing()
	switch {
	case f != nil:
		return nil, nil, f
	case b == nil:
		return nil, nil, noBlob()
	}
	return at, b, c.conditions(b)
}

// mayWrite checks conditions, and that who may create only does not overwrite.
// Source: "Specifying conditional headers for Blob service operations"; "Create
// a service SAS": c creates a new blob, w also overwrites.
func (c *call) mayWrite(b *blob) *failure {
	if f := c.conditions(b); f != nil {
		return f
	}
	if b != nil && !c.mayOverwrite {
		return fail(http.StatusForbidden, "UnauthorizedBlobOverwrite", "This request is not authorized to perform blob overwrites.")
	}
	return nil
}

func (c *call) conditions(b *blob) *failure {
	unmet := fail(http.StatusPreconditionFailed, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.")
	if tag := c.r.Header.Get("If-Match"); tag != "" && (b == nil || tag != "*" && tag != b.etag) {
		return unmet
	}
	tag := c.r.Header.Get("If-None-Match")
	switch {
	case tag == "*" && b != nil && c.r.Method == http.MethodPut:
		return fail(http.StatusConflict, "BlobAlreadyExists", "The specified blob already exists.")
	case tag != "" && b != nil && (tag == "*" || tag == b.etag) && c.r.Method == http.MethodPut:
		return unmet
	case tag != "" && b != nil && (tag == "*" || tag == b.etag):
		return fail(http.StatusNotModified, "ConditionNotMet", "")
	}
	return nil
}

// digest checks Content-MD5 and answers the digest of the body.
func (c *call) digest() (string, *failure) {
	sum := md5.Sum(c.body)
	digest := base64.StdEncoding.EncodeToString(sum[:])
	if sent := c.r.Header.Get("Content-MD5"); sent != "" && sent != digest {
		return "", fail(http.StatusBadRequest, "Md5Mismatch", "The MD5 value specified in the request did not match with the MD5 value calculated by the server.")
	}
	return digest, nil
}

// room refuses what the world has no memory for.
func (c *call) room() *failure {
	sum := len(c.body)
	for _, at := range c.account.containers {
		for _, b := range at.blobs {
			sum += len(b.content)
			for _, block := range b.blocks {
				sum += len(block)
			}
		}
	}
	if sum > maxBlobs {
		return fail(http.StatusRequestEntityTooLarge, "RequestBodyTooLarge", "The simulated account is full.")
	}
	return nil
}

// finish stamps a blob that was written and answers 201.
func (c *call) finish(b *blob, digest string) *failure {
	b.etag, b.modified = newETag(), c.ground.Clock.Now()
	c.stamp(b.etag, b.modified)
	if digest != "" {
		c.w.Header().Set("Content-MD5", digest)
	}
	c.w.Header().Set("X-Ms-Request-Server-Encrypted", "true")
	c.w.WriteHeader(http.StatusCreated)
	return nil
}

func (c *call) contentType() string {
	for _, name := range []string{"X-Ms-Blob-Content-Type", "Content-Type"} {
		if value := c.r.Header.Get(name); value != "" {
			return value
		}
	}
	return "application/octet-stream"
}

// putBlob makes a block blob of the body, or an empty append blob.
// Source: "Put Blob".
func (c *call) putBlob() *failure {
	at, old, f := c.existing()
	if f == nil {
		f = c.mayWrite(old)
	}
	if f == nil {
		f = c.room()
	}
	if f != nil {
		return f
	}
	digest, f := c.digest()
	if f != nil {
		return f
	}
	b := &blob{kind: c.r.Header.Get("X-Ms-Blob-Type"), content: c.body, contentType: c.contentType()}
	switch {
	case b.kind == "":
		return fail(http.StatusBadRequest, "MissingRequiredHeader", "An HTTP header that's mandatory for this request is not specified: x-ms-blob-type.")
	case b.kind == appendBlob && len(c.body) > 0:
		return badHeader("Content-Length")
	case b.kind != blockBlob && b.kind != appendBlob:
		return badHeader("x-ms-blob-type")
	}
	if b.content == nil {
		b.content = []byte{}
	}
	at.blobs[c.blob] = b
	return c.finish(b, digest)
}

// putBlock keeps a block until it is committed.
// Source: "Put Block".
func (c *call) putBlock() *failure {
	at, f := c.inContainer()
	if f == nil {
		f = c.room()
	}
	if f != nil {
		return f
	}
	id := c.query.Get("blockid")
	if raw, err := base64.StdEncoding.DecodeString(id); err != nil || len(raw) == 0 || len(raw) > 64 {
		return fail(http.StatusBadRequest, "InvalidQueryParameterValue", "Value for one of the query parameters specified in the request URI is invalid.")
	}
	digest, f := c.digest()
	if f != nil {
		return f
	}
	b := at.blobs[c.blob]
	switch {
	case b == nil:
		b = &blob{kind: blockBlob}
		at.blobs[c.blob] = b
	case b.kind != blockBlob:
		return wrongKind()
	}
	if b.blocks == nil {
		b.blocks = map[string][]byte{}
	}
	b.blocks[id] = c.body
	c.w.Header().Set("Content-MD5", digest)
	c.w.Header().Set("X-Ms-Request-Server-Encrypted", "true")
	c.w.WriteHeader(http.StatusCreated)
	return nil
}

func wrongKind() *failure {
	return fail(http.StatusConflict, "InvalidBlobType", "The blob type is invalid for this operation.")
}

// putBlockList makes the blob of blocks.
// Source: "Put Block List".
func (c *call) putBlockList() *failure {
	at, old, f := c.existing()
	if f == nil {
		f = c.mayWrite(old)
	}
	if f != nil {
		return f
	}
	var list struct {
		XMLName xml.Name `xml:"BlockList"`
		Blocks  []struct {
			XMLName xml.Name
			ID      string `xml:",chardata"`
		} `xml:",any"`
	}
	if err := xml.Unmarshal(c.body, &list); err != nil {
		return fail(http.StatusBadRequest, "InvalidXmlDocument", "XML specified is not syntactically valid.")
	}
	b := at.blobs[c.blob]
	if b != nil && b.kind != blockBlob {
		return wrongKind()
	}
	now := &blob{kind: blockBlob, content: []byte{}, blocks: map[string][]byte{}, contentType: c.contentType()}
	for _, block := range list.Blocks {
		id := strings.TrimSpace(block.ID)
		var content []byte
		found := false
		if b != nil {
			content, found = b.blocks[id]
		}
		if !found {
			return fail(http.StatusBadRequest, "InvalidBlockList", "The specified block list is invalid.")
		}
		now.blocks[id] = content
		now.order = append(now.order, id)
		now.content = append(now.content, content...)
	}
	now.blocks = map[string][]byte{} // the world commits whole lists of new blocks only
	at.blobs[c.blob] = now
	return c.finish(now, "")
}

// maxAppends is how many blocks an append blob takes.
const maxAppends = 50000

// appendBlock adds to an append blob.
// Source: "Append Block".
func (c *call) appendBlock() *failure {
	_, b, f := c.existing()
	switch {
	case f != nil:
		return f
	case b == nil:
		return noBlob()
	case b.kind != appendBlob:
		return wrongKind()
	case b.appended >= maxAppends:
		return fail(http.StatusConflict, "BlockCountExceedsLimit", "The committed block count cannot exceed the maximum limit of 50,000 blocks.")
	case len(c.body) == 0:
		return badHeader("Content-Length")
	}
	if f := c.conditions(b); f != nil {
		return f
	}
	if f := c.room(); f != nil {
		return f
	}
	if text := c.r.Header.Get("X-Ms-Blob-Condition-Appendpos"); text != "" && text != strconv.Itoa(len(b.content)) {
		return fail(http.StatusPreconditionFailed, "AppendPositionConditionNotMet", "The append position condition specified was not met.")
	}
	if limit, err := strconv.Atoi(c.r.Header.Get("X-Ms-Blob-Condition-Maxsize")); err == nil && len(b.content)+len(c.body) > limit {
		return fail(http.StatusPreconditionFailed, "MaxBlobSizeConditionNotMet", "The max blob size condition specified was not met.")
	}
	digest, f := c.digest()
	if f != nil {
		return f
	}
	h := c.w.Header()
	h.Set("X-Ms-Blob-Append-Offset", strconv.Itoa(len(b.content)))
	b.content = append(b.content, c.body...)
	b.appended++
	h.Set("X-Ms-Blob-Committed-Block-Count", strconv.Itoa(b.appended))
	return c.finish(b, digest)
}

// getBlob answers a blob or a range of it; HEAD its properties.
// Source: "Get Blob", "Get Blob Properties", "Specifying the range header".
func (c *call) getBlob() *failure {
	_, b, f := c.asked()
	if f != nil {
		return f
	}
	content, status := b.content, http.StatusOK
	h := c.w.Header()
	asked := c.r.Header.Get("X-Ms-Range")
	if asked == "" {
		asked = c.r.Header.Get("Range")
	}
	if from, to, ok := byteRange(asked, len(content)); ok && c.r.Method == http.MethodGet {
		if from >= len(content) {
			f := fail(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The range specified is invalid for the current size of the resource.")
			f.header = http.Header{"Content-Range": {"bytes */" + strconv.Itoa(len(content))}}
			return f
		}
		h.Set("Content-Range", "bytes "+strconv.Itoa(from)+"-"+strconv.Itoa(to-1)+"/"+strconv.Itoa(len(content)))
		content, status = content[from:to], http.StatusPartialContent
	}
	c.stamp(b.etag, b.modified)
	h.Set("Content-Type", b.contentType)
	h.Set("Content-Length", strconv.Itoa(len(content)))
	h.Set("Accept-Ranges", "bytes")
	h.Set("X-Ms-Blob-Type", b.kind)
	h.Set("X-Ms-Lease-Status", "unlocked")
	h.Set("X-Ms-Lease-State", "available")
	h.Set("X-Ms-Server-Encrypted", "true")
	if b.kind == appendBlob {
		h.Set("X-Ms-Blob-Committed-Block-Count", strconv.Itoa(b.appended))
	}
	c.w.WriteHeader(status)
	if c.r.Method == http.MethodGet {
		_, _ = c.w.Write(content)
	}
	return nil
}

// byteRange reads "bytes=from-" and "bytes=from-to"; what is formed otherwise is
// ignored, as documented.
func byteRange(text string, size int) (from, to int, ok bool) {
	text, ok = strings.CutPrefix(text, "bytes=")
	low, high, found := strings.Cut(text, "-")
	from, err := strconv.Atoi(low)
	if !ok || !found || err != nil || from < 0 {
		return 0, 0, false
	}
	if high == "" {
		return from, size, true
	}
	last, err := strconv.Atoi(high)
	if err != nil || last < from {
		return 0, 0, false
	}
	return from, min(last+1, size), true
}

func (c *call) deleteBlob() *failure {
	at, _, f := c.asked()
	if f != nil {
		return f
	}
	delete(at.blobs, c.blob)
	c.w.Header().Set("X-Ms-Delete-Type-Permanent", "true")
	c.w.WriteHeader(http.StatusAccepted)
	return nil
}
