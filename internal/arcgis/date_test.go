package arcgis

import (
	"testing"
	"time"
)

// Until 11.1 there is only Java's text, in the machine's zone. It is read alike
// wherever this program runs.
func TestDatesOfZones(t *testing.T) {
	for said, want := range map[string]string{
		"Sat Mar 06 12:00:00 UTC 2027":       "2027-03-06T12:00:00Z",
		"Sat Mar 06 12:00:00 GMT 2027":       "2027-03-06T12:00:00Z",
		"Sat Mar 06 12:00:00 CET 2027":       "2027-03-06T11:00:00Z",
		"Tue Jul 06 12:00:00 CEST 2027":      "2027-07-06T10:00:00Z",
		"Sat Mar 06 12:00:00 PST 2027":       "2027-03-06T20:00:00Z",
		"Sat Mar 06 12:00:00 AEDT 2027":      "2027-03-06T01:00:00Z",
		"Sat Mar 06 12:00:00 GMT+03:00 2027": "2027-03-06T09:00:00Z",
		"Sat Mar 06 12:00:00 CST 2027":       "2027-03-06T12:00:00Z", // of China, Cuba or Chicago
		"yesterday":                          "0001-01-01T00:00:00Z",
	} {
		if got := readDate(nil, said).Format(time.RFC3339); got != want {
			t.Errorf("%s is %s, want %s", said, got, want)
		}
	}
}
