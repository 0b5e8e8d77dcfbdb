package cloud

import (
	"cmp"
	"encoding/json"
	"strings"
	"unicode"
)

const (
	// maximumText bounds a message or code of somebody else.
	maximumText = 600
	// maximumDetails bounds how many details of an error are kept.
	maximumDetails = 20
)

// errorBody is what the body of a refusal says.
type errorBody struct {
	code    string
	message string
	details []ErrorDetail
}

// parseErrorBody reads the error bodies of Azure in their many shapes:
//
//	{"error":{"code":"X","message":"…","details":[…],"innererror":{"code":"Y"}}}
//	{"status":"Failed","error":{…}}          an operation that failed
//	{"code":"X","message":"…"}               without the envelope
//	{"error":"invalid_client","error_description":"AADSTS7000215: …"}   Entra ID
//
// A message may be JSON text that holds the real error. What is no JSON at all
// (a proxy's page) becomes the message. Sources: azure.md §4 (ARM common
// error), azure-rest-api-specs common types, RFC 6749 §5.2.
func parseErrorBody(data []byte) errorBody {
	var tree Document
	if tree.UnmarshalJSON(data) != nil || tree == nil {
		return errorBody{message: clean(withoutTags(string(data[:min(len(data), 8*maximumText)])), maximumText)}
	}
	var body errorBody
	envelope := objectAt(tree, "error")
	if envelope == nil {
		envelope = objectAt(tree, "odata.error")
	}
	switch {
	case envelope != nil:
		body.read(envelope)
	case textAt(tree, "error_description") != "":
		body.code = clean(textAt(tree, "error"), maximumText)
		body.message = clean(textAt(tree, "error_description"), maximumText)
	default:
		body.read(tree)
	}
	if body.code == "" && body.message == "" {
		// An operation whose end is told by nothing but a state.
		state := cmp.Or(textAt(tree, "status"), textAt(tree, "properties", "provisioningState"))
		if body.code = clean(state, maximumText); body.code != "" {
			body.message = "the operation ended as " + body.code
		}
	}
	return body
}

func (b *errorBody) read(envelope map[string]any) {
	b.code = clean(textAt(envelope, "code"), maximumText)
	b.message = message(envelope)
	b.readNested(envelope, 0)
	if inner := jsonInMessage(envelope); inner != nil {
		nested := parseErrorBody(inner)
		if nested.code != "" {
			b.message = nested.message
			b.add(ErrorDetail{Code: nested.code, Message: nested.message})
		}
		for _, detail := range nested.details {
			b.add(detail)
		}
	}
}

// readNested walks details and innererror, outermost first.
func (b *errorBody) readNested(envelope map[string]any, depth int) {
	if depth > 8 {
		return
	}
	nested := listAt(envelope, "details")
	for _, name := range []string{"innererror", "innerError"} {
		if inner := objectAt(envelope, name); inner != nil {
			nested = append(nested[:len(nested):len(nested)], any(inner))
		}
	}
	for _, item := range nested {
		detail := objectAt(item)
		if detail == nil {
			continue
		}
		b.add(ErrorDetail{Code: clean(textAt(detail, "code"), maximumText), Message: message(detail)})
		b.readNested(detail, depth+1)
	}
}

func (b *errorBody) add(detail ErrorDetail) {
	if (detail.Code != "" || detail.Message != "") && len(b.details) < maximumDetails {
		b.details = append(b.details, detail)
	}
}

// message is a text, or in OData an object with a value.
func message(envelope map[string]any) string {
	if text := textAt(envelope, "message"); text != "" {
		return clean(text, maximumText)
	}
	return clean(textAt(envelope, "message", "value"), maximumText)
}

func jsonInMessage(envelope map[string]any) []byte {
	text := strings.TrimSpace(textAt(envelope, "message"))
	if !strings.HasPrefix(text, "{") || !json.Valid([]byte(text)) {
		return nil
	}
	return []byte(text)
}

// clean makes one line of at most limit bytes out of somebody else's text:
// no control characters, no characters that reorder text, no invalid UTF-8.
func clean(text string, limit int) string {
	if len(text) > 16*limit {
		text = text[:16*limit]
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= limit {
		return text
	}
	const ellipsis = " ..."
	return strings.ToValidUTF8(text[:limit-len(ellipsis)], "") + ellipsis
}

// withoutTags drops the markup of an HTML page, roughly: it is only to be read.
func withoutTags(page string) string {
	var text strings.Builder
	inTag := false
	for _, r := range page {
		switch {
		case r == '<':
			inTag = true
			text.WriteByte(' ')
		case r == '>' && inTag:
			inTag = false
		case !inTag:
			text.WriteRune(r)
		}
	}
	return text.String()
}
