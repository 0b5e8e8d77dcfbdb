package watch_test

import (
	"crypto/x509"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/traffic"
	"github.com/cartouche-gis/cartouche/internal/web/watch"
)

var start = time.Date(2026, 11, 27, 21, 0, 0, 0, time.UTC)

// leaf is a certificate of which nothing but its bytes matters.
func leaf(name string) *x509.Certificate { return &x509.Certificate{Raw: []byte(name)} }

func at(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }

func TestWhatIsServedNowAndSinceWhen(t *testing.T) {
	t.Parallel()
	old, renewed := leaf("old"), leaf("new")
	w := watch.New("https://gis.example.com/", start)
	served := func(seconds float64) string {
		var list []string
		for _, l := range w.Seen(at(seconds)).Now() {
			list = append(list, fmt.Sprintf("%.4s since %s", l.Certificate.SHA256, l.Since.Sub(start)))
		}
		return strings.Join(list, ", ")
	}
	o, n := pki.Fingerprint(old)[:4], pki.Fingerprint(renewed)[:4]
	if got := served(0); got != "" {
		t.Errorf("before any answer %s", got)
	}
	for i := range 20 {
		w.Saw(traffic.Answer{At: at(1 + float64(i)/2), Leaf: old})
	}
	if got, want := served(11), o+" since 1s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	w.Saw(traffic.Answer{At: at(11), Leaf: renewed}) // one of two instances has followed
	w.Saw(traffic.Answer{At: at(11.5), Leaf: old})
	w.Saw(traffic.Answer{At: at(12), Leaf: renewed})
	if got, want := served(12), n+" since 12s, "+o+" since 11.5s"; got != want {
		t.Errorf("in the middle of a switch got %q, want %q", got, want)
	}
	w.Saw(traffic.Answer{At: at(17), Leaf: renewed})
	if got, want := served(17), n+" since 12s"; got != want {
		t.Errorf("after it got %q, want %q", got, want)
	}
	for i := range 10 { // a fast pace: ten answers tell as much as some seconds
		w.Saw(traffic.Answer{At: at(17.1 + float64(i)/100), Leaf: old})
	}
	if got, want := served(17.3), o+" since 17.1s"; got != want {
		t.Errorf("at a fast pace got %q, want %q", got, want)
	}
	if got := served(30); got != "" {
		t.Errorf("when nothing answers any more, %q is served", got)
	}
}

func TestFailuresAndGapsAreCounted(t *testing.T) {
	t.Parallel()
	w := watch.New("u", start)
	w.Saw(traffic.Answer{At: at(1), Leaf: leaf("a")})
	for i := range 30 {
		w.Saw(traffic.Answer{At: at(2 + float64(i)/10), Err: fmt.Errorf("refused by %d", i%20)})
	}
	w.Saw(traffic.Answer{At: at(6), Leaf: leaf("a")})
	seen := w.Seen(at(6.5))
	if seen.Sent != 32 || seen.Failed != 30 || seen.LongestGap != 5*time.Second || len(seen.Reasons) != 5 {
		t.Errorf("got %+v", seen)
	}
	if got := w.Seen(at(20)).LongestGap; got != 14*time.Second {
		t.Errorf("a gap that goes on is %s", got)
	}
	if got := seen.Sentence(); got != "32 requests were sent, and 30 failed; the longest time without a good answer was 5.0 s." {
		t.Error(got)
	}
}

// However long it lasts, what is kept is bounded, and no request is lost from it.
func TestAnHourIsAsSmallAsAMinute(t *testing.T) {
	t.Parallel()
	w := watch.New("u", start)
	for i := range 20000 {
		answer := traffic.Answer{At: at(float64(i) / 2), Leaf: leaf(fmt.Sprint("leaf ", i/2000))} // ten of them
		if i%1000 == 0 {
			answer.Err = errors.New("lost")
		}
		w.Saw(answer)
	}
	seen := w.Seen(at(10000))
	total := 0
	for _, slice := range seen.Slices {
		total += slice.Failed
		for _, n := range slice.Good {
			total += n
		}
	}
	if total != 20000 || len(seen.Slices) > 120 || len(seen.Leaves) > 6 || seen.Failed != 20 {
		t.Errorf("%d requests in %d slices of %s, %d leaves, %d failed", total, len(seen.Slices), seen.Width, len(seen.Leaves), seen.Failed)
	}
	document, err := json.Marshal(seen)
	if err != nil || len(document) > 20_000 {
		t.Fatalf("%d bytes, %v", len(document), err)
	}
	var back watch.Seen
	if err := json.Unmarshal(document, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(seen, back); diff != "" {
		t.Errorf("after a round trip (-want +got):\n%s", diff)
	}
	if chart := string(seen.Chart(nil, func(string) string { return "" })); len(chart) > 60_000 {
		t.Errorf("the picture has %d bytes", len(chart))
	}
}

func TestTheChartIsWellFormedAndEscapes(t *testing.T) {
	t.Parallel()
	w := watch.New("u", start)
	old, renewed := leaf("old"), leaf("new")
	w.Saw(traffic.Answer{At: at(0.5), Leaf: old})
	w.Saw(traffic.Answer{At: at(1.5), Leaf: renewed})
	w.Saw(traffic.Answer{At: at(1.6), Leaf: leaf("stranger")})
	w.Saw(traffic.Answer{At: at(2.5), Err: errors.New("<script>")})
	is := func(sha string) string {
		return map[string]string{pki.Fingerprint(old): "old", pki.Fingerprint(renewed): "new"}[sha]
	}
	for name, seen := range map[string]watch.Seen{"some": w.Seen(at(3)), "none": watch.New("u", start).Seen(start), "zero": {}} {
		chart := string(seen.Chart([]watch.Mark{{At: at(1), Text: `switch <b>"&`}, {At: at(-5), Text: "before"}, {At: at(1.1), Text: "prove"}}, is))
		decoder := xml.NewDecoder(strings.NewReader(chart))
		for {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v in %s", name, err, chart)
			}
			if start, ok := token.(xml.StartElement); ok {
				for _, attribute := range start.Attr {
					if attribute.Name.Local == "style" || strings.Contains(attribute.Value, "NaN") || strings.Contains(attribute.Value, "Inf") {
						t.Errorf("%s: %s=%q", name, attribute.Name.Local, attribute.Value)
					}
				}
			}
		}
		if name != "some" {
			continue
		}
		for _, want := range []string{`class="old"`, `class="new"`, `class="other"`, `class="lost"`, "4 requests were sent, and 1 failed"} {
			if !strings.Contains(chart, want) {
				t.Errorf("no %s in %s", want, chart)
			}
		}
	}
}
