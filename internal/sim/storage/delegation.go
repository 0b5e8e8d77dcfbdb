package storage

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"strings"
	"time"
)

// delegated is a user delegation key: who has its particulars has not the key.
func delegated(from []byte, oid, tid, start, expiry, service, version string) []byte {
	mac := hmac.New(sha256.New, from)
	mac.Write([]byte(strings.Join([]string{oid, tid, start, expiry, service, version}, "\n")))
	return mac.Sum(nil)
}

// longestDelegation is how long a key may be good for.
// Source: "Get User Delegation Key": within seven days.
const longestDelegation = 7 * 24 * time.Hour

// delegationKey gives out a key to sign with.
// Source: "Get User Delegation Key".
func (c *call) delegationKey() *failure {
	var asked struct {
		XMLName xml.Name `xml:"KeyInfo"`
		Start   string
		Expiry  string
	}
	if err := xml.Unmarshal(c.body, &asked); err != nil {
		return fail(http.StatusBadRequest, "InvalidXmlDocument", "XML specified is not syntactically valid.")
	}
	start, ok := sasTime(asked.Start)
	now := c.ground.Clock.Now()
	if asked.Start == "" {
		start, ok = now, true
	}
	expiry, ok2 := sasTime(asked.Expiry)
	if !ok || !ok2 || !expiry.After(start) || expiry.Sub(now) > longestDelegation || expiry.Before(now) {
		return fail(http.StatusBadRequest, "InvalidXmlNodeValue", "The value for one of the XML nodes is not in the correct format.")
	}
	oid, version := c.caller, c.r.Header.Get("X-Ms-Version")
	form := "2006-01-02T15:04:05Z"
	from, until := start.UTC().Format(form), expiry.UTC().Format(form)
	writeXML(c.w, http.StatusOK, struct {
		XMLName       xml.Name `xml:"UserDelegationKey"`
		SignedOid     string
		SignedTid     string
		SignedStart   string
		SignedExpiry  string
		SignedService string
		SignedVersion string
		Value         string
	}{SignedOid: oid, SignedTid: c.tenant, SignedStart: from, SignedExpiry: until, SignedService: "b", SignedVersion: version,
		Value: base64.StdEncoding.EncodeToString(delegated(c.account.delegation, oid, c.tenant, from, until, "b", version))})
	return nil
}
