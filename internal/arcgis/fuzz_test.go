package arcgis

import (
	"encoding/json"
	"testing"
	"unicode"
)

// No answer makes the readers panic, and nothing they return can steer a
// terminal.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		granted,
		`{"error":{"code":"498","message":"Invalid Token","details":null}}`,
		`{"status":"error","messages":"one","code":1e400}`,
		`{"error":[1,{"a":"\u0007"}]}`,
		`{"servers":[{"id":5,"isHosted":"TRUE"},null]}`,
		"<html><title>x</title><script>y</script>",
		"\xff\xfe",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		said := show([]string{excerpt(string(body))})
		if isObject(body) {
			if failure := readFailure(body); failure != nil {
				said = append(said, show(failure.messages)...)
			}
			var all struct {
				Token    text   `json:"token"`
				Expires  number `json:"expires"`
				Success  truth  `json:"success"`
				Messages texts  `json:"messages"`
			}
			_ = json.Unmarshal(body, &all)
			_ = moment(all.Expires)
			said = append(said, readValidation(string(all.Token), all.Messages).Messages...)
		}
		for _, line := range said {
			for _, r := range line {
				if unicode.IsControl(r) {
					t.Fatalf("control character %q in %q", r, line)
				}
			}
		}
	})
}
