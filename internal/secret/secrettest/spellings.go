// Package secrettest looks for secrets where none may be, and at processes that hold
// them, as others can.
package secrettest

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// Spellings are a secret as it may come out: as it is, in base64 of UTF-8 and of
// Windows' UTF-16, in hexadecimal, in an address, in UTF-16 itself. In base64 at
// any place in a longer text too, by the middle that does not depend on it.
func Spellings(value string) []string {
	wide := strings.Join(strings.Split(value, ""), "\x00") + "\x00"
	inHex := hex.EncodeToString([]byte(value))
	inJSON, _ := json.Marshal(value)
	list := []string{
		value, wide, inHex, strings.ToUpper(inHex), url.QueryEscape(value), url.PathEscape(value),
		strings.Trim(string(inJSON), `"`), strings.Trim(fmt.Sprint([]byte(value)), "[]"),
	}
	for _, plain := range []string{value, wide} {
		list = append(list, base64.StdEncoding.EncodeToString([]byte(plain)))
		for lead := range 3 {
			inside := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", lead) + plain))
			if from, to := (lead*8+5)/6, len(inside)-2; to-from >= 8 {
				middle := inside[from:to]
				list = append(list, middle, strings.NewReplacer("+", "-", "/", "_").Replace(middle), url.QueryEscape(middle))
			}
		}
	}
	return list
}
