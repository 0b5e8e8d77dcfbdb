package lease

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// The tags are cartouche-run-<gateway>-<run>: "v1 holds 2026-11-27T18:00:00Z
// 2026-11-27T18:20:00Z <state> anna@gis-01", and cartouche-stop-<gateway>-<run>:
// "v1 2026-11-27T18:03:00Z ben@laptop". People see them in the portal.
const (
	runPrefix  = "cartouche-run-"
	stopPrefix = "cartouche-stop-"
	format     = "v1"
	// What a run says: that it would like to work on the deployment, that it is
	// about to, or that it does and has found nobody else.
	asks  = "asks"
	tries = "tries"
	holds = "holds"
	// maxValue is what Azure takes. Source: Azure Resource Manager documentation,
	// "Use tags to organize your Azure resources", Limitations.
	maxValue = 256
	maxName  = 48
)

// Claim says that a run works on a deployment, or would like to.
type Claim struct {
	Run   string    `json:"run"`
	Who   string    `json:"who"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
	// Unreadable tells of one that this version of the program cannot read. It
	// is respected until it is broken.
	Unreadable bool `json:"unreadable,omitempty"`

	word, state, mark string
}

// Holder is who it is, for sentences.
func (c Claim) Holder() string { return c.Who + " at " + c.Host }

// Tag is the name of the tag on the resource group.
func (c Claim) Tag() string { return runPrefix + c.mark + "-" + c.Run }

// of tells a claim of a holder's own state directory.
func (c Claim) of(me Holder) bool {
	return !c.Unreadable && me.State != "" && c.state == plain(me.State) && c.Host == plain(me.Host)
}

// compare puts the oldest first. What cannot be read is older than everything.
func (c Claim) compare(other Claim) int {
	return cmp.Or(c.Since.Compare(other.Since), cmp.Compare(c.Run, other.Run))
}

// value is what is written.
func (c Claim) value() string {
	return strings.Join([]string{format, c.word, stamp(c.Since), stamp(c.Until), plain(c.state), plain(c.Who) + "@" + plain(c.Host)}, " ")
}

func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// parseClaim reads what somebody has written.
func parseClaim(mark, run, value string) Claim {
	unreadable := Claim{Run: plain(run), Who: "?", Host: "?", Unreadable: true, word: holds, mark: mark}
	fields := strings.Split(value, " ")
	if len(value) > maxValue || len(fields) != 6 || fields[0] != format || !slices.Contains([]string{asks, tries, holds}, fields[1]) || run != plain(run) {
		return unreadable
	}
	since, wrong := time.Parse(time.RFC3339, fields[2])
	until, alsoWrong := time.Parse(time.RFC3339, fields[3])
	at := strings.LastIndex(fields[5], "@")
	if wrong != nil || alsoWrong != nil || at < 0 || !sayable(since) || !sayable(until) {
		return unreadable
	}
	return Claim{
		Run: run, Who: plain(fields[5][:at]), Host: plain(fields[5][at+1:]), Since: since.UTC(), Until: until.UTC(),
		word: fields[1], state: plain(fields[4]), mark: mark,
	}
}

// sayable tells of a time that can be written as it was read: that of another zone
// may be in the year 10000, of which encoding/json makes an error.
func sayable(at time.Time) bool { year := at.UTC().Year(); return 0 <= year && year <= 9999 }

// stop says that somebody has broken a claim.
type stop struct {
	run string
	by  string
	at  time.Time
}

func (s stop) value(by Holder) string {
	return strings.Join([]string{format, stamp(s.at), plain(by.Who) + "@" + plain(by.Host)}, " ")
}

func parseStop(run, value string) stop {
	s := stop{run: run, by: "somebody"}
	fields := strings.Split(value, " ")
	if len(value) > maxValue || len(fields) != 3 || fields[0] != format {
		return s
	}
	if at, err := time.Parse(time.RFC3339, fields[1]); err == nil && sayable(at) {
		s.at = at.UTC()
	}
	if who, host, found := strings.Cut(fields[2], "@"); found {
		s.by = plain(who) + " at " + plain(host)
	}
	return s
}

// plain leaves printable ASCII, which tags, terminals and the metadata of virtual
// machines all take, and not too much of it.
func plain(text string) string {
	var b strings.Builder
	for _, r := range text {
		if b.Len() == maxName {
			break
		}
		if r <= ' ' || r > '~' {
			r = '?'
		}
		b.WriteRune(r)
	}
	return cmp.Or(b.String(), "?")
}
