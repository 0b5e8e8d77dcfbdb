package deployment

import (
	"sort"
	"strings"
	"unicode"
)

// maxTag is how much of a tag's value is read. Azure allows 256 characters in
// a value; names may have 512, which is what the keys of federated sites use.
const (
	maxTag     = 256
	maxTagName = 512
)

// The tags that Cloud Builder writes (getAppGatewayTagsObject.py of Esri's
// templates). Those of recordTags become fields of a Deployment; any other
// that starts with tagPrefix is kept as it is in Deployment.Record.
const (
	tagPrefix          = "arcgis-deployment-"
	tagID              = tagPrefix + "id"
	tagVersion         = tagPrefix + "version"
	tagInfo            = tagPrefix + "info"
	tagDomain          = tagPrefix + "domain"
	tagSecondaryDomain = tagPrefix + "secondary-domain"
	tagServerRole      = tagPrefix + "server-role"
	tagDataStoreTypes  = tagPrefix + "datastore-types"
	tagStorage         = tagPrefix + "cloud-stg"
	tagInternal        = tagPrefix + "userprovidedinternalcertificates"

	tagBaseID = "arcgis-federated-deployment-id"
	tagRoles  = "arcgis-vm-roles"
)

// recordTags are the tags that have a field of their own.
var recordTags = []string{tagID, tagVersion, tagInfo, tagDomain, tagSecondaryDomain, tagServerRole, tagDataStoreTypes, tagStorage, tagInternal}

// tag is one tag, cleaned: fit to be shown on a terminal and in a page.
type tag struct{ name, value string }

// tags are the tags of one resource, sorted by name. Resource Manager treats
// names of tags as case-insensitive and gives them back in the case of
// whoever wrote them last, so they are looked up without regard to it.
type tags []tag

func readTags(value any) tags {
	bag, _ := value.(map[string]any)
	list := make(tags, 0, len(bag))
	for name, v := range bag {
		text, _ := v.(string)
		list = append(list, tag{name: clean(name, maxTagName), value: clean(text, maxTag)})
	}
	sort.Slice(list, func(i, j int) bool {
		if list[i].name != list[j].name {
			return list[i].name < list[j].name
		}
		return list[i].value < list[j].value
	})
	return list
}

// get is the value of the named tag, "" when there is none. Of two spellings
// of one name the first that says something is taken.
func (t tags) get(name string) string {
	for _, tag := range t {
		if tag.value != "" && strings.EqualFold(tag.name, name) {
			return tag.value
		}
	}
	return ""
}

// recorded tells whether any part of a deployment's record is here.
func (t tags) recorded() bool {
	for _, tag := range t {
		if hasPrefixFold(tag.name, tagPrefix) && tag.value != "" {
			return true
		}
	}
	return false
}

// rest are the tags of the record that have no field, by the part of their
// name after the prefix, lower-case.
func (t tags) rest() map[string]string {
	rest := map[string]string{}
	for _, tag := range t {
		name := strings.ToLower(tag.name)
		if tag.value == "" || !strings.HasPrefix(name, tagPrefix) || contains(recordTags, name) {
			continue
		}
		rest[strings.TrimPrefix(name, tagPrefix)] = tag.value
	}
	if len(rest) == 0 {
		return nil
	}
	return rest
}

// clean makes text from Azure safe to show: whoever may write a tag must not
// be able to move the cursor, reverse the direction of writing or fill the
// screen of the one who lists deployments.
func clean(text string, limit int) string {
	text = strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
	var b strings.Builder
	count := 0
	for _, r := range text {
		if count == limit {
			break
		}
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			r = '\uFFFD'
		}
		b.WriteRune(r)
		count++
	}
	return strings.TrimSpace(b.String())
}

// split cuts text at every separator and trims the parts. It keeps empty
// parts, because in the record a part means what its place says.
func split(text, separator string) []string {
	parts := strings.Split(text, separator)
	for i, part := range parts {
		parts[i] = strings.TrimSpace(part)
	}
	return parts
}

// words are the parts of a comma-separated list that say something.
func words(text string) []string {
	var list []string
	for _, part := range split(text, ",") {
		if part != "" {
			list = append(list, part)
		}
	}
	return list
}

// at is the part at a place, "" beyond the end.
func at(parts []string, place int) string {
	if place >= len(parts) {
		return ""
	}
	return parts[place]
}

func contains(list []string, word string) bool {
	for _, entry := range list {
		if strings.EqualFold(entry, word) {
			return true
		}
	}
	return false
}

func hasPrefixFold(text, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
}
