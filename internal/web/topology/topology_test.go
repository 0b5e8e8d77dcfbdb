package topology_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/web/topology"
)

var now = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// rectangle is a box as it was drawn.
type rectangle struct{ x, y, w, h int }

func (r rectangle) meets(o rectangle) bool {
	return r.x < o.x+o.w && o.x < r.x+r.w && r.y < o.y+o.h && o.y < r.y+r.h
}

func (r rectangle) holds(o rectangle) bool {
	return r.x <= o.x && r.y <= o.y && o.x+o.w <= r.x+r.w && o.y+o.h <= r.y+r.h
}

// check holds what is true of every drawing: it is XML, what is in it lies
// within it, boxes do not lie on one another, rows stay in their boxes, and
// there is nothing in it that a strict policy would not let through.
func check(t interface {
	Helper()
	Errorf(string, ...any)
}, p topology.Picture, at time.Time) {
	t.Helper()
	for _, shape := range []topology.Shape{topology.Wide, topology.Narrow} {
		svg := string(p.SVG(at, shape))
		decoder := xml.NewDecoder(strings.NewReader(svg))
		var boxes, frames []rectangle
		var canvas, current rectangle
		for {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Errorf("the drawing is no XML: %v", err)
				return
			}
			element, ok := token.(xml.StartElement)
			if !ok {
				continue
			}
			has := map[string]string{}
			for _, a := range element.Attr {
				has[a.Name.Local] = a.Value
				if a.Name.Local == "style" || strings.HasPrefix(a.Name.Local, "on") {
					t.Errorf("there is an attribute %s", a.Name.Local)
				}
			}
			number := func(name string) int { n, _ := strconv.Atoi(has[name]); return n }
			switch {
			case element.Name.Local == "script" || element.Name.Local == "style":
				t.Errorf("there is an element %s", element.Name.Local)
			case element.Name.Local == "svg":
				_, _ = fmt.Sscanf(has["viewBox"], "0 0 %d %d", &canvas.w, &canvas.h)
			case has["class"] == "edge":
				current = rectangle{number("x"), number("y"), number("width"), number("height")}
				if !canvas.holds(current) {
					t.Errorf("a box at %v is outside of the drawing %v", current, canvas)
				}
				for _, other := range boxes {
					if !other.meets(current) {
						continue
					}
					if !other.holds(current) {
						t.Errorf("a box at %v lies on one at %v", current, other)
					}
					frames = append(frames, other)
				}
				boxes = append(boxes, current)
			case element.Name.Local == "rect":
				if row := (rectangle{number("x"), number("y"), number("width"), number("height")}); !current.holds(row) {
					t.Errorf("a row at %v is outside of its box %v", row, current)
				}
			}
		}
		for _, f := range frames {
			if n := count(boxes, func(b rectangle) bool { return b != f && b.holds(f) }); n > 0 {
				t.Errorf("a box at %v holds others and is in another", f)
			}
		}
	}
}

func count[T any](list []T, is func(T) bool) (n int) {
	for _, one := range list {
		if is(one) {
			n++
		}
	}
	return n
}

// textsOf is everything that a drawing says, titles included.
func textsOf(t *testing.T, svg string) string {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(svg))
	var text strings.Builder
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return text.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		if said, ok := token.(xml.CharData); ok {
			text.Write(said)
			text.WriteString("\n")
		}
	}
}

func TestHostileNamesAreText(t *testing.T) {
	t.Parallel()
	hostile := "</text><script>alert(1)</script>\"' onload=x \x00\x07\u202e&amp; " + strings.Repeat("W", 500)
	box := topology.Box{ID: "a\"b", Href: "javascript:\"><b>", Title: hostile, Note: hostile,
		Rows: []topology.Row{{Kind: topology.Serves, Text: hostile, Href: hostile, Until: now}}}
	p := topology.Picture{Title: hostile, About: hostile, Names: []topology.Box{box}, Gateway: box, Listeners: []topology.Box{box},
		Vaults: []topology.Box{box}, Pools: []topology.Box{box}, Machines: []topology.Box{box}}
	check(t, p, now)
	for _, shape := range []topology.Shape{topology.Wide, topology.Narrow} {
		svg := string(p.SVG(now, shape))
		for _, never := range []string{"<script", "<b>", `"' `, "\x00", "\x07", "\u202e", "javascript:"} {
			if strings.Contains(svg, never) {
				t.Errorf("there is %q in the drawing", never)
			}
		}
	}
}

