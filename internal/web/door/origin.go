package door

import (
	"net/http"
	"strings"
)

var crossOrigin = http.NewCrossOriginProtection()

// foreign refuses what a page of another origin asks for, be it another site or
// only another port of this computer. Such a page may lead here, no more.
func foreign(r *http.Request) *Refusal {
	if crossOrigin.Check(r) == nil && fromHere(r) && siteAllows(r) {
		return nil
	}
	return &Refusal{
		Status: http.StatusForbidden, Code: "other-origin", Title: "Another page asked for this",
		Text: "Only Cartouche's own pages may ask Cartouche to do something. Nothing was done.", Next: "If you did want it, do it from the page itself.",
	}
}

// fromHere holds the Origin, where there is one, against the host that was
// asked for, which is known to be ours.
func fromHere(r *http.Request) bool {
	for _, origin := range r.Header.Values("Origin") {
		if !strings.EqualFold(origin, "http://"+r.Host) {
			return false
		}
	}
	return true
}

// siteAllows goes by what browsers say of who asks. A program that is no browser
// says nothing, and has no cookie that it was not given.
func siteAllows(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return true
	}
	return r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}
