package pages

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestColoursCanBeTold reads the stylesheet's colours and holds every pair that
// is used to WCAG 2.2 AA: 4.5 for text, 3 for edges of fields, signs and focus.
func TestColoursCanBeTold(t *testing.T) {
	t.Parallel()
	text, sign := 4.5, 3.0
	type pair struct {
		front, back string
		want        float64
	}
	pairs := []pair{
		{"on-accent", "accent", text}, {"on-accent", "accent-strong", text}, {"on-danger", "danger", text}, {"on-danger", "danger-strong", text},
		{"edge", "surface", sign}, {"edge", "paper", sign},
	}
	for _, ground := range []string{"paper", "surface", "field"} {
		for _, front := range []string{"ink", "soft", "accent", "accent-strong", "ok", "soon", "urgent", "gone", "unknown"} {
			pairs = append(pairs, pair{front, ground, text})
		}
	}
	for _, tone := range []string{"accent", "ok", "soon", "urgent", "gone", "unknown"} {
		pairs = append(pairs, pair{tone, tone + "-field", text}, pair{"ink", tone + "-field", text})
	}
	pairs = append(pairs, pair{"accent-strong", "accent-field", text}, pair{"soft", "accent-field", text})
	for name, colours := range schemes(t) {
		for _, p := range pairs {
			if got := contrast(colours[p.front], colours[p.back]); got < p.want {
				t.Errorf("%s: --%s on --%s has a contrast of %.2f, want %.1f", name, p.front, p.back, got, p.want)
			}
		}
	}
}

// TestColoursHaveNames holds the rest of the stylesheet to the variables: a colour
// written anywhere else is one that nobody has looked at in the dark.
func TestColoursHaveNames(t *testing.T) {
	t.Parallel()
	style, err := stylesheet()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(style), "--s1:")
	if !found {
		t.Fatal("the colours do not end before the sizes")
	}
	if stray := regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b|\b(?:rgb|hsl|oklch)\(`).FindAllString(rest, -1); stray != nil {
		t.Errorf("colours without a name: %q", stray)
	}
}

// TestStylesheetAsksNobody holds that nothing is fetched from elsewhere.
func TestStylesheetAsksNobody(t *testing.T) {
	t.Parallel()
	style, err := stylesheet()
	if err != nil {
		t.Fatal(err)
	}
	if asked := regexp.MustCompile(`url\(|@import|https?:`).FindAllString(string(style), -1); asked != nil {
		t.Errorf("the stylesheet asks elsewhere: %q", asked)
	}
}

// schemes are the colours by name in light, dark and print. The latter two stand
// on the first, as in a browser.
func schemes(t *testing.T) map[string]map[string][3]float64 {
	t.Helper()
	style, err := stylesheet()
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(string(style), 3)
	if len(blocks) != 3 || !strings.Contains(string(style), "prefers-color-scheme: dark") {
		t.Fatal("the stylesheet does not begin with light, dark and print")
	}
	all := map[string]map[string][3]float64{}
	for i, name := range []string{"light", "dark", "print"} {
		colours := map[string][3]float64{}
		for key, value := range all["light"] {
			colours[key] = value
		}
		for _, match := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(blocks[i][1], -1) {
			bits, err := strconv.ParseUint(match[2], 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			colours[match[1]] = [3]float64{float64(bits >> 16), float64(bits >> 8 & 255), float64(bits & 255)}
		}
		if len(colours) < 20 {
			t.Fatalf("%s has only %d colours", name, len(colours))
		}
		all[name] = colours
	}
	return all
}

// contrast is WCAG's ratio of two colours.
func contrast(a, b [3]float64) float64 {
	light, dark := luminance(a), luminance(b)
	if light < dark {
		light, dark = dark, light
	}
	return (light + .05) / (dark + .05)
}

func luminance(colour [3]float64) float64 {
	sum := 0.0
	for i, share := range []float64{.2126, .7152, .0722} {
		channel := colour[i] / 255
		if channel <= .04045 {
			channel /= 12.92
		} else {
			channel = math.Pow((channel+.055)/1.055, 2.4)
		}
		sum += share * channel
	}
	return sum
}
