package arm

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// listResources answers the generic list, with its tag filter.
func (s *Server) listResources(w http.ResponseWriter, c call) *failure {
	scope := "/subscriptions/" + segment(c, 1)
	if group := segment(c, 3); group != "" {
		scope = groupScope(segment(c, 1), group)
		if f := s.groupExists(scope, group); f != nil {
			return f
		}
	}
	keep, f := filter(c.request.URL.Query().Get("$filter"))
	if f != nil {
		return f
	}
	return s.list(w, c, scope, func(r *resource) bool { return r.id.kind != groupKind && keep(r) })
}

// listOfKind answers the list of one type in a subscription or a group.
func (s *Server) listOfKind(w http.ResponseWriter, c call) *failure {
	scope, namespace, kind := "/subscriptions/"+segment(c, 1), segment(c, 3), segment(c, 4)
	if strings.EqualFold(segment(c, 2), "resourceGroups") {
		scope, namespace, kind = groupScope(segment(c, 1), segment(c, 3)), segment(c, 5), segment(c, 6)
		if f := s.groupExists(scope, segment(c, 3)); f != nil {
			return f
		}
	}
	return s.list(w, c, scope, func(r *resource) bool { return strings.EqualFold(r.id.kind, namespace+"/"+kind) })
}

func (s *Server) listChildren(w http.ResponseWriter, c call, below string) *failure {
	return s.list(w, c, below, func(*resource) bool { return true })
}

func (s *Server) groupExists(scope, name string) *failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.resources[strings.ToLower(scope)]; !ok {
		return notFoundGroup(name)
	}
	return nil
}

// list answers what is in a scope, is wanted, and may be read by the caller.
// Source: Azure Resource Manager: lists show what the caller may read.
func (s *Server) list(w http.ResponseWriter, c call, scope string, want func(*resource) bool) *failure {
	s.mu.Lock()
	list := []any{}
	for _, r := range s.order {
		id, _ := r.document["id"].(string)
		if within(id, scope) && want(r) && s.allowed(c.caller, r.id.kind+"/read", id) {
			s.note(c.caller.ObjectID, r.id.kind+"/read")
			list = append(list, clone(r.document))
		}
	}
	s.mu.Unlock()
	return s.page(w, c, list)
}

// page cuts a list into pages that are linked by nextLink.
func (s *Server) page(w http.ResponseWriter, c call, list []any) *failure {
	query := c.request.URL.Query()
	from := 0
	if token := query.Get("$skiptoken"); token != "" {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		from, _ = strconv.Atoi(string(raw))
		if err != nil || from < 0 || from > len(list) {
			return fail(http.StatusBadRequest, "InvalidSkipToken", "The skip token '%s' is invalid.", token)
		}
	}
	size := s.o.PageSize
	if top, err := strconv.Atoi(query.Get("$top")); err == nil && top > 0 {
		size = min(size, top)
	}
	end := min(from+size, len(list))
	body := map[string]any{"value": list[from:end]}
	if end < len(list) {
		query.Set("$skiptoken", base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(end))))
		next := url.URL{Scheme: "https", Host: s.o.Cloud.Host, Path: c.request.URL.Path, RawQuery: query.Encode()}
		body["nextLink"] = next.String()
	}
	answer(w, http.StatusOK, body)
	return nil
}

// Source: Azure REST reference, Resources - List: tagName eq '…' and tagValue
// eq '…'; resourceType eq '…'. Clients write the names in any letter case.
var (
	tagFilter  = regexp.MustCompile(`(?i)^\s*tagName\s+eq\s+'((?:[^']|'')*)'(?:\s+and\s+tagValue\s+eq\s+'((?:[^']|'')*)')?\s*$`)
	kindFilter = regexp.MustCompile(`(?i)^\s*resourceType\s+eq\s+'((?:[^']|'')*)'\s*$`)
)

func filter(text string) (func(*resource) bool, *failure) {
	if text == "" {
		return func(*resource) bool { return true }, nil
	}
	unquote := func(s string) string { return strings.ReplaceAll(s, "''", "'") }
	if m := tagFilter.FindStringSubmatch(text); m != nil {
		name, value := unquote(m[1]), unquote(m[2])
		anyValue := !strings.Contains(strings.ToLower(text), "tagvalue")
		return func(r *resource) bool {
			tags, _ := r.document["tags"].(map[string]any)
			for have, is := range tags { // tag names ignore case, values do not
				if strings.EqualFold(have, name) && (anyValue || is == value) {
					return true
				}
			}
			return false
		}, nil
	}
	if m := kindFilter.FindStringSubmatch(text); m != nil {
		kind := unquote(m[1])
		return func(r *resource) bool { return strings.EqualFold(r.id.kind, kind) }, nil
	}
	return nil, fail(http.StatusBadRequest, "InvalidFilterInQueryString", "Invalid $filter '%s' specified in the query string.", text)
}

// getResource answers one document; a gateway's goes out with its ETag.
func (s *Server) getResource(w http.ResponseWriter, c call, id resourceID, full string) *failure {
	r, f := s.find(c, id, full, "/read")
	if f != nil {
		return f
	}
	if etag, ok := r.document["etag"].(string); ok {
		w.Header().Set("ETag", etag)
	}
	if strings.Contains(strings.ToLower(c.request.URL.Query().Get("$expand")), "instanceview") && r.view != nil {
		object(r.document, "properties")["instanceView"] = r.view
	}
	answer(w, http.StatusOK, r.document)
	return nil
}

func (s *Server) getInstanceView(w http.ResponseWriter, c call, id resourceID, full string) *failure {
	r, f := s.find(c, id, full, "/instanceView/read")
	if f != nil {
		return f
	}
	if r.view == nil {
		return notFoundResource(id)
	}
	answer(w, http.StatusOK, r.view)
	return nil
}

// find copies a resource that the caller may read.
func (s *Server) find(c call, id resourceID, full, action string) (resource, *failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.require(c.caller, id.kind+action, full); f != nil {
		return resource{}, f
	}
	if _, ok := s.resources[strings.ToLower(groupScope(id.subscription, id.group))]; !ok {
		return resource{}, notFoundGroup(id.group)
	}
	r, ok := s.resources[strings.ToLower(full)]
	if !ok {
		return resource{}, notFoundResource(id)
	}
	return resource{id: r.id, document: clone(r.document), view: r.view}, nil
}
