package web

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/deployment"
)

// listFilter is what somebody wants to see of the list. It is all in the
// address, so that it can be kept as a bookmark and sent to a colleague.
type listFilter struct {
	Text                  string
	layout, home, urgency string
	Attention             bool
}

// maxSearch is as long as the longest name that can be searched for.
const maxSearch = 256

func filterOf(query url.Values) listFilter {
	text := query.Get("q")
	if len(text) > maxSearch {
		text = strings.ToValidUTF8(text[:maxSearch], "")
	}
	f := listFilter{Text: text, Attention: query.Get("attention") != ""}
	for _, choice := range f.Choices() {
		if value := query.Get(choice.Name); choice.has(value) {
			*f.choice(choice.Name) = value
		}
	}
	return f
}

func (f *listFilter) choice(name string) *string {
	return map[string]*string{"layout": &f.layout, "home": &f.home, "urgency": &f.urgency}[name]
}

// listChoice is one of the lists to choose from.
type listChoice struct {
	Name, Label, Chosen string
	Options             []listOption
}

type listOption struct{ Value, Text string }

func (c listChoice) has(value string) bool {
	return slices.ContainsFunc(c.Options, func(o listOption) bool { return o.Value == value })
}

// Choices are the lists to choose from, each with what is chosen.
func (f listFilter) Choices() []listChoice {
	return []listChoice{
		{"layout", "Layout", f.layout, []listOption{
			{string(deployment.V2), "Cloud Builder V2"}, {string(deployment.GitOps), "Esri GitOps"},
			{string(deployment.V1), "Cloud Builder V1"}, {string(deployment.Plain), "Gateway alone"},
		}},
		{"home", "Certificate lives in", f.home, []listOption{
			{string(inGateway), "the gateway"}, {string(inVault), "Key Vault"}, {string(inIIS), "IIS"},
		}},
		{"urgency", "Ends", f.urgency, []listOption{
			{"gone", "has ended"}, {"urgent", "within 14 days"}, {"soon", "within 30 days"}, {"ok", "later"}, {"unknown", "not known"},
		}},
	}
}

// IsSet tells whether anything is left out.
func (f listFilter) IsSet() bool { return f != listFilter{} }

// matches tells whether a deployment is wanted. Each word of the text must be
// somewhere in what people call it.
func (f listFilter) matches(l *listed, now time.Time) bool {
	switch {
	case f.layout != "" && string(l.Generation) != f.layout,
		f.home != "" && !slices.ContainsFunc(l.homes, func(h home) bool { return string(h.kind) == f.home }),
		f.urgency != "" && l.urgency(now) != f.urgency,
		f.Attention && !l.needsAttention(now):
		return false
	}
	for _, word := range strings.Fields(strings.ToLower(f.Text)) {
		if !strings.Contains(l.text, word) {
			return false
		}
	}
	return true
}

// address is the address of a page of what is wanted.
func (f listFilter) address(page int) string {
	query := url.Values{}
	for name, value := range map[string]string{"q": f.Text, "layout": f.layout, "home": f.home, "urgency": f.urgency} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if f.Attention {
		query.Set("attention", "1")
	}
	if page > 1 {
		query.Set("page", strconv.Itoa(page))
	}
	if len(query) == 0 {
		return "/"
	}
	return "/?" + query.Encode()
}
