package storage

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// bySharedKey checks "SharedKey account:signature".
// Source: "Authorize with Shared Key", versions 2015-02-21 and later.
func (c *call) bySharedKey(rest string) *failure {
	name, signature, found := strings.Cut(rest, ":")
	if !found || !strings.EqualFold(name, c.account.name) {
		return unauthenticated("")
	}
	h := c.r.Header
	sent := h.Get("X-Ms-Date")
	if sent == "" {
		sent = h.Get("Date")
	}
	at, err := time.Parse(http.TimeFormat, sent)
	if err != nil {
		return unauthenticated("")
	}
	now := c.ground.Clock.Now()
	// guess: nothing is said of requests from the future but "15 minutes".
	if age := now.Sub(at); age > 15*time.Minute || age < -15*time.Minute {
		f := unauthenticated("Request date header too old: '" + sent + "'")
		return f
	}
	length := h.Get("Content-Length")
	if length == "" && c.r.ContentLength > 0 {
		length = itoa(c.r.ContentLength)
	}
	if length == "0" {
		length = ""
	}
	date := h.Get("Date")
	if h.Get("X-Ms-Date") != "" {
		date = ""
	}
	text := strings.Join([]string{c.r.Method, h.Get("Content-Encoding"), h.Get("Content-Language"), length, h.Get("Content-MD5"), h.Get("Content-Type"), date,
		h.Get("If-Modified-Since"), h.Get("If-Match"), h.Get("If-None-Match"), h.Get("If-Unmodified-Since"), h.Get("Range")}, "\n") + "\n" + c.canonicalHeaders() + c.canonicalResource()
	for _, key := range c.account.keys {
		if matches(key, text, signature) {
			return nil
		}
	}
	return unauthenticated("The MAC signature found in the HTTP request '" + signature + "' is not the same as any computed signature.")
}

func (c *call) canonicalHeaders() string {
	lines := map[string]string{}
	for name, values := range c.r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-ms-") {
			lines[name] = strings.TrimSpace(strings.Join(values, ","))
		}
	}
	out := ""
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		out += name + ":" + lines[name] + "\n"
	}
	return out
}

func (c *call) canonicalResource() string {
	out := "/" + c.account.name + c.r.URL.EscapedPath()
	if c.r.URL.Path == "" {
		out += "/"
	}
	lower := map[string][]string{}
	for name, values := range c.query {
		lower[strings.ToLower(name)] = append(lower[strings.ToLower(name)], values...)
	}
	for _, name := range slices.Sorted(maps.Keys(lower)) {
		slices.Sort(lower[name])
		out += "\n" + name + ":" + strings.Join(lower[name], ",")
	}
	return out
}

// matches tells whether signature is HMAC-SHA256 of text, in base64.
func matches(key []byte, text, signature string) bool {
	got, err := base64.StdEncoding.DecodeString(signature)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return err == nil && hmac.Equal(got, mac.Sum(nil))
}
