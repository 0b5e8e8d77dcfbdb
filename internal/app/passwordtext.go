package app

import (
	"bytes"
	"errors"
	"fmt"
)

// MaxPassword bounds a password file: more is a wrong file.
const MaxPassword = 4 << 10

// PasswordText is the password in a file, or in a field that was filled from one.
// It takes one line ending away, and the mark that Windows editors put before
// UTF-8.
func PasswordText(content []byte) ([]byte, error) {
	if len(content) > MaxPassword {
		return nil, fmt.Errorf("holds more than %d bytes, so it is no password file", MaxPassword)
	}
	if bytes.HasPrefix(content, []byte("\xff\xfe")) || bytes.HasPrefix(content, []byte("\xfe\xff")) {
		return nil, errors.New("is in UTF-16; save it as UTF-8")
	}
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	if cut, ok := bytes.CutSuffix(content, []byte("\r\n")); ok {
		return cut, nil
	}
	return bytes.TrimSuffix(content, []byte("\n")), nil
}
