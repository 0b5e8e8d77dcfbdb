package deployment

import "strings"

const sitePrefix = "FS@"

// readSites reads the federated sites. Each is one tag, whose name is
//
//	FS@role@serverContext,geoeventContext@deploymentId@timestamp@version@functions@existingShare,shareOfBase
//
// and whose value is
//
//	rg,location@prefix@storageRG,storageAccount,useAzureFiles@@autoShutdown,HHMM
func (d *Deployment) readSites(t tags) {
	for _, tag := range t {
		if hasPrefixFold(tag.name, sitePrefix) {
			d.readSite(tag)
		}
	}
}

func (d *Deployment) readSite(t tag) {
	const parts = 7
	p := places(t.name[len(sitePrefix):], parts)
	contexts := split(at(p, 1), ",")
	site := Site{
		Role:          at(p, 0),
		ServerContext: readContext(at(contexts, 0)),
		SecondContext: readContext(at(contexts, 1)),
		ID:            at(p, 2),
		Recorded:      readTime(at(p, 3)),
		Version:       at(p, 4),
		Functions:     words(at(p, 5)),
	}

	value := split(t.value, "@")
	place := split(at(value, 0), ",")
	storage := split(at(value, 2), ",")
	site.ResourceGroup, site.Location = at(place, 0), at(place, 1)
	site.Prefix = at(value, 1)
	site.StorageAccount = at(storage, 1)

	if len(p) != parts || site.ID == "" || site.Role == "" {
		d.problem(ProblemMalformedSite, "The tag %q of a federated site does not have the known parts, so the site may be shown wrongly.", t.name)
	}
	if site.ID == "" && site.Role == "" && site.ServerContext == "" {
		return
	}
	d.Sites = append(d.Sites, site)
}

// site is the federated site with this id, or nil.
func (d *Deployment) site(id string) *Site {
	for i := range d.Sites {
		if d.Sites[i].ID != "" && strings.EqualFold(d.Sites[i].ID, id) {
			return &d.Sites[i]
		}
	}
	return nil
}
