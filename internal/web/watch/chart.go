package watch

import (
	"cmp"
	"fmt"
	"html"
	"html/template"
	"slices"
	"strings"
	"time"
)

// The picture's measures, in units of its view.
const (
	wide, high = 360, 132
	ground     = 104 // where the bars stand
	tall       = 74  // how high the highest is: the marks have their names above
)

// Mark is a moment of the run that the picture shows.
type Mark struct {
	At   time.Time
	Text string
}

// Chart draws the answers over time: one bar for each part of the time, good
// answers by certificate, failures on top. is tells what a leaf is to the run:
// "old", "new", or "" for another one. Colours are classes of the stylesheet.
func (s Seen) Chart(marks []Mark, is func(sha256 string) string) template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="traffic" viewBox="0 0 %d %d" role="img" aria-labelledby="traffic-title traffic-desc">`, wide, high)
	fmt.Fprintf(&b, `<title id="traffic-title">Requests through the gateway</title><desc id="traffic-desc">%s</desc>`, html.EscapeString(s.Sentence()))
	fmt.Fprintf(&b, `<line class="axis" x1="0" y1="%d" x2="%d" y2="%d"/>`, ground, wide, ground)
	n := max(len(s.Slices), 24) // few parts need not fill the width
	step := float64(wide) / float64(n)
	scale := float64(tall) / float64(s.most())
	for i, slice := range s.Slices[:min(len(s.Slices), maxSlices)] {
		x, y := float64(i)*step, float64(ground)
		bar := func(class string, count int) {
			if count == 0 {
				return
			}
			height := float64(count) * scale
			y -= height
			fmt.Fprintf(&b, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, class, x+0.5, y, max(step-1, 0.8), height)
		}
		for leaf, count := range slice.Good {
			class := "other"
			if leaf < len(s.Leaves) { // what comes from a journal may be anything
				class = cmp.Or(is(s.Leaves[leaf].Certificate.SHA256), class)
			}
			bar(class, count)
		}
		bar("lost", slice.Failed)
	}
	span := time.Duration(n) * s.Width
	s.drawMarks(&b, marks, span)
	fmt.Fprintf(&b, `<text class="when" x="0" y="%d">%s</text>`, high-6, s.From.Local().Format(time.TimeOnly))
	if float64(len(s.Slices))*step > 120 {
		fmt.Fprintf(&b, `<text class="when" x="%.1f" y="%d" text-anchor="end">%s</text>`, float64(len(s.Slices))*step, high-6, s.Until.Local().Format(time.TimeOnly))
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) // made here, with every text escaped
}

// drawMarks draws upright lines with their names, in turn at two heights.
func (s Seen) drawMarks(b *strings.Builder, marks []Mark, span time.Duration) {
	slices.SortFunc(marks, func(x, y Mark) int { return x.At.Compare(y.At) })
	if span <= 0 {
		return
	}
	free := [2]float64{}
	for _, mark := range marks {
		x := float64(wide) * float64(mark.At.Sub(s.From)) / float64(span)
		if x < 0 || x > wide {
			continue
		}
		fmt.Fprintf(b, `<line class="mark" x1="%.1f" y1="4" x2="%.1f" y2="%d"/>`, x, x, ground)
		width := 6 * float64(len([]rune(mark.Text)))
		for row := range free {
			if x < free[row] || x+width > wide {
				continue
			}
			fmt.Fprintf(b, `<text class="mark" x="%.1f" y="%d">%s</text>`, x+4, 12+12*row, html.EscapeString(mark.Text))
			free[row] = x + width + 8
			break
		}
	}
}

// Sentence says what the picture shows.
func (s Seen) Sentence() string {
	if s.Sent == 0 {
		return "No request was sent yet."
	}
	text := fmt.Sprintf("%d requests were sent", s.Sent)
	if s.Sent == 1 {
		text = "1 request was sent"
	}
	switch s.Failed {
	case 0:
		text += ", and none failed"
	case s.Sent:
		text += ", and all failed"
	default:
		text += fmt.Sprintf(", and %d failed", s.Failed)
	}
	return text + fmt.Sprintf("; the longest time without a good answer was %s.", Length(s.LongestGap))
}

// Length is a length of time that may be short.
func Length(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}
