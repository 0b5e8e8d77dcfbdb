package witness

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/cartouche-gis/cartouche/internal/sim/ground"
)

// seen is what came to the world in places that are kept or logged: invariant I6.
type seen struct {
	texts map[string]string // to where it was seen first
}

func newSeen() seen { return seen{texts: map[string]string{}} }

// secretHeaders may hold what is secret.
var secretHeaders = []string{"Authorization", "X-Esri-Authorization"}

func (s *seen) request(r ground.RequestCame) {
	s.keep(r.URL, "the address of "+r.Method+" "+withoutQuery(r.URL))
	for name, values := range r.Header {
		if slices.Contains(secretHeaders, name) {
			continue
		}
		for _, value := range values {
			s.keep(value, "the header "+name+" of "+r.Method+" "+withoutQuery(r.URL))
		}
	}
}

func (s *seen) document(document map[string]any) {
	if document == nil {
		return
	}
	id, _ := document["id"].(string)
	all := map[string]string{}
	flatten(all, "", document, map[string]bool{"etag": true})
	for at, value := range all {
		s.keep(value, "the document "+id+" at "+at)
		s.keep(at, "the document "+id)
	}
}

func (s *seen) keep(text, where string) {
	if _, known := s.texts[text]; !known {
		s.texts[text] = where
	}
}

// Leaks are the places in which one of the secrets was seen until now: in the
// address of a request, in a header other than Authorization, in a document
// that the Resource Manager shows. Each is looked for as it is, in base64 (at
// any position of what was encoded), UTF-16, hex and URL-encoded form.
func (w *Witness) Leaks(secrets ...string) []string {
	w.look()
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []string
	for number, secret := range secrets {
		for form, needles := range forms(secret) {
			for text, where := range w.seen.texts {
				if slices.ContainsFunc(needles, func(needle string) bool { return strings.Contains(text, needle) }) {
					found = append(found, fmt.Sprintf("I6: secret %d is in %s, %s", number+1, where, form))
				}
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// forms of a secret to look for, by the name of the form. A needle that is too
// short to mean anything is left out.
func forms(secret string) map[string][]string {
	if len(secret) < 6 {
		return nil
	}
	wide := utf16le(secret)
	all := map[string][]string{
		"as it is":            {secret},
		"in UTF-16":           {string(wide)},
		"in base64":           encoded([]byte(secret)),
		"in base64 of UTF-16": encoded(wide),
		"in hex":              {hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret)))},
		"URL-encoded":         {url.QueryEscape(secret), url.PathEscape(secret)},
		"quoted for JSON":     {quoted(secret)},
	}
	for form, needles := range maps.Clone(all) {
		if form != "as it is" {
			all[form] = slices.DeleteFunc(needles, func(needle string) bool { return needle == secret })
		}
	}
	return all
}

// encoded is the base64 of a secret at the three positions that it may have in
// what was encoded, without the letters that depend on its neighbours.
func encoded(secret []byte) []string {
	var out []string
	for before := range 3 {
		padded := slices.Concat(make([]byte, before), secret)
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := encoding.EncodeToString(padded)
			first := (before*8 + 5) / 6 // letters that hold bits of what is before
			last := len(padded) * 8 / 6 // whole letters
			out = append(out, text[first:last])
		}
	}
	return out
}

func utf16le(text string) []byte {
	var out bytes.Buffer
	for _, unit := range utf16.Encode([]rune(text)) {
		_ = binary.Write(&out, binary.LittleEndian, unit)
	}
	return out.Bytes()
}

// quoted is what stands between the quotation marks.
func quoted(text string) string {
	out, err := json.Marshal(text)
	if err != nil {
		return text
	}
	return string(out[1 : len(out)-1])
}

func withoutQuery(address string) string {
	address, _, _ = strings.Cut(address, "?")
	return address
}
