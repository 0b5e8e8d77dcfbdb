// Package pages holds what a browser is shown: templates, one stylesheet, a few
// lines of JavaScript that no page needs, all embedded, nothing from elsewhere.
//
//   - templates/NAME.html is a page; it defines "main" and is written by
//     Write(w, status, "NAME", Page{…}). templates/layout.html goes round it,
//     templates/parts.html has what pages share (badge, notice, field …).
//   - assets/* is served under a name that holds its hash, so that a browser
//     may keep it for ever.
//   - A template judges nothing: what a page says comes in Page.Data, made by
//     the page's handler from values of the application.
//
// A page is made whole before its first byte is sent: one that cannot be made
// is an error, never half a page.
package pages

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// Page is one page with what is round it.
type Page struct {
	Frame
	// Title says where one is; the program's name follows it in the window's title.
	Title string
	// Active is the entry of the navigation that is marked: "deployments",
	// "history", "check", "world", or "" for none.
	Active string
	// Scripts are the names of the assets that help on this page ("run.js").
	Scripts []string
	// Refresh makes a browser without JavaScript ask again after so many
	// seconds, 0 for never.
	Refresh int
	// Bare leaves the navigation out: of who has not been let in.
	Bare bool
	// Data is what the page's template shows.
	Data any
}

// Frame is what is the same on every page.
type Frame struct {
	// Person is who is signed in, "" for nobody, Cloud where ("US Government").
	Person, Cloud string
	// World is the name of the simulated world, "" for the real one.
	World string
	// Version is the program's.
	Version string
}

// Write answers with a page.
func Write(w http.ResponseWriter, status int, name string, page Page) error {
	set, err := templates()
	if err != nil {
		return err
	}
	shown, known := set[name]
	if !known {
		return fmt.Errorf("there is no page called %q", name)
	}
	var written bytes.Buffer
	if err := shown.ExecuteTemplate(&written, "layout", page); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	body := bytes.Map(visible, written.Bytes())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // nobody is left to be told
	return nil
}

// visible keeps what names hold and nobody sees out of pages: marks that turn the
// reading direction, control characters, bytes that are no text. html/template lets
// them through, since they are no markup.
func visible(r rune) rune {
	switch {
	case unicode.IsPrint(r) || r == '\n' || r == '\t':
		return r
	case unicode.IsSpace(r):
		return ' '
	}
	return utf8.RuneError
}
