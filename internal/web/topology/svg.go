package topology

import (
	"encoding/xml"
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"
)

// SVG is the picture drawn, judged as of a moment. Whatever stands in it came
// from outside and is escaped here; the result may stand in a page as it is.
func (p Picture) SVG(at time.Time, shape Shape) template.HTML {
	s := p.lay(shape)
	d := drawing{at: at, plain: shape == Narrow && len(p.Machines) > Crowded}
	name := map[Shape]string{Wide: "wide", Narrow: "narrow"}[shape]
	d.tag(`<svg xmlns="http://www.w3.org/2000/svg" class="topology %[1]s" viewBox="0 0 %[2]d %[3]d" role="group" aria-labelledby="topology-%[1]s-title topology-%[1]s-about">`,
		name, s.width, s.height)
	d.tag(`<title id="topology-%s-title">`, name).text(p.Title).tag(`</title>`)
	d.tag(`<desc id="topology-%s-about">`, name).text(p.About).tag(`</desc>`)
	for _, f := range s.frames {
		d.box(f)
	}
	for _, line := range s.paths {
		d.path(line)
	}
	for _, b := range s.boxes {
		d.box(b)
	}
	d.tag(`</svg>`)
	return template.HTML(d.out.String()) //nolint:gosec // every text went through drawing.text
}

// drawing writes. Only text may be given what came from outside.
type drawing struct {
	out strings.Builder
	at  time.Time
	// plain leaves out what a pointer does with the rows of machines: on a telephone
	// a finger meets the box, which leads to the same rows in a table.
	plain bool
}

func (d *drawing) tag(format string, values ...any) *drawing {
	fmt.Fprintf(&d.out, format, values...)
	return d
}

func (d *drawing) text(text string) *drawing {
	_ = xml.EscapeText(&d.out, []byte(oneLine(text))) // a Builder takes everything
	return d
}

// link opens a link and gives what ends it. Links lead to places of our own.
func (d *drawing) link(href string, skipped bool) (end string) {
	if !strings.HasPrefix(href, "#") && !strings.HasPrefix(href, "/") {
		return ""
	}
	d.tag(`<a href="`).text(href).tag(`"`)
	if skipped {
		d.tag(` tabindex="-1"`)
	}
	d.tag(`>`)
	return `</a>`
}

// box draws a box: what leads to its details is one link, and each row another,
// which the keyboard finds in the tables below the picture.
func (d *drawing) box(b placed) {
	class := b.class
	for _, row := range b.Rows {
		if row.Kind == Differs {
			class += " differs"
			break
		}
	}
	width := float64(b.w - 2*padding)
	x, y := b.x+padding, b.y+padding
	d.tag(`<g class="box %s">`, class)
	end := d.link(b.Href, false)
	title, note := cut(b.Title, titleSize*1.05, width), cut(b.Note, noteSize, width)
	if title != b.Title || note != b.Note {
		d.tag(`<title>`).text(strings.TrimSpace(b.Title + "\n" + b.Note)).tag(`</title>`)
	}
	d.tag(`<rect class="edge" x="%d" y="%d" width="%d" height="%d"/>`, b.x, b.y, b.w, b.h)
	d.tag(`<text class="title" x="%d" y="%d">`, x, y+15).text(title).tag(`</text>`)
	y += titleLine
	if b.Note != "" {
		d.tag(`<text class="note" x="%d" y="%d">`, x, y+11).text(note).tag(`</text>`)
		y += noteLine
	}
	d.tag(`%s`, end)
	if b.class == "gateway" { // its rows stand below the listeners
		y = b.y + b.h - len(b.Rows)*rowLine - 4
	}
	for _, row := range b.Rows {
		d.row(row, x, y, b.w-2*padding, d.plain && b.class == "machine")
		y += rowLine
	}
	d.tag(`</g>`)
}

// row draws one row: its mark, what it is, and how long it has.
func (d *drawing) row(r Row, x, y, width int, plain bool) {
	class, words := Left(r.Until, d.at)
	left := ""
	if !r.Until.IsZero() {
		left = ` data-until="` + strconv.FormatInt(r.Until.Unix(), 10) + `"`
	}
	d.tag(`<g class="row %s %s"%s>`, r.Kind, class, left)
	end := ""
	if !plain {
		end = d.link(r.Href, true)
	}
	room, from := float64(width), x
	if marks[r.Kind] != "" {
		from += 17
		room -= 17
	}
	title, what := spoken[r.Kind]+r.Text, ""
	if left != "" {
		title += ", until " + r.Until.UTC().Format("2 January 2006")
		room -= leftWidth
	}
	what = cut(r.Text, rowSize, room)
	if what != title && (!plain || what != r.Text) {
		d.tag(`<title>`).text(title).tag(`</title>`)
	}
	if !plain {
		d.tag(`<rect x="%d" y="%d" width="%d" height="%d"/>`, x-4, y, width+8, rowLine)
	}
	if mark := marks[r.Kind]; mark != "" {
		d.tag(mark, x+5, y+rowLine/2)
	}
	d.tag(`<text x="%d" y="%d">`, from, y+16).text(what).tag(`</text>`)
	if left != "" {
		d.tag(`<text class="left" x="%d" y="%d">%s</text>`, x+width, y+16, words)
	}
	d.tag(`%s</g>`, end)
}

// leftWidth is the room for how long something has: "729 days".
const leftWidth = 60

// spoken are the kinds of rows in words, for titles.
var spoken = map[Kind]string{Serves: "served: ", Configured: "configured: "}

// marks tell kinds of rows apart without colour: a disc is served, a ring is
// configured, a square is trusted, and a triangle is not as it should be.
var marks = map[Kind]string{
	Serves:     `<circle cx="%d" cy="%d" r="5"/>`,
	Configured: `<circle cx="%d" cy="%d" r="4"/>`,
	Trusts:     `<path d="M%d %dm-4 -4h8v8h-8z"/>`,
	Differs:    `<path d="M%d %dm0 -6l6 11h-12z"/>`,
}

func (d *drawing) path(p path) {
	if p.upright {
		d.tag(`<path class="link" d="M%d %dV%d"/>`, p.x1, p.y1, p.y2)
		return
	}
	bend := (p.x2 - p.x1) / 2
	d.tag(`<path class="link" d="M%d %dC%d %d %d %d %d %d"/>`, p.x1, p.y1, p.x1+bend, p.y1, p.x2-bend, p.y2, p.x2, p.y2)
}
