package graph

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind of a token.
type kind int

const (
	end kind = iota
	word
	text
	number
	sign
)

type token struct {
	kind         kind
	text         string // a text token without quotes and escapes
	line, column int
}

// Error says what a query does that is not understood, and where.
type Error struct {
	Line, Column int // both from 1
	Token        string
	Message      string
}

func (e *Error) Error() string {
	return fmt.Sprintf("line %d, position %d, %q: %s", e.Line, e.Column, e.Token, e.Message)
}

func (t token) problem(format string, args ...any) *Error {
	shown := t.text
	if t.kind == end {
		shown = "<EOF>"
	}
	return &Error{Line: t.line, Column: t.column, Token: shown, Message: fmt.Sprintf(format, args...)}
}

// signs, longest first.
var signs = []string{"==", "=~", "!=", "!~", "<=", ">=", "..", "|", "(", ")", "[", "]", "{", "}", ",", ".", "=", "<", ">", "!", "-", "+", "*", "/", "%", ":", ";", "$", "~"}

// lex cuts a query into tokens; the last one is always an end token.
func lex(query string) ([]token, error) {
	var tokens []token
	line, start := 1, 0
	for at := 0; at < len(query); {
		here := token{line: line, column: at - start + 1}
		c := query[at]
		switch {
		case c == '\n':
			line, start = line+1, at+1
			at++
		case c == ' ' || c == '\t' || c == '\r':
			at++
		case strings.HasPrefix(query[at:], "//"):
			for at < len(query) && query[at] != '\n' {
				at++
			}
		case c == '\'' || c == '"' || c == '@' && at+1 < len(query) && (query[at+1] == '\'' || query[at+1] == '"'):
			value, size, err := quoted(query[at:], here)
			if err != nil {
				return nil, err
			}
			here.kind, here.text = text, value
			tokens, at = append(tokens, here), at+size
		case c >= '0' && c <= '9':
			size := run(query[at:], func(r rune) bool { return unicode.IsDigit(r) || r == '.' })
			here.kind, here.text = number, query[at:at+size]
			tokens, at = append(tokens, here), at+size
		case c == '_' || unicode.IsLetter(first(query[at:])):
			size := run(query[at:], func(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) })
			here.kind, here.text = word, query[at:at+size]
			tokens, at = append(tokens, here), at+size
		default:
			found := ""
			for _, s := range signs {
				if found == "" && strings.HasPrefix(query[at:], s) {
					found = s
				}
			}
			if found == "" {
				here.text = string(first(query[at:]))
				here.kind = sign
				return nil, here.problem("this character has no meaning here")
			}
			here.kind, here.text = sign, found
			tokens, at = append(tokens, here), at+len(found)
		}
	}
	return append(tokens, token{kind: end, line: line, column: len(query) - start + 1}), nil
}

// quoted reads a string literal: '..' and ".." with backslash escapes, @'..'
// verbatim with doubled quotes.
func quoted(query string, here token) (value string, size int, err error) {
	verbatim := query[0] == '@'
	at := 0
	if verbatim {
		at = 1
	}
	quote := query[at]
	var out strings.Builder
	for at++; at < len(query); at++ {
		switch c := query[at]; {
		case c == quote && verbatim && at+1 < len(query) && query[at+1] == quote:
			out.WriteByte(quote)
			at++
		case c == quote:
			return out.String(), at + 1, nil
		case c == '\n':
			here.kind, here.text = text, query[:at]
			return "", 0, here.problem("a string must end on its line")
		case c == '\\' && !verbatim && at+1 < len(query):
			at++
			switch query[at] {
			case 'n':
				out.WriteByte('\n')
			case 't':
				out.WriteByte('\t')
			case 'r':
				out.WriteByte('\r')
			default:
				out.WriteByte(query[at])
			}
		default:
			out.WriteByte(c)
		}
	}
	here.kind, here.text = text, query
	return "", 0, here.problem("the string has no end")
}

func first(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

// run is how many bytes at the front of s are of one sort.
func run(s string, is func(rune) bool) int {
	for at, r := range s {
		if !is(r) {
			return at
		}
	}
	return len(s)
}
