package vault

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// maxPage is the largest page of a list.
// Source: Key Vault REST reference, Get Certificates: maxresults 1 to 25.
const maxPage = 25

// shown are the objects in one state that a collection has, by name.
func (c call) shown(in state) []*object {
	var out []*object
	for _, o := range c.vault.objects {
		if o.state == in && (c.kind == "secrets" || o.certificate) {
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(a, b *object) int { return strings.Compare(strings.ToLower(a.name), strings.ToLower(b.name)) })
	return out
}

// list shows each object by its newest version. includePending changes
// nothing: a world has no pending certificates.
func (c call) list() (any, *failure) {
	var all []any
	for _, o := range c.shown(live) {
		all = append(all, c.item(c.kind, o, o.newest(), false))
	}
	return c.page(all)
}

func (c call) listDeleted() (any, *failure) {
	var all []any
	for _, o := range c.shown(deleted) {
		all = append(all, c.deletedItem(o, false))
	}
	return c.page(all)
}

// listVersions is in the order of the versions' ids, not of time.
// Source: lowkey-vault#467: "ascending natural order of the hashes".
func (c call) listVersions() (any, *failure) {
	o, f := c.find()
	if f != nil {
		return nil, f
	}
	versions := slices.Clone(o.versions)
	slices.SortFunc(versions, func(a, b *version) int { return strings.Compare(a.id, b.id) })
	var all []any
	for _, v := range versions {
		all = append(all, c.item(c.kind, o, v, true))
	}
	return c.page(all)
}

// page cuts a list; nextLink is null on the last page.
func (c call) page(all []any) (any, *failure) {
	size := c.o.PageSize
	if asked := c.query.Get("maxresults"); asked != "" {
		n, err := strconv.Atoi(asked)
		if err != nil || n < 1 || n > maxPage {
			return nil, badParameter("maxresults must be between 1 and %d.", maxPage)
		}
		size = min(size, n)
	}
	from := 0
	if token := c.query.Get("$skiptoken"); token != "" {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		from, _ = strconv.Atoi(string(raw))
		if err != nil || from < 0 || from > len(all) {
			return nil, badParameter("The skip token is invalid.")
		}
	}
	end := min(from+size, len(all))
	body := map[string]any{"value": append([]any{}, all[from:end]...), "nextLink": nil}
	if end < len(all) {
		query := c.query
		query.Set("$skiptoken", base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(end))))
		body["nextLink"] = c.vault.base + c.url.Path + "?" + query.Encode()
	}
	return body, nil
}
