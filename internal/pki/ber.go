package pki

import (
	"errors"
)

// Files from Windows, BouncyCastle and smart-card software are often BER:
// lengths that are not known in advance, octet strings in pieces.
// encoding/asn1 reads DER only, so every structure is normalised first.

// maxDepth is more than any PFX needs (about 12 levels) and small enough for
// a stack.
const maxDepth = 32

var (
	errTruncated = errors.New("data ends in the middle of an element")
	errTooDeep   = errors.New("elements are nested too deeply")
	errBadLength = errors.New("an element has an impossible length")
)

const (
	tagOctetString = 0x04
	constructed    = 0x20
	classAndTag    = 0xdf // everything of an identifier octet but the constructed bit
)

// normaliseBER rewrites the first element of data as DER as far as the
// encoding of lengths and of octet strings goes, and returns what follows that
// element. An element that is DER already comes back byte for byte.
func normaliseBER(data []byte) (der, rest []byte, err error) {
	return normaliseElement(data, 0)
}

func normaliseElement(data []byte, depth int) (der, rest []byte, err error) {
	if depth > maxDepth {
		return nil, nil, errTooDeep
	}
	identifier, length, body, err := readHeader(data)
	if err != nil {
		return nil, nil, err
	}
	isConstructed := identifier[0]&constructed != 0
	if length == indefinite && !isConstructed {
		return nil, nil, errBadLength
	}
	if length > len(body) {
		return nil, nil, errTruncated
	}
	if !isConstructed {
		return appendElement(nil, identifier, body[:length]), body[length:], nil
	}

	inner := body
	if length != indefinite {
		inner, rest = body[:length], body[length:]
	}
	pieces := identifier[0]&classAndTag == tagOctetString
	var content []byte
	for {
		if length == indefinite {
			if len(inner) < 2 {
				return nil, nil, errTruncated
			}
			if inner[0] == 0 && inner[1] == 0 {
				rest = inner[2:]
				break
			}
		} else if len(inner) == 0 {
			break
		}
		var child []byte
		if child, inner, err = normaliseElement(inner, depth+1); err != nil {
			return nil, nil, err
		}
		if pieces {
			if child, err = octets(child); err != nil {
				return nil, nil, err
			}
		}
		content = append(content, child...)
	}
	if pieces {
		identifier = []byte{tagOctetString}
	}
	return appendElement(nil, identifier, content), rest, nil
}

// octets gives the content of a DER octet string.
func octets(der []byte) ([]byte, error) {
	identifier, length, body, err := readHeader(der)
	if err != nil {
		return nil, err
	}
	if identifier[0] != tagOctetString || length != len(body) {
		return nil, errBadLength
	}
	return body, nil
}

// joinPieces gives the content of an implicitly tagged octet string: content
// itself, or, when it was sent in pieces, the content of all of them.
func joinPieces(content []byte, inPieces bool) ([]byte, error) {
	if !inPieces {
		return content, nil
	}
	var joined []byte
	for len(content) > 0 {
		piece, rest, err := normaliseBER(content)
		if err != nil {
			return nil, err
		}
		if piece, err = octets(piece); err != nil {
			return nil, err
		}
		joined, content = append(joined, piece...), rest
	}
	return joined, nil
}

const indefinite = -1

// readHeader splits an element into its identifier octets, its length
// (indefinite, or as declared) and everything behind the length octets.
func readHeader(data []byte) (identifier []byte, length int, body []byte, err error) {
	end := 1
	if len(data) > 0 && data[0]&0x1f == 0x1f { // tag number in the following octets
		for end < len(data) && data[end]&0x80 != 0 {
			end++
		}
		end++
	}
	if end >= len(data) {
		return nil, 0, nil, errTruncated
	}
	identifier, first, body := data[:end], data[end], data[end+1:]
	switch {
	case first < 0x80:
		return identifier, int(first), body, nil
	case first == 0x80:
		return identifier, indefinite, body, nil
	}
	count := int(first & 0x7f)
	if count > len(body) {
		return nil, 0, nil, errTruncated
	}
	for _, octet := range body[:count] {
		if length > 1<<23 {
			return nil, 0, nil, errBadLength
		}
		length = length<<8 | int(octet)
	}
	return identifier, length, body[count:], nil
}

func appendElement(out, identifier, content []byte) []byte {
	out = append(out, identifier...)
	switch n := len(content); {
	case n < 0x80:
		out = append(out, byte(n))
	case n < 1<<8:
		out = append(out, 0x81, byte(n))
	case n < 1<<16:
		out = append(out, 0x82, byte(n>>8), byte(n))
	case n < 1<<24:
		out = append(out, 0x83, byte(n>>16), byte(n>>8), byte(n))
	default:
		out = append(out, 0x84, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return append(out, content...)
}
