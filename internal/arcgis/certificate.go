package arcgis

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Certificate is one entry of a keystore, as the product describes it.
type Certificate struct {
	Alias string // lower-case
	// Type is PrivateKey, Trusted, or "" where the product does not say: until
	// 10.7.1 none did.
	Type            string
	Subject, Issuer string
	Names           []string
	// NotBefore and NotAfter are exact where the product gives milliseconds
	// (11.1 and later). Older ones write a date with the abbreviation of the
	// machine's time zone; if that is one that several zones have, the time is
	// off by the offset. Zero if it could not be read.
	NotBefore, NotAfter time.Time
	SHA1, SHA256        string // lower-case hex, without separators
}

// The types of entries.
const (
	PrivateKey = "PrivateKeyEntry"
	Trusted    = "trustedCertEntry"
)

// Holds tells whether the entry is the certificate with these fingerprints; by
// SHA-256 where the product gives it, else by SHA-1.
func (c Certificate) Holds(sha1, sha256 string) bool {
	if c.SHA256 != "" {
		return strings.EqualFold(c.SHA256, sha256)
	}
	return c.SHA1 != "" && strings.EqualFold(c.SHA1, sha1)
}

// Certificate reads an entry. An alias that is not there is an *Error with
// CodeNotFound; that code is given only when the list of aliases says so too,
// because everything else, an unknown machine for one, is answered alike.
func (a *Admin) Certificate(ctx context.Context, machine, alias string) (Certificate, error) {
	c, err := a.certificate(ctx, machine, alias)
	var e *Error
	if !errors.As(err, &e) || e.Code != CodeNotFound {
		return c, err
	}
	k, again := a.Keystore(ctx, machine)
	switch {
	case again != nil:
		return c, again
	case k.Has(alias):
		e.Code = CodeUnexpected
	}
	return c, e
}

func (a *Admin) certificate(ctx context.Context, machine, alias string) (Certificate, error) {
	operation := "read the certificate " + plain(alias) + " of " + machine + " at " + a.base
	path, err := a.entry(ctx, operation, machine, alias)
	if err != nil {
		return Certificate{}, err
	}
	got, err := a.call(ctx, request{operation: operation, path: path, timeout: readTimeout, tolerates: hasFingerprint})
	if err != nil {
		return Certificate{}, err
	}
	c := readCertificate(got.body)
	c.Alias = strings.ToLower(alias)
	if c.SHA1 == "" && c.SHA256 == "" {
		return Certificate{}, &Error{Code: CodeUnexpected, Operation: operation, Status: got.status}
	}
	return c, nil
}

// Export gives the certificate of an entry itself, without any private key,
// which no product gives away: what is needed to put an entry back that is to
// be overwritten. It is documented as a download by GET; it is asked for by
// POST, so that the token is in no URL.
// Source: developers.arcgis.com/rest/enterprise-administration, "Export Certificate".
func (a *Admin) Export(ctx context.Context, machine, alias string) (*x509.Certificate, error) {
	operation := "export the certificate " + plain(alias) + " of " + machine + " at " + a.base
	path, err := a.entry(ctx, operation, machine, alias)
	if err != nil {
		return nil, err
	}
	got, err := a.call(ctx, request{operation: operation, path: path + "/export", timeout: readTimeout, tolerates: func(body []byte) bool {
		return bytes.HasPrefix(body, []byte("-----BEGIN")) || len(body) > 0 && body[0] == 0x30 // a SEQUENCE
	}})
	if err != nil {
		return nil, err
	}
	der := got.raw
	if block, _ := pem.Decode(got.body); block != nil {
		der = block.Bytes
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, &Error{Code: CodeUnexpected, Operation: operation, Status: got.status}
	}
	return certificate, nil
}

// entry is the path of an entry. Java's keystores know aliases in lower case
// only.
func (a *Admin) entry(ctx context.Context, operation, machine, alias string) (string, error) {
	if !segment(alias) {
		return "", &Error{Code: CodeUnexpected, Operation: operation}
	}
	store, err := a.store(ctx, machine)
	return store + "/" + url.PathEscape(strings.ToLower(alias)), err
}

// Some old releases write JSON that is none. What counts is found all the same.
var fingerprint = regexp.MustCompile(`(?i)"(sha1|sha256)(?:fingerprint)?"\s*:\s*"([0-9a-f:]{40,95})"`)

func hasFingerprint(body []byte) bool {
	return bytes.HasPrefix(body, []byte("{")) && fingerprint.Match(body)
}

