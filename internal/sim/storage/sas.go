package storage

import (
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// bySignature checks a shared access signature.
func (c *call) bySignature() *failure {
	q := c.query
	for _, name := range []string{"sv", "se", "sp"} {
		// A stored access policy could give the last two; the world has none.
		if q.Get(name) == "" {
			return unauthenticated(name + " is mandatory. Cannot be empty")
		}
	}
	if q.Get("si") != "" || q.Get("srh") != "" || q.Get("srq") != "" {
		return unauthenticated("The simulated world has no stored access policies and no signed headers or parameters")
	}
	var f *failure
	switch {
	case q.Get("ss") != "":
		f = c.byAccountSAS()
	case q.Get("skoid") != "":
		f = c.byDelegatedSAS()
	default:
		f = c.byServiceSAS()
	}
	if f != nil {
		return f
	}
	if f := c.inTime(q.Get("st"), q.Get("se"), "Signature not valid in the specified time frame"); f != nil {
		return f
	}
	if protocol := q.Get("spr"); protocol != "" && protocol != "https" && protocol != "https,http" {
		return unauthenticated("spr is invalid")
	} else if protocol == "https" && c.r.TLS == nil {
		return fail(http.StatusForbidden, "AuthorizationProtocolMismatch", "This request is not authorized to perform this operation using this protocol.")
	}
	if addresses := q.Get("sip"); addresses != "" && !covers(addresses, clientAddress) {
		return fail(http.StatusForbidden, "AuthorizationSourceIPMismatch", "This request is not authorized to perform this operation using this source IP "+clientAddress+".")
	}
	if c.permissions == "" || !strings.ContainsAny(q.Get("sp"), c.permissions) {
		return noPermission()
	}
	c.mayOverwrite = strings.Contains(q.Get("sp"), "w")
	return nil
}

// clientAddress is what every client of a world comes from.
const clientAddress = "203.0.113.250"

// covers tells whether an address, or a range of them, covers another.
func covers(addresses, address string) bool {
	from, to, ranged := strings.Cut(addresses, "-")
	if !ranged {
		to = from
	}
	low, err1 := netip.ParseAddr(from)
	high, err2 := netip.ParseAddr(to)
	at := netip.MustParseAddr(address)
	return err1 == nil && err2 == nil && low.Compare(at) <= 0 && high.Compare(at) >= 0
}

// inTime checks a time frame; start may be empty.
func (c *call) inTime(start, expiry, what string) *failure {
	now := c.ground.Clock.Now().UTC()
	from, ok1 := sasTime(start)
	until, ok2 := sasTime(expiry)
	if !ok1 && start != "" || !ok2 {
		return unauthenticated("The time frame of the signature is not formed correctly")
	}
	if now.Before(from) || !now.Before(until) {
		shown := http.TimeFormat
		return unauthenticated(what + ": Start [" + from.UTC().Format(shown) + "] - Expiry [" + until.UTC().Format(shown) + "] - Current [" + now.Format(shown) + "]")
	}
	return nil
}

// sasTime reads a time in the forms of ISO 8601 that are documented.
func sasTime(text string) (time.Time, bool) {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05.0000000Z07:00", time.DateOnly} {
		if t, err := time.Parse(form, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// signedResource is the canonical name of what is signed, and whether that is
// about the request at all.
func (c *call) signedResource() (string, *failure) {
	name := "/blob/" + c.account.name + "/" + c.container
	switch c.query.Get("sr") {
	case "c":
		if c.level == 's' {
			return "", unauthenticated("The signature is for a container")
		}
	case "b":
		if c.blob == "" {
			return "", unauthenticated("The signature is for a blob")
		}
		name += "/" + c.blob
	default:
		return "", unauthenticated("sr is mandatory. Cannot be empty")
	}
	// A container's own making and end are for an account SAS alone; so is
	// reading its properties.
	if c.level == 'c' && c.step != "blob-list" {
		return "", noPermission()
	}
	return name, nil
}

// tail is what all signatures of blobs end with.
func (c *call) tail(more ...string) []string {
	q := c.query
	out := []string{q.Get("sip"), q.Get("spr"), q.Get("sv"), q.Get("sr"), q.Get("snapshot")}
	if q.Get("sv") >= "2020-12-06" {
		out = append(out, q.Get("ses"))
	}
	out = append(out, more...)
	return append(out, q.Get("rscc"), q.Get("rscd"), q.Get("rsce"), q.Get("rscl"), q.Get("rsct"))
}

// byServiceSAS is signed with an account's key.
// Source: "Create a service SAS", string-to-sign of 2018-11-09 and 2020-12-06.
func (c *call) byServiceSAS() *failure {
	q := c.query
	if q.Get("sv") < "2018-11-09" {
		return unauthenticated("The simulated world checks signatures of version 2018-11-09 and later")
	}
	resource, f := c.signedResource()
	if f != nil {
		return f
	}
	text := strings.Join(append([]string{q.Get("sp"), q.Get("st"), q.Get("se"), resource, ""}, c.tail()...), "\n")
	return c.signedByKey(text)
}

func (c *call) signedByKey(text string) *failure {
	for _, key := range c.account.keys {
		if matches(key, text, c.query.Get("sig")) {
			return nil
		}
	}
	return unauthenticated("Signature did not match. String to sign used was " + text)
}

// byDelegatedSAS is signed with a user delegation key. What it permits is what
// both the signature and the roles of who got the key permit.
// Source: "Create a user delegation SAS", string-to-sign of 2018-11-09,
// 2020-12-06, 2025-07-05 (delegated tenant and user) and 2026-04-06 (signed
// headers and parameters, which are empty here).
func (c *call) byDelegatedSAS() *failure {
	q := c.query
	resource, f := c.signedResource()
	if f != nil {
		return f
	}
	key := delegated(c.account.delegation, q.Get("skoid"), q.Get("sktid"), q.Get("skt"), q.Get("ske"), q.Get("sks"), q.Get("skv"))
	fields := []string{q.Get("sp"), q.Get("st"), q.Get("se"), resource, q.Get("skoid"), q.Get("sktid"), q.Get("skt"), q.Get("ske"), q.Get("sks"), q.Get("skv")}
	version := q.Get("sv")
	if version >= "2020-02-10" {
		fields = append(fields, q.Get("saoid"), q.Get("suoid"), q.Get("scid"))
	}
	if version >= "2025-07-05" {
		fields = append(fields, q.Get("skdutid"), q.Get("sduoid"))
	}
	var more []string
	if version >= "2026-04-06" {
		more = []string{"", ""}
	}
	text := strings.Join(append(fields, c.tail(more...)...), "\n")
	if !matches(key, text, q.Get("sig")) {
		return unauthenticated("Signature did not match. String to sign used was " + text)
	}
	if q.Get("sduoid") != "" {
		return unauthenticated("The simulated world does not know signatures that are bound to a user")
	}
	if f := c.inTime(q.Get("skt"), q.Get("ske"), "User delegation key not valid in the specified time frame"); f != nil { // guess: the text
		return f
	}
	if !c.permitted(q.Get("skoid")) {
		return noPermission()
	}
	return nil
}

// byAccountSAS is signed with an account's key for whole kinds of resources.
// Source: "Create an account SAS".
func (c *call) byAccountSAS() *failure {
	q := c.query
	fields := []string{c.account.name, q.Get("sp"), q.Get("ss"), q.Get("srt"), q.Get("st"), q.Get("se"), q.Get("sip"), q.Get("spr"), q.Get("sv")}
	if q.Get("sv") >= "2020-12-06" {
		fields = append(fields, q.Get("ses"))
	}
	if f := c.signedByKey(strings.Join(fields, "\n") + "\n"); f != nil {
		return f
	}
	if !strings.Contains(q.Get("ss"), "b") {
		return fail(http.StatusForbidden, "AuthorizationServiceMismatch", "This request is not authorized to perform this operation using this service.")
	}
	level := c.level
	if c.step == "blob-list" {
		level = 'c'
	}
	if !strings.ContainsRune(q.Get("srt"), rune(level)) {
		return fail(http.StatusForbidden, "AuthorizationResourceTypeMismatch", "This request is not authorized to perform this operation using this resource type.")
	}
	return nil
}
