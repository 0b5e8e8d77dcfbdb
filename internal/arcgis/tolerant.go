package arcgis

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// The types in this file read what different versions write differently:
// numbers as strings, booleans as strings, one string instead of a list. None
// of them ever fails: a field of the wrong type is an empty field, and whether
// it was needed is for the reader of the whole answer to say.

// text reads a string, a number or a boolean.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	var s string
	err := json.Unmarshal(data, &s)
	switch {
	case err == nil:
		*t = text(s)
	case len(data) > 0 && data[0] != '{' && data[0] != '[' && string(data) != "null":
		*t = text(data)
	}
	return nil
}

// texts reads a list of strings, or one string.
type texts []string

func (t *texts) UnmarshalJSON(data []byte) error {
	var list []text
	err := json.Unmarshal(data, &list)
	if err != nil {
		var one text
		_ = one.UnmarshalJSON(data)
		list = []text{one}
	}
	for _, s := range list {
		*t = append(*t, string(s))
	}
	return nil
}

// number reads a number, or a string that holds one.
type number int64

func (n *number) UnmarshalJSON(data []byte) error {
	s := strings.Trim(strings.TrimSpace(string(data)), `"`)
	whole, err := strconv.ParseInt(s, 10, 64)
	if err == nil {
		*n = number(whole)
		return nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err == nil && math.Abs(f) < 1<<53 {
		*n = number(f)
	}
	return nil
}

// truth reads a boolean, or a string that holds one.
type truth bool

func (t *truth) UnmarshalJSON(data []byte) error {
	*t = truth(strings.EqualFold(strings.Trim(string(data), `"`), "true"))
	return nil
}

// moment is a time given in milliseconds since 1970; zero for none.
func moment(n number) time.Time {
	if n <= 0 {
		return time.Time{}
	}
	return inReach(time.UnixMilli(int64(n)))
}

// inReach is a time in UTC, and none when its year is one that JSON does not
// have: a report with it could not be sent.
func inReach(at time.Time) time.Time {
	if at = at.UTC(); at.Year() < 1 || at.Year() > 9999 {
		return time.Time{}
	}
	return at
}
