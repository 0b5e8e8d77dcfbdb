package door

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"net/http"
	"strings"
	"time"
)

const (
	enterPath = "/enter"
	// tokenLife is how long an address that was shown is good.
	tokenLife = 10 * time.Minute
	// maxSessions is how many browsers may be in; the oldest has to leave.
	maxSessions = 8
)

// digest is what is kept of a token or cookie: it cannot be turned back.
type digest [sha256.Size]byte

func (d digest) is(text string) bool {
	other := sha256.Sum256([]byte(text))
	return subtle.ConstantTimeCompare(d[:], other[:]) == 1
}

// ticket is a token that was shown.
type ticket struct {
	digest digest
	until  time.Time // zero when there is none
}

// randomText is 160 random bits or more, in letters and digits that an address
// may hold.
func randomText() string {
	var bytes [25]byte         // 40 signs, without padding
	_, _ = rand.Read(bytes[:]) // never fails
	return strings.ToLower(base32.StdEncoding.EncodeToString(bytes[:]))
}

// Address is a new address by which the person comes in, once, within
// [tokenLife]. An earlier one that nobody used is not good any more.
func (d *Door) Address() string {
	d.lockIfLate()
	token := randomText()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.token = ticket{sha256.Sum256([]byte(token)), time.Now().Add(tokenLife)}
	return "http://" + d.host + enterPath + "?token=" + token
}

// enter exchanges a token for a cookie.
func (d *Door) enter(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Referrer-Policy", "no-referrer") // the address of this request is a secret
	if r.Method != http.MethodGet || r.Header.Get("Sec-Purpose") != "" || r.Header.Get("Purpose") != "" {
		d.refuse(w, r, badToken) // a look ahead (HEAD, prefetch) must not use the token up
		return
	}
	cookie, good := d.redeem(r.URL.Query().Get("token"))
	switch {
	case good:
		http.SetCookie(w, &http.Cookie{Name: d.cookie, Value: cookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	case d.admit(r) != nil:
		d.refuse(w, r, badToken)
		return
	}
	// Whoever is in already and opens the address once more is in.
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// redeem uses a token up.
func (d *Door) redeem(token string) (cookie string, good bool) {
	d.lockIfLate() // nobody who was in before the computer slept is in by this
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Now().After(d.token.until) || !d.token.digest.is(token) {
		return "", false
	}
	d.token = ticket{}
	cookie = randomText()
	d.sessions = append(d.sessions, sha256.Sum256([]byte(cookie)))
	if len(d.sessions) > maxSessions {
		d.sessions = d.sessions[1:]
	}
	d.seenNow()
	return cookie, true
}

// admit looks at the cookie of a request, and counts it as a sign of the person
// unless a page made it by itself.
func (d *Door) admit(r *http.Request) *Refusal {
	d.lockIfLate()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, cookie := range r.CookiesNamed(d.cookie) {
		for _, session := range d.sessions {
			if session.is(cookie.Value) {
				if byPerson(r) {
					d.seenNow()
				}
				return nil
			}
		}
	}
	if d.locked && len(d.sessions) == 0 {
		return &locked
	}
	return &notLetIn
}

// lockIfLate locks when nobody was there for too long: the computer slept, and the
// timer with it.
func (d *Door) lockIfLate() {
	d.mu.Lock()
	late := d.timer != nil && time.Now().Round(0).Sub(d.seen) > d.options.Idle
	d.mu.Unlock()
	if late {
		d.Lock()
	}
}

// byPerson tells a request that a person may have made from one that an open
// page makes by itself: a stream, or a script of the page that looks again.
func byPerson(r *http.Request) bool {
	return !isStream(r) && (r.Method == http.MethodPost || r.Header.Get("Sec-Fetch-Dest") != "empty")
}

// seenNow starts the time without a person anew. The caller holds the lock.
func (d *Door) seenNow() {
	d.seen = time.Now().Round(0) // by the wall's clock, which goes on when the computer sleeps
	if d.timer == nil {
		d.timer = time.AfterFunc(d.options.Idle, d.Lock)
		return
	}
	d.timer.Reset(d.options.Idle)
}

// Lock shuts the door: no cookie and no address that was shown is good any
// more, streams end. What was started goes on. A new [Door.Address] opens it.
func (d *Door) Lock() {
	d.mu.Lock()
	was := len(d.sessions) > 0
	d.sessions, d.token, d.locked = nil, ticket{}, d.locked || was
	d.locks++
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.mu.Unlock()
	d.endStreams()
	if was && d.options.OnLock != nil {
		d.options.OnLock()
	}
}

// shut tells how often the door was shut.
func (d *Door) shut() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.locks
}

// forgetAfter is called at the end of a request. When the door was shut while it
// was answered, what it has brought (a file, a password) was typed before that and
// goes with the rest.
func (d *Door) forgetAfter(before int) {
	if d.shut() != before && d.options.OnLock != nil {
		d.options.OnLock()
	}
}
