package graph

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"unicode"
)

// Values are what JSON has: nil, string, bool, float64 or json.Number,
// []any and map[string]any.

// asText is tostring(): text as it is, null as the empty text, the rest as JSON.
func asText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return v.String()
	}
	out, _ := json.Marshal(v)
	return string(out)
}

// asNumber reads a number; text is not one.
func asNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	}
	return 0, false
}

func isEmpty(v any) bool { return asText(v) == "" }

// same is ==. A null equals nothing but a null.
// Source: Kusto documentation, "Null values", equality.
func same(a, b any) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	if x, ok := asNumber(a); ok {
		if y, ok := asNumber(b); ok {
			return x == y
		}
	}
	return asText(a) == asText(b)
}

// compare orders: nulls first, numbers by size, the rest as text.
func compare(a, b any) int {
	if a == nil || b == nil {
		return cmp.Compare(boolean(a != nil), boolean(b != nil))
	}
	x, isX := asNumber(a)
	y, isY := asNumber(b)
	if isX && isY {
		return cmp.Compare(x, y)
	}
	return strings.Compare(asText(a), asText(b))
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// hasTerm tells whether needle stands in text between characters that are
// neither letters nor digits.
// Source: Kusto documentation, "String operators", what is a term.
func hasTerm(text, needle string) bool {
	if needle == "" {
		return true
	}
	for from := 0; ; {
		at := strings.Index(text[from:], needle)
		if at < 0 {
			return false
		}
		at += from
		before, after := []rune(text[:at]), []rune(text[at+len(needle):])
		if (len(before) == 0 || !alphanumeric(before[len(before)-1])) && (len(after) == 0 || !alphanumeric(after[0])) {
			return true
		}
		from = at + 1
	}
}

func alphanumeric(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
