package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// What is read of a file from outside is bounded. A run at a hundred machines
// takes some 2 MiB and is nested nine deep.
const (
	maxSize  = 32 << 20
	maxDepth = 64
)

// canonical is the one form of a JSON value that is hashed and signed: members
// sorted by their names, two spaces for each level, strings in UTF-8 with nothing
// escaped that need not be (but U+007F), numbers as decode left them, and a line
// feed at the end. It is what "jq -S ." prints, so that nobody needs this program.
func canonical(value any) []byte {
	return append(appendValue(nil, value, "\n"), '\n')
}

func appendValue(to []byte, value any, margin string) []byte {
	switch v := value.(type) {
	case map[string]any:
		return appendList(to, '{', '}', margin, slices.Sorted(maps.Keys(v)), func(to []byte, name string, margin string) []byte {
			to = append(appendString(to, name), ": "...)
			return appendValue(to, v[name], margin)
		})
	case []any:
		return appendList(to, '[', ']', margin, v, appendValue)
	case string:
		return appendString(to, v)
	case json.Number:
		return append(to, v...)
	case bool:
		return strconv.AppendBool(to, v)
	}
	return append(to, "null"...)
}

func appendList[T any](to []byte, open, end byte, margin string, items []T, item func([]byte, T, string) []byte) []byte {
	to = append(to, open)
	inner := margin + "  "
	for i, one := range items {
		if i > 0 {
			to = append(to, ',')
		}
		to = item(append(to, inner...), one, inner)
	}
	if len(items) > 0 {
		to = append(to, margin...)
	}
	return append(to, end)
}

func appendString(to []byte, text string) []byte {
	short := map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}
	to = append(to, '"')
	for _, r := range text {
		switch escaped, known := short[r]; {
		case known:
			to = append(to, escaped...)
		case r < 0x20 || r == 0x7f:
			to = fmt.Appendf(to, `\u%04x`, r)
		default:
			to = utf8.AppendRune(to, r)
		}
	}
	return append(to, '"')
}

// decode reads one JSON value of bounded size and depth. Numbers become whole
// ones or such of three decimals: what is here counts things or seconds, and every
// program writes those the same.
func decode(data []byte) (any, error) {
	if len(data) > maxSize {
		return nil, fmt.Errorf("%d bytes is more than evidence has", len(data))
	}
	if depth(data) > maxDepth {
		return nil, fmt.Errorf("nested more than %d deep, which evidence is not", maxDepth)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the JSON value")
	}
	return plainNumbers(value)
}

// depth is how deep brackets are nested, without regard to what else is wrong.
func depth(data []byte) int {
	deepest, now, quoted := 0, 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}

func plainNumbers(value any) (any, error) {
	var err error
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			if v[name], err = plainNumbers(member); err != nil {
				return nil, err
			}
		}
	case []any:
		for i, item := range v {
			if v[i], err = plainNumbers(item); err != nil {
				return nil, err
			}
		}
	case json.Number:
		return plainNumber(v)
	}
	return value, nil
}

func plainNumber(number json.Number) (json.Number, error) {
	const exact = 1 << 53
	if whole, err := number.Int64(); err == nil && -exact <= whole && whole <= exact {
		return json.Number(strconv.FormatInt(whole, 10)), nil
	}
	broken, err := number.Float64()
	if err != nil || math.Abs(broken) > 1e12 {
		return "", fmt.Errorf("the number %.40s is larger than evidence has", number)
	}
	text := strconv.FormatFloat(math.Round(broken*1000)/1000, 'f', -1, 64)
	if text == "-0" {
		text = "0"
	}
	return json.Number(text), nil
}
