package storage

import (
	"encoding/base64"
	"encoding/xml"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Source: "Naming and referencing containers, blobs, and metadata".
var containerName = regexp.MustCompile(`^[a-z0-9](-?[a-z0-9]){2,62}$`)

// deletedFor is how long a deleted container's name cannot be used.
// Source: "Delete Container": at least 30 seconds.
const deletedFor = 30 * time.Second

func newETag() string {
	return `"0x` + strings.ToUpper(strings.ReplaceAll(uuid.NewString(), "-", "")[:15]) + `"`
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// inContainer is the container of a request, if it is there.
func (c *call) inContainer() (*container, *failure) {
	at := c.account.containers[c.container]
	if at == nil || at.deleted > 0 {
		return nil, noContainer()
	}
	return at, nil
}

func (c *call) createContainer() *failure {
	if !containerName.MatchString(c.container) {
		return fail(http.StatusBadRequest, "InvalidResourceName", "The specified resource name contains invalid characters.")
	}
	switch old := c.account.containers[c.container]; {
	case old == nil:
	case old.deleted == 0:
		return fail(http.StatusConflict, "ContainerAlreadyExists", "The specified container already exists.")
	case !c.o.Guesses.GoneAtOnce && c.ground.Clock.Elapsed()-old.deleted < deletedFor:
		return fail(http.StatusConflict, "ContainerBeingDeleted", "The specified container is being deleted. Try operation later.")
	}
	if access := c.r.Header.Get("X-Ms-Blob-Public-Access"); access != "" {
		// Source: "Remediate anonymous read access to blob data".
		return fail(http.StatusConflict, "PublicAccessNotPermitted", "Public access is not permitted on this storage account.")
	}
	at := &container{name: c.container, etag: newETag(), modified: c.ground.Clock.Now(), blobs: map[string]*blob{}}
	c.account.containers[c.container] = at
	c.stamp(at.etag, at.modified)
	c.w.WriteHeader(http.StatusCreated)
	return nil
}

func (c *call) deleteContainer() *failure {
	at, f := c.inContainer()
	if f != nil {
		return f
	}
	at.deleted, at.blobs = max(c.ground.Clock.Elapsed(), 1), nil
	c.w.WriteHeader(http.StatusAccepted)
	return nil
}

func (c *call) getContainer() *failure {
	at, f := c.inContainer()
	if f != nil {
		return f
	}
	c.stamp(at.etag, at.modified)
	h := c.w.Header()
	h.Set("X-Ms-Lease-Status", "unlocked")
	h.Set("X-Ms-Lease-State", "available")
	h.Set("X-Ms-Has-Immutability-Policy", "false")
	h.Set("X-Ms-Has-Legal-Hold", "false")
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func (c *call) stamp(etag string, modified time.Time) {
	c.w.Header().Set("ETag", etag)
	c.w.Header().Set("Last-Modified", modified.UTC().Format(http.TimeFormat))
}

type listing struct {
	XMLName         xml.Name         `xml:"EnumerationResults"`
	ServiceEndpoint string           `xml:"ServiceEndpoint,attr"`
	ContainerName   string           `xml:"ContainerName,attr,omitempty"`
	Prefix          string           `xml:",omitempty"`
	MaxResults      int              `xml:",omitempty"`
	Containers      *containerValues `xml:",omitempty"`
	Blobs           *blobValues      `xml:",omitempty"`
	NextMarker      string
}

type containerValues struct {
	Container []listedContainer
}

type listedContainer struct {
	Name       string
	Properties struct {
		LastModified string `xml:"Last-Modified"`
		Etag         string
		LeaseStatus  string
		LeaseState   string
	}
}

type blobValues struct {
	BlobPrefix []struct{ Name string }
	Blob       []listedBlob
}

type listedBlob struct {
	Name       string
	Properties struct {
		LastModified  string `xml:"Last-Modified"`
		Etag          string
		ContentLength int    `xml:"Content-Length"`
		ContentType   string `xml:"Content-Type"`
		BlobType      string
		LeaseStatus   string
		LeaseState    string
	}
}

// page cuts sorted names into a page; the marker is the name that comes next.
func (c *call) page(names []string) (page []string, next string, size int, f *failure) {
	size = 5000
	if text := c.query.Get("maxresults"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, "", 0, fail(http.StatusBadRequest, "OutOfRangeQueryParameterValue", "One of the query parameters specified in the request URI is outside the permissible range.")
		}
		size = min(size, n)
	}
	if marker := c.query.Get("marker"); marker != "" {
		from, err := base64.RawURLEncoding.DecodeString(marker)
		if err != nil {
			return nil, "", 0, fail(http.StatusBadRequest, "InvalidQueryParameterValue", "Value for one of the query parameters specified in the request URI is invalid.")
		}
		names = names[min(len(names), indexFrom(names, string(from))):]
	}
	if len(names) > size {
		return names[:size], base64.RawURLEncoding.EncodeToString([]byte(names[size])), size, nil
	}
	return names, "", size, nil
}

func indexFrom(names []string, name string) int {
	at, _ := slices.BinarySearch(names, name)
	return at
}

func (c *call) listContainers() *failure {
	var names []string
	for name, at := range c.account.containers {
		if at.deleted == 0 && strings.HasPrefix(name, c.query.Get("prefix")) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	names, next, _, f := c.page(names)
	if f != nil {
		return f
	}
	out := listing{ServiceEndpoint: "https://" + c.Host(c.account.name) + "/", Prefix: c.query.Get("prefix"), Containers: &containerValues{}, NextMarker: next}
	for _, name := range names {
		at := c.account.containers[name]
		one := listedContainer{Name: name}
		one.Properties.LastModified, one.Properties.Etag = at.modified.UTC().Format(http.TimeFormat), at.etag
		one.Properties.LeaseStatus, one.Properties.LeaseState = "unlocked", "available"
		out.Containers.Container = append(out.Containers.Container, one)
	}
	writeXML(c.w, http.StatusOK, out)
	return nil
}

func (c *call) listBlobs() *failure {
	at, f := c.inContainer()
	if f != nil {
		return f
	}
	prefix, delimiter := c.query.Get("prefix"), c.query.Get("delimiter")
	folders, list := map[string]bool{}, []string{}
	for _, name := range slices.Sorted(maps.Keys(at.blobs)) {
		if at.blobs[name].content == nil || !strings.HasPrefix(name, prefix) {
			continue
		}
		if i := strings.Index(name[len(prefix):], delimiter); delimiter != "" && i >= 0 {
			folders[name[:len(prefix)+i+len(delimiter)]] = true
			continue
		}
		list = append(list, name)
	}
	list, next, _, f := c.page(list)
	if f != nil {
		return f
	}
	out := listing{ServiceEndpoint: "https://" + c.Host(c.account.name) + "/", ContainerName: c.container, Prefix: prefix, Blobs: &blobValues{}, NextMarker: next}
	for _, name := range slices.Sorted(maps.Keys(folders)) {
		out.Blobs.BlobPrefix = append(out.Blobs.BlobPrefix, struct{ Name string }{name})
	}
	for _, name := range list {
		b := at.blobs[name]
		one := listedBlob{Name: name}
		p := &one.Properties
		p.LastModified, p.Etag, p.ContentLength, p.ContentType, p.BlobType = b.modified.UTC().Format(http.TimeFormat), b.etag, len(b.content), b.contentType, b.kind
		p.LeaseStatus, p.LeaseState = "unlocked", "available"
		out.Blobs.Blob = append(out.Blobs.Blob, one)
	}
	writeXML(c.w, http.StatusOK, out)
	return nil
}