func TestThirtyMachines(t *testing.T) {
	t.Parallel()
	p := crowd(30)
	check(t, p, now)
	for _, shape := range []topology.Shape{topology.Wide, topology.Narrow} {
		svg := string(p.SVG(now, shape))
		if len(svg) > 80_000 {
			t.Errorf("the drawing has %d bytes", len(svg))
		}
		text := textsOf(t, svg)
		for _, m := range p.Machines {
			if !strings.Contains(text, m.Title) {
				t.Errorf("machine %s is not drawn", m.Title)
			}
		}
	}
	keep(t, "crowd", p, now)
}

// crowd is a deployment with many machines behind six pools.
func crowd(n int) topology.Picture {
	p := topology.Picture{Title: "gis.example.com", About: "a crowd"}
	p.Names = []topology.Box{{ID: "name", Title: "gis.example.com", Note: "at 20.1.2.3", Rows: []topology.Row{{Kind: topology.Serves, Text: "gets gis.example.com", Until: now.AddDate(0, 0, 9)}}}}
	p.Gateway = topology.Box{Title: "agw-production", Note: "Application Gateway", Rows: []topology.Row{{Kind: topology.Trusts, Text: "trusts Contoso Root CA", Until: now.AddDate(3, 0, 0)}}}
	p.Listeners = []topology.Box{{ID: "listener", Title: "https", Note: "port 443"}}
	p.Links = []topology.Link{{From: "name", To: "listener"}}
	for i := range 6 {
		pool := topology.Box{ID: fmt.Sprint("pool", i), Title: fmt.Sprintf("Pool%d", i), Note: "port 6443"}
		p.Pools = append(p.Pools, pool)
		p.Links = append(p.Links, topology.Link{From: "listener", To: pool.ID})
	}
	for i := range n {
		m := topology.Box{ID: fmt.Sprint("machine", i), Href: "#m", Title: fmt.Sprintf("arcgis-production-server-%02d", i), Note: "Server"}
		for port := range 3 {
			m.Rows = append(m.Rows, topology.Row{Kind: topology.Serves, Text: fmt.Sprintf("ArcGIS Server %d, self-signed", 6443+port), Until: now.AddDate(0, i, 0), Href: "/c"})
		}
		p.Machines = append(p.Machines, m)
		p.Links = append(p.Links, topology.Link{From: fmt.Sprint("pool", i%6), To: m.ID})
	}
	return p
}

func TestLeft(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		until        time.Time
		class, words string
	}{
		{time.Time{}, "unknown", ""},
		{now, "gone", "ended"},
		{now.Add(-time.Second), "gone", "ended"},
		{now.Add(time.Second), "urgent", "today"},
		{now.Add(25 * time.Hour), "urgent", "1 day"},
		{now.AddDate(0, 0, 14), "urgent", "14 days"},
		{now.AddDate(0, 0, 15), "soon", "15 days"},
		{now.AddDate(0, 0, 30), "soon", "30 days"},
		{now.AddDate(0, 0, 31), "ok", "31 days"},
		{now.AddDate(0, 0, 729), "ok", "729 days"},
		{now.AddDate(0, 0, 1825), "ok", "5 years"},
	} {
		if class, words := topology.Left(c.until, now); class != c.class || words != c.words {
			t.Errorf("%v: %s, %q, want %s, %q", c.until.Sub(now), class, words, c.class, c.words)
		}
	}
}

func BenchmarkThirtyMachines(b *testing.B) {
	p := crowd(30)
	b.ReportAllocs()
	for b.Loop() {
		b.SetBytes(int64(len(p.SVG(now, topology.Wide))))
	}
}
