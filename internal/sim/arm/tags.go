package arm

import (
	"maps"
	"net/http"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// The limits of tags. Source: Azure Resource Manager documentation, "Use tags to
// organize your Azure resources", Limitations.
const (
	maxTags      = 50
	maxTagName   = 512
	maxTagValue  = 256
	notInTagName = `<>%&\?/`
)

// tagged is what the tags of a group were since when.
type tagged struct {
	since time.Duration // by Clock.Elapsed
	tags  map[string]any
}

// isTags tells the path of a group's tags.
func isTags(lower []string) bool {
	return len(lower) == 8 && lower[2] == "resourcegroups" && lower[4] == "providers" && lower[5] == "microsoft.resources" && lower[6] == "tags" && lower[7] == "default"
}

// routeTags answers below {group}/providers/Microsoft.Resources/tags/default.
// Source: Azure REST reference, Tags - Get At Scope, Create Or Update At Scope,
// Update At Scope, Delete At Scope, 2021-04-01: each of them answers 200 when it
// is done. Only groups have tags of this kind here.
func (s *Server) routeTags(r *http.Request, parts []string) route {
	if r.Method == http.MethodGet {
		return route{"tags-get", false, s.inSubscription(parts, s.getTags)}
	}
	return route{"tags-write", false, s.inSubscription(parts, s.writeTags)}
}

func (s *Server) getTags(w http.ResponseWriter, c call) *failure {
	scope := groupScope(segment(c, 1), segment(c, 3))
	s.mu.Lock()
	defer s.mu.Unlock()
	group, f := s.taggedGroup(c, scope, "read")
	if f != nil {
		return f
	}
	answer(w, http.StatusOK, tagsDocument(scope, s.tagsSeen(group, scope)))
	return nil
}

func (s *Server) writeTags(w http.ResponseWriter, c call) *failure {
	var body map[string]any
	if c.request.Method != http.MethodDelete {
		var f *failure
		if body, f = c.body(); f != nil {
			return f
		}
	}
	scope := groupScope(segment(c, 1), segment(c, 3))
	s.mu.Lock()
	defer s.mu.Unlock()
	group, f := s.taggedGroup(c, scope, "write")
	if f != nil {
		return f
	}
	if f := s.locked(scope, "ReadOnly"); f != nil {
		return f
	}
	have, _ := group.document["tags"].(map[string]any)
	if s.o.Guesses.TagsMergeStale {
		have = s.tagsSeen(group, scope)
	}
	operation, tags, f := s.tagged(c.request.Method, body, have)
	if f != nil {
		return f
	}
	s.keepTags(scope, group, tags)
	s.ground.Ledger.Record(ground.TagWrite, scope, operation)
	answer(w, http.StatusOK, tagsDocument(scope, tags))
	return nil
}

// taggedGroup finds the group whose tags the caller wants to read or write. The
// right is one on the tags, not on the group.
// Source: "Use tags to organize your Azure resources", Required access.
func (s *Server) taggedGroup(c call, scope, action string) (*resource, *failure) {
	if f := s.require(c.caller, "Microsoft.Resources/tags/"+action, scope); f != nil {
		return nil, f
	}
	group, ok := s.resources[strings.ToLower(scope)]
	if !ok {
		return nil, notFoundGroup(segment(c, 3))
	}
	return group, nil
}

// tagged makes what becomes of tags by a request.
func (s *Server) tagged(method string, body, have map[string]any) (operation string, tags map[string]any, f *failure) {
	properties, _ := body["properties"].(map[string]any)
	given, has := properties["tags"].(map[string]any)
	operation, _ = body["operation"].(string)
	switch method {
	case http.MethodPut:
		operation = "Replace"
	case http.MethodDelete:
		return "Delete all", map[string]any{}, nil
	case http.MethodPatch:
	default:
		return "", nil, fail(http.StatusMethodNotAllowed, "MethodNotAllowed", "The simulated world does not answer %s here.", method)
	}
	if !has {
		return "", nil, fail(http.StatusBadRequest, "InvalidRequestContent", "The request content must have tags.")
	}
	if f := checkTags(given); f != nil {
		return "", nil, f
	}
	tags = map[string]any{}
	switch strings.ToLower(operation) {
	case "replace":
	case "merge", "delete":
		maps.Copy(tags, have)
	default:
		return "", nil, fail(http.StatusBadRequest, "InvalidRequestContent", "The operation '%s' is none of Replace, Merge, Delete.", operation)
	}
	for name, value := range given {
		there, exists := spelled(tags, name)
		if !exists {
			there = name
		}
		if !strings.EqualFold(operation, "delete") {
			tags[there] = value
		} else if value == "" || value == tags[there] || s.o.Guesses.TagsGoByName {
			delete(tags, there)
		}
	}
	if len(tags) > maxTags {
		// guess: status, code and text.
		return "", nil, fail(http.StatusBadRequest, "TagsCountExceeded", "The number of tags '%d' exceeds the maximum of %d.", len(tags), maxTags)
	}
	return operation, tags, nil
}

// checkTags holds names and values to the limits. guess: the codes and texts.
func checkTags(tags map[string]any) *failure {
	for name, value := range tags {
		text, isText := value.(string)
		switch lower := strings.ToLower(name); {
		case !isText:
			return fail(http.StatusBadRequest, "InvalidRequestContent", "The value of tag '%s' is no text.", name)
		case name == "" || strings.ContainsAny(name, notInTagName):
			return fail(http.StatusBadRequest, "InvalidTagNameCharacters", "The tag names '%s' have reserved characters '<,>,%%,&,\\,?,/' or control characters.", name)
		case strings.HasPrefix(lower, "microsoft"), strings.HasPrefix(lower, "azure"), strings.HasPrefix(lower, "windows"):
			return fail(http.StatusBadRequest, "ReservedTagNamePrefix", "The tag name '%s' begins with a reserved prefix.", name)
		case len(utf16.Encode([]rune(name))) > maxTagName:
			return fail(http.StatusBadRequest, "InvalidTagNameLength", "A tag name exceeds %d characters.", maxTagName)
		case len(utf16.Encode([]rune(text))) > maxTagValue:
			return fail(http.StatusBadRequest, "InvalidTagValueLength", "The value of tag '%s' exceeds %d characters.", name, maxTagValue)
		}
	}
	return nil
}

// spelled finds a tag whatever the letter case of its name.
// Source: tag names are case-insensitive for operations.
func spelled(tags map[string]any, name string) (string, bool) {
	for there := range tags {
		if strings.EqualFold(there, name) {
			return there, true
		}
	}
	return "", false
}

// keepTags stores them, and what they were for readers that lag behind.
func (s *Server) keepTags(scope string, group *resource, tags map[string]any) {
	key := strings.ToLower(scope)
	if s.o.Guesses.TagsStale > 0 {
		if s.tagsBefore[key] == nil {
			was, _ := group.document["tags"].(map[string]any)
			s.tagsBefore[key] = []tagged{{-s.o.Guesses.TagsStale, maps.Clone(was)}}
		}
		s.tagsBefore[key] = append(s.tagsBefore[key], tagged{s.ground.Clock.Elapsed(), maps.Clone(tags)})
	}
	group.document["tags"] = tags
}

// tagsSeen are the tags as a reader sees them.
func (s *Server) tagsSeen(group *resource, scope string) map[string]any {
	tags, _ := group.document["tags"].(map[string]any)
	seen := maps.Clone(tags)
	for _, before := range s.tagsBefore[strings.ToLower(scope)] {
		if before.since <= s.ground.Clock.Elapsed()-s.o.Guesses.TagsStale {
			seen = maps.Clone(before.tags)
		}
	}
	return seen
}

// Source: Azure REST reference, Tags - Get At Scope, sample response.
func tagsDocument(scope string, tags map[string]any) map[string]any {
	if tags == nil {
		tags = map[string]any{}
	}
	return map[string]any{
		"id": scope + "/providers/Microsoft.Resources/tags/default", "name": "default", "type": "Microsoft.Resources/tags",
		"properties": map[string]any{"tags": tags},
	}
}
