package deployment

import (
	"strings"
	"time"
)

// readRecord reads the record that Cloud Builder keeps in the tags of a
// gateway. What is missing or malformed becomes a problem; the rest is read
// all the same.
func (d *Deployment) readRecord(t tags) {
	d.ID = t.get(tagID)
	d.Version = t.get(tagVersion)
	d.Domain = d.readDomain(t, tagDomain)
	d.SecondaryDomain = d.readDomain(t, tagSecondaryDomain)
	d.ServerRole = t.get(tagServerRole)
	d.DataStoreTypes = words(t.get(tagDataStoreTypes))
	d.InternalCertificates = readInternal(t.get(tagInternal))
	d.Storage = readStorage(t.get(tagStorage))
	d.Record = t.rest()
	d.readInfo(t.get(tagInfo))
	d.readSites(t)
}

// readInfo reads prefix@vnet@vnetRG@subnet@serverContext,portalContext@timestamp.
// A site without a portal has the context of GeoEvent in the second place.
func (d *Deployment) readInfo(info string) {
	if info == "" {
		return
	}
	const parts = 6
	p := places(info, parts)
	if len(p) != parts {
		d.problem(ProblemMalformedInfo, "The tag %s is %q: %d parts instead of %d, so prefix, network and contexts may be wrong.", tagInfo, info, len(p), parts)
	}
	d.Prefix = at(p, 0)
	d.Network = readNetwork(at(p, 1), at(p, 2), at(p, 3))
	contexts := split(at(p, 4), ",")
	d.ServerContext = readContext(at(contexts, 0))
	if second := readContext(at(contexts, 1)); d.base() {
		d.PortalContext = second
	} else {
		d.SecondContext = second
	}
	d.Recorded = readTime(at(p, 5))
}

// readV1Info reads what the templates up to 10.7.1 wrote on the public IP:
// dnsPrefix@prefix@timestamp.
func (d *Deployment) readV1Info(info string) {
	p := places(info, 3)
	d.Prefix = at(p, 1)
	d.Recorded = readTime(at(p, 2))
}

// base tells whether this is a base deployment (with a portal) and not a
// stand-alone server site. Where no role is recorded it is taken for one.
func (d *Deployment) base() bool {
	return d.ServerRole == "" || strings.EqualFold(d.ServerRole, "HostingServer")
}

func readNetwork(name, group, subnet string) *Network {
	if name == "" && group == "" && subnet == "" {
		return nil
	}
	return &Network{Name: name, ResourceGroup: group, Subnet: subnet}
}

// readContext is a URL path segment without slashes.
func readContext(text string) string {
	return strings.Trim(text, "/ ")
}

// readInternal turns the answer to "are internal certificates provided by the
// user" into words. Anything but a clear answer is no answer.
func readInternal(text string) string {
	switch strings.ToLower(text) {
	case "true":
		return "user-provided"
	case "false":
		return "self-signed"
	}
	return ""
}

// readStorage reads firstDnsLabel@account.blob.<suffix>@rg@useAzureFiles@authType.
func readStorage(text string) *Storage {
	if text == "" {
		return nil
	}
	p := places(text, 5)
	endpoint := strings.ToLower(at(p, 1))
	account, _, _ := strings.Cut(endpoint, ".")
	return &Storage{
		Account:        account,
		BlobEndpoint:   endpoint,
		ResourceGroup:  at(p, 2),
		AzureFiles:     strings.EqualFold(at(p, 3), "true"),
		Authentication: at(p, 4),
	}
}

// places cuts a record at its @ signs. When there are more parts than the
// format has, empty ones are dropped, the first first: hands that edit tags
// double a separator more often than they invent a part.
func places(text string, want int) []string {
	parts := split(text, "@")
	for i := 0; i < len(parts) && len(parts) > want; {
		if parts[i] == "" {
			parts = append(parts[:i], parts[i+1:]...)
			continue
		}
		i++
	}
	return parts
}

// timeLayouts are the ways in which a time was seen or may be expected. The
// templates write the first one: ARM's utcNow().
var timeLayouts = []string{"20060102T150405Z", time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "20060102150405"}

// readTime is the zero time when text is in no known layout: nothing depends
// on it, so it is no problem.
func readTime(text string) time.Time {
	for _, layout := range timeLayouts {
		t, err := time.Parse(layout, strings.ToUpper(text))
		if err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
