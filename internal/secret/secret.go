// Package secret holds values that must never be shown: passwords, tokens,
// the bytes of a private key.
//
// A [Secret] cannot print itself. Every way in which Go turns a value into
// text (fmt with any verb, encoding/json, encoding.TextMarshaler, log/slog)
// gives the word "[secret]", also when the Secret is an unexported field of a
// struct that is printed with %+v, because only a pointer is stored. The one
// way to the content is [Secret.Reveal], which is easy to search for.
package secret

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[secret]"

// Secret is a value that does not print itself. The zero Secret is empty.
type Secret struct {
	value *string
}

// New keeps value as a Secret.
func New(value string) Secret {
	return Secret{value: &value}
}

// Reveal returns the content, to hand it to the one who must have it.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Empty tells whether there is nothing to reveal.
func (s Secret) Empty() bool {
	return s.value == nil || *s.value == ""
}

// String, GoString, Format, MarshalJSON, MarshalText and LogValue all give the
// same word, whatever the content.
func (s Secret) String() string { return redacted }

// GoString keeps %#v from showing the content.
func (s Secret) GoString() string { return redacted }

// Format keeps every other verb of fmt from showing the content.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalJSON keeps encoding/json from writing the content.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText keeps encoders that ask for text from writing the content.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue keeps log/slog from writing the content.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
