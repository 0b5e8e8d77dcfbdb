// Package hostile holds a world whose every name was chosen to do harm, and looks
// at what a program makes of it: nothing of it may act in a terminal, in a page or
// in a JSON document. It is for tests; a script of package cli begins the world with
// "world hostile", and what it writes from then on is looked at.
package hostile

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// File is the world, for sim.Options.File. Its first deployment can be renewed.
//
//go:embed hostile.yaml
var File []byte

// InTerminal says what in a text would act on a terminal: control characters but the
// line feed, marks of the reading direction and others that nobody sees, bytes that
// are no UTF-8.
func InTerminal(text []byte) error {
	if !utf8.Valid(text) {
		return fmt.Errorf("bytes that are no UTF-8")
	}
	for at, r := range string(text) {
		if r != '\n' && !unicode.IsPrint(r) {
			return fmt.Errorf("%U in %q", r, around(text, at))
		}
	}
	return nil
}

// InJSON says what of a document's text would act on a terminal, or that it is none.
func InJSON(text []byte) error {
	if !json.Valid(text) {
		return fmt.Errorf("it is no JSON document")
	}
	return InTerminal(text)
}

// InPage says what of the hostile names acts in a page: an element or an attribute
// that they made, an address that is a script, a character that turns the reading
// direction or that nobody sees.
func InPage(page []byte) error {
	if err := InTerminal(bytes.ReplaceAll(bytes.ReplaceAll(page, []byte("\t"), nil), []byte("\r\n"), []byte("\n"))); err != nil {
		return err
	}
	tokens := html.NewTokenizer(bytes.NewReader(page))
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			if err := tokens.Err(); err != io.EOF {
				return err
			}
			return nil
		case html.StartTagToken, html.SelfClosingTagToken:
			raw := string(tokens.Raw())
			if err := inElement(tokens.Token()); err != nil {
				return fmt.Errorf("%w in %.200q", err, raw)
			}
		case html.TextToken:
			// In a script or a style text is no text: our pages have none of theirs.
			if raw := tokens.Raw(); bytes.Contains(raw, []byte("alert(")) && bytes.ContainsRune(raw, '<') {
				return fmt.Errorf("markup that is not escaped in %.200q", raw)
			}
		case html.CommentToken:
			if raw := tokens.Raw(); bytes.Contains(raw, []byte("alert(")) {
				return fmt.Errorf("a name in a comment: %.200q", raw)
			}
		}
	}
}

func inElement(element html.Token) error {
	if element.Data == "script" && len(element.Attr) == 0 {
		return fmt.Errorf("a script of its own")
	}
	for _, a := range element.Attr {
		value := strings.ToLower(strings.TrimSpace(a.Val))
		switch {
		case strings.HasPrefix(strings.ToLower(a.Key), "on"):
			return fmt.Errorf("attribute %s", a.Key)
		case strings.ContainsAny(a.Key, `"'<`):
			return fmt.Errorf("attribute %q", a.Key)
		case (a.Key == "href" || a.Key == "src" || a.Key == "action" || a.Key == "formaction") && (strings.HasPrefix(value, "javascript:") || strings.HasPrefix(value, "data:") || value == "x"):
			return fmt.Errorf("address %q", a.Val)
		}
	}
	return nil
}

func around(text []byte, at int) string {
	from, to := max(0, at-40), min(len(text), at+40)
	return strings.ToValidUTF8(string(text[from:to]), "")
}
