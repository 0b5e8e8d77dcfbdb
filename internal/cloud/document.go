package cloud

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// maximumDepth is how deep a reply may nest. Gateways, the deepest documents
// that are read here, stay below 12.
const maximumDepth = 64

// Document is a JSON object from Resource Manager. Numbers are json.Number, so
// that nothing is rounded on the way back. It is a named type because azcore's
// pollers refuse nameless ones.
//
// A value that must not be shown is a secret.Secret in the tree, so that a
// Document which is printed or marshalled by accident says "[secret]"; only
// [ResourceManager.Put] and [ResourceManager.Post] send what it stands for.
type Document map[string]any

// UnmarshalJSON keeps numbers as they are spelled and refuses what nests too
// deep. It is what azcore's pollers call with the last reply of an operation.
func (d *Document) UnmarshalJSON(data []byte) error {
	if err := checkDepth(data); err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var tree map[string]any
	if err := decoder.Decode(&tree); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more after the JSON value")
	}
	*d = tree
	return nil
}

// Clone returns a deep copy.
func (d Document) Clone() Document {
	if d == nil {
		return nil
	}
	return cloneTree(map[string]any(d)).(map[string]any)
}

// wire is the JSON text that is sent, with every secret revealed. The secrets
// come along, to keep them out of errors that quote what was sent.
func (d Document) wire() ([]byte, []secret.Secret, error) {
	var secrets []secret.Secret
	revealed := mapTree(map[string]any(d), func(leaf any) any {
		hidden, ok := leaf.(secret.Secret)
		if !ok {
			return leaf
		}
		secrets = append(secrets, hidden)
		return hidden.Reveal()
	})
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(revealed); err != nil {
		return nil, nil, fmt.Errorf("encode JSON: %w", err)
	}
	return bytes.TrimRight(buffer.Bytes(), "\n"), secrets, nil
}

func cloneTree(value any) any {
	return mapTree(value, func(leaf any) any { return leaf })
}

// mapTree copies a tree and passes everything that is neither object nor list
// through convert.
func mapTree(value any, convert func(any) any) any {
	switch value := value.(type) {
	case Document:
		return mapTree(map[string]any(value), convert)
	case map[string]any:
		tree := make(map[string]any, len(value))
		for key, child := range value {
			tree[key] = mapTree(child, convert)
		}
		return tree
	case []any:
		list := make([]any, len(value))
		for i, child := range value {
			list[i] = mapTree(child, convert)
		}
		return list
	default:
		return convert(value)
	}
}

// checkDepth counts brackets outside of strings. It says nothing about whether
// data is JSON; that is the decoder's affair.
func checkDepth(data []byte) error {
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '\\':
			if quoted {
				i++
			}
		case '"':
			quoted = !quoted
		case '{', '[':
			if quoted {
				continue
			}
			if depth++; depth > maximumDepth {
				return fmt.Errorf("JSON nests deeper than %d", maximumDepth)
			}
		case '}', ']':
			if !quoted {
				depth--
			}
		}
	}
	return nil
}

// The functions below read a tree that may have any shape: what is not there,
// or is something else, is the zero value.

func objectAt(value any, path ...string) map[string]any {
	if document, ok := value.(Document); ok {
		value = map[string]any(document)
	}
	tree, _ := value.(map[string]any)
	for _, name := range path {
		tree, _ = tree[name].(map[string]any)
	}
	return tree
}

func valueAt(value any, path ...string) any {
	last := len(path) - 1
	return objectAt(value, path[:last]...)[path[last]]
}

func textAt(value any, path ...string) string {
	text, _ := valueAt(value, path...).(string)
	return text
}

func listAt(value any, path ...string) []any {
	list, _ := valueAt(value, path...).([]any)
	return list
}

// textsAt are the texts of a list.
func textsAt(value any, path ...string) []string {
	var texts []string
	for _, item := range listAt(value, path...) {
		if text, ok := item.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// numberAt is a whole number, 0 when it is none.
func numberAt(value any, path ...string) int {
	number, _ := valueAt(value, path...).(json.Number)
	whole, err := number.Int64()
	if err != nil {
		return 0
	}
	return int(whole)
}

func boolAt(value any, path ...string) bool {
	truth, _ := valueAt(value, path...).(bool)
	return truth
}