// readCertificate reads the modern layout ("sha1Fingerprint"), the one that is
// documented for Notebook and Mission and looks like keytool's output ("SHA1",
// "Owner", "Entry type"), and, for the fingerprints alone, what is no JSON.
func readCertificate(body []byte) Certificate {
	fields := map[string]json.RawMessage{}
	if !isObject(body) {
		for _, m := range fingerprint.FindAllSubmatch(body, -1) {
			fields[strings.ToLower(string(m[1]))], _ = json.Marshal(string(m[2]))
		}
	} else {
		flatten(body, fields, 4)
	}
	value := func(names ...string) string {
		for _, name := range names {
			var t text
			_ = t.UnmarshalJSON(fields[name])
			if said := plain(string(t)); said != "" {
				return said
			}
		}
		return ""
	}
	c := Certificate{
		Subject: value("subject", "owner"), Issuer: value("issuer"),
		SHA1:   hexOf(value("sha1fingerprint", "sha1"), 40),
		SHA256: hexOf(value("sha256fingerprint", "sha256"), 64),
	}
	switch strings.ToLower(value("entrytype")) {
	case "privatekeyentry":
		c.Type = PrivateKey
	case "trustedcertentry":
		c.Type = Trusted
	}
	for _, list := range []string{"subjectalternativenames", "subjectalternativename"} {
		var names texts
		_ = names.UnmarshalJSON(fields[list])
		for _, name := range names {
			if name = readName(name); name != "" && len(c.Names) < maxNames && !contains(c.Names, name) {
				c.Names = append(c.Names, name)
			}
		}
	}
	from, until := value("validfrom"), value("validuntil")
	if both := strings.SplitN(from, "until:", 2); len(both) == 2 { // keytool
		from, until = both[0], both[1]
	}
	c.NotBefore = readDate(fields["validfromepoch"], from)
	c.NotAfter = readDate(fields["validuntilepoch"], until)
	return c
}

// maxNames is more than any certificate authority signs.
const maxNames = 250

// flatten puts the fields of an object, and of the objects in it, under their
// names in lower case without blanks. What stands outside comes before what
// stands in it, and an empty field is none.
func flatten(body json.RawMessage, into map[string]json.RawMessage, depth int) {
	var fields map[string]json.RawMessage
	if depth == 0 || json.Unmarshal(body, &fields) != nil {
		return
	}
	for name, value := range fields {
		name = strings.ToLower(strings.Join(strings.Fields(name), ""))
		if _, there := into[name]; !there && len(value) > 0 && value[0] != '{' && string(value) != `""` {
			into[name] = value
		}
	}
	for _, name := range sortedKeys(fields) {
		if value := fields[name]; len(value) > 0 && value[0] == '{' {
			flatten(value, into, depth-1)
		}
	}
}

// readName takes the name out of "DNSName: gis.example.com".
func readName(said string) string {
	said = plain(said)
	if kind, name, ok := strings.Cut(said, ": "); ok && !strings.Contains(kind, ".") {
		return strings.TrimSpace(name)
	}
	return said
}

// hexOf is a fingerprint in lower case without colons, "" if it is none.
func hexOf(said string, length int) string {
	said = strings.ToLower(strings.ReplaceAll(said, ":", ""))
	if len(said) != length || strings.Trim(said, "0123456789abcdef") != "" {
		return ""
	}
	return said
}

// dateLayouts are java.util.Date's, with a zone that has a name or an offset.
var dateLayouts = []string{"Mon Jan _2 15:04:05 MST 2006", "Mon Jan _2 15:04:05 GMT-07:00 2006", time.RFC3339}

// zones are the abbreviations of java.util.Date that name one offset; others
// (CST, IST, BST) are those of several zones, and are read as UTC.
// Source: the zone names of Java's default locale data, and RFC 822 §5.1.
var zones = map[string]time.Duration{
	"EST": -5 * time.Hour, "EDT": -4 * time.Hour, "CDT": -5 * time.Hour, "MST": -7 * time.Hour, "MDT": -6 * time.Hour,
	"PST": -8 * time.Hour, "PDT": -7 * time.Hour, "AKST": -9 * time.Hour, "AKDT": -8 * time.Hour, "HST": -10 * time.Hour,
	"WET": 0, "WEST": time.Hour, "CET": time.Hour, "CEST": 2 * time.Hour, "EET": 2 * time.Hour, "EEST": 3 * time.Hour,
	"MSK": 3 * time.Hour, "SAST": 2 * time.Hour, "JST": 9 * time.Hour, "KST": 9 * time.Hour, "SGT": 8 * time.Hour,
	"AEST": 10 * time.Hour, "AEDT": 11 * time.Hour, "NZST": 12 * time.Hour, "NZDT": 13 * time.Hour,
}

// readDate reads milliseconds, else text.
func readDate(epoch json.RawMessage, said string) time.Time {
	var n number
	if len(epoch) > 0 {
		_ = n.UnmarshalJSON(epoch)
	}
	if at := moment(n); !at.IsZero() {
		return at
	}
	for _, layout := range dateLayouts {
		if at, err := time.ParseInLocation(layout, strings.TrimSpace(said), time.UTC); err == nil {
			if zone, offset := at.Zone(); offset == 0 { // Go knows UTC's only
				at = at.Add(-zones[zone])
			}
			return inReach(at)
		}
	}
	return time.Time{}
}
