package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// AllowedSigners are the keys that somebody trusts to sign evidence, from a file
// as ssh-keygen reads it. Source: ssh-keygen(1), ALLOWED SIGNERS.
type AllowedSigners struct{ list []allowed }

type allowed struct {
	principals    string
	key           []byte
	after, before time.Time // zero when not limited
	namespaces    []string  // none when not limited
}

// MaxAllowedSigners bounds the file.
const MaxAllowedSigners = 4 << 20

// ParseAllowedSigners reads the file. Lines with cert-authority are refused, not
// passed over: what they would allow cannot be told here.
func ParseAllowedSigners(data []byte) (*AllowedSigners, error) {
	if len(data) > MaxAllowedSigners {
		return nil, errors.New("too large for allowed signers")
	}
	signers := &AllowedSigners{}
	number := 0
	for row := range bytes.Lines(data) {
		number++
		row = bytes.TrimSpace(row)
		if len(row) == 0 || row[0] == '#' {
			continue
		}
		one, err := parseAllowed(string(row))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		signers.list = append(signers.list, one)
	}
	if len(signers.list) == 0 {
		return nil, errors.New("there is no key in it")
	}
	return signers, nil
}

func parseAllowed(row string) (allowed, error) {
	var one allowed
	principals, rest, found := cutField(row)
	if !found || principals == "" {
		return one, errors.New("a line is principals, options if there are any, and a public key")
	}
	one.principals = principals
	key, _, options, _, err := ssh.ParseAuthorizedKey([]byte(rest))
	if err != nil {
		return one, errors.New("no public key that can be read")
	}
	one.key = key.Marshal()
	for _, option := range options {
		name, value, _ := strings.Cut(option, "=")
		value = strings.Trim(value, `"`)
		switch strings.ToLower(name) {
		case "namespaces":
			one.namespaces = strings.Split(value, ",")
		case "valid-after":
			one.after, err = allowedTime(value)
		case "valid-before":
			one.before, err = allowedTime(value)
		case "cert-authority":
			err = errors.New("cert-authority is not read: name the key itself")
		default:
			err = fmt.Errorf("the option %.40q is not known", name)
		}
		if err != nil {
			return one, err
		}
	}
	return one, nil
}

// cutField takes the first field of a line, which may be in quotes.
func cutField(row string) (field, rest string, found bool) {
	if quoted, ok := strings.CutPrefix(row, `"`); ok {
		field, rest, found = strings.Cut(quoted, `"`)
		return field, strings.TrimSpace(rest), found
	}
	i := strings.IndexAny(row, " \t")
	if i < 0 {
		return row, "", false
	}
	return row[:i], strings.TrimSpace(row[i:]), true
}

// allowedTime reads YYYYMMDD or YYYYMMDDHHMM[SS], in UTC with a Z behind it and
// else in the time of this computer.
func allowedTime(text string) (time.Time, error) {
	zone := time.Local
	digits, utc := strings.CutSuffix(text, "Z")
	if utc {
		zone = time.UTC
	}
	layout := map[int]string{8: "20060102", 12: "200601021504", 14: "20060102150405"}[len(digits)]
	at, err := time.ParseInLocation(layout, digits, zone)
	if err != nil || layout == "" {
		return time.Time{}, fmt.Errorf("the time %.40q is not YYYYMMDD[HHMM[SS]][Z]", text)
	}
	return at, nil
}

// principal is who a key belongs to; why not says why it is nobody who may sign
// evidence at that time.
func (s *AllowedSigners) principal(key ssh.PublicKey, at time.Time) (who, whyNot string) {
	whyNot = "its key is not among the allowed signers"
	for _, one := range s.list {
		if !bytes.Equal(one.key, key.Marshal()) {
			continue
		}
		switch {
		case len(one.namespaces) > 0 && !one.covers(Namespace):
			whyNot = fmt.Sprintf("its key is allowed for other things, not for %s", Namespace)
		case !one.after.IsZero() && at.Before(one.after):
			whyNot = "its key was not allowed yet when the evidence was made"
		case !one.before.IsZero() && !at.Before(one.before):
			whyNot = "its key was no longer allowed when the evidence was made"
		default:
			return one.principals, ""
		}
	}
	return "", whyNot
}

func (a allowed) covers(namespace string) bool {
	covered := false
	for _, pattern := range a.namespaces {
		pattern, not := strings.CutPrefix(strings.TrimSpace(pattern), "!")
		if match, err := path.Match(pattern, namespace); err == nil && match {
			if not {
				return false
			}
			covered = true
		}
	}
	return covered
}
