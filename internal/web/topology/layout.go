package topology

import (
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
)

// Shape is how a picture is laid out.
type Shape int

// The shapes.
const (
	// Wide is from left to right.
	Wide Shape = iota
	// Narrow is from top to bottom, for a telephone.
	Narrow
)

// Measures of the drawing, in its own units: about pixels where it is as wide
// as it was made for.
const (
	padding    = 10
	titleLine  = 22
	noteLine   = 17
	rowLine    = 24 // a target for a finger
	gap        = 14 // between boxes of a column
	frameInset = 12 // between a frame and what is in it
	manyBoxes  = 6  // from here on machines stand in two columns
)

// scene is a picture with a place for everything.
type scene struct {
	width, height int
	frames, boxes []placed
	paths         []path
}

// placed is a box at its place. What is in a frame lies wholly within it.
type placed struct {
	Box
	class      string
	x, y, w, h int
}

// path is a link between two places.
type path struct {
	x1, y1, x2, y2 int
	upright        bool
}

func (p placed) right() path { return path{x1: p.x + p.w, y1: p.y + p.h/2} }

// heightOf is how high a box must be for what is in it.
func heightOf(b Box) int {
	h := 2*padding + titleLine
	if b.Note != "" {
		h += noteLine
	}
	return h + len(b.Rows)*rowLine
}

// group are machines that stand behind the same pools.
type group struct {
	pools    []string // IDs
	machines []Box
}

// groups puts machines with the same pools together, in the picture's order.
func (p Picture) groups() []group {
	var list []group
	for _, m := range p.Machines {
		var pools []string
		for _, l := range p.Links {
			if l.To == m.ID && !slices.Contains(pools, l.From) {
				pools = append(pools, l.From)
			}
		}
		slices.Sort(pools)
		i := slices.IndexFunc(list, func(g group) bool { return slices.Equal(g.pools, pools) })
		if i < 0 {
			list = append(list, group{pools: pools})
			i = len(list) - 1
		}
		list[i].machines = append(list[i].machines, m)
	}
	// Those that nothing leads to stand last.
	slices.SortStableFunc(list, func(a, b group) int {
		return boolInt(len(a.pools) == 0) - boolInt(len(b.pools) == 0)
	})
	return list
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// title is what is written on a group's frame.
func (p Picture) title(g group) Box {
	if len(g.pools) == 0 {
		return Box{Title: "Other machines", Note: "the gateway sends them nothing"}
	}
	var names []string
	for _, pool := range p.Pools {
		if slices.Contains(g.pools, pool.ID) {
			names = append(names, pool.Title)
		}
	}
	return Box{Title: app.Count(len(g.machines), "machine"), Note: "in " + strings.Join(names, ", ")}
}

// stack puts boxes below one another and says where the next would be.
func (s *scene) stack(boxes []Box, class string, x, y, w int) int {
	for _, b := range boxes {
		h := heightOf(b)
		s.boxes = append(s.boxes, placed{b, class, x, y, w, h})
		y += h + gap
	}
	return y
}

// frame draws a frame round what was put into it since, whose heading it is.
func (s *scene) frame(b Box, class string, x, y, w, bottom int) int {
	s.frames = append(s.frames, placed{b, class, x, y, w, bottom - y})
	return bottom + gap
}

// headOf is how high a frame's heading is.
func headOf(b Box) int {
	h := padding + titleLine + 6
	if b.Note != "" {
		h += noteLine
	}
	return h
}

// gateway puts the gateway with its listeners, and the vaults below.
func (s *scene) gateway(p Picture, x, y, w int) int {
	top := y
	y = s.stack(p.Listeners, "listener", x+frameInset, y+headOf(p.Gateway), w-2*frameInset)
	y += len(p.Gateway.Rows) * rowLine
	y = s.frame(p.Gateway, "gateway", x, top, w, y)
	if len(p.Vaults) == 0 {
		return y
	}
	s.paths = append(s.paths, path{x1: x + w/2, y1: y + gap, x2: x + w/2, y2: y - gap, upright: true})
	return s.stack(p.Vaults, "vault", x, y+gap, w)
}

// machines puts a group in a frame, in one column or two.
func (s *scene) machines(p Picture, g group, x, y, w, columns int) int {
	head := p.title(g)
	top, inner := y, (w-2*frameInset-(columns-1)*gap)/columns
	y += headOf(head)
	for row := range slices.Chunk(g.machines, columns) {
		highest := 0
		for i, m := range row {
			s.boxes = append(s.boxes, placed{m, "machine", x + frameInset + i*(inner+gap), y, inner, heightOf(m)})
			highest = max(highest, heightOf(m))
		}
		y += highest + gap
	}
	return s.frame(head, "group", x, top, w, y)
}

func (s scene) find(id string) (placed, bool) {
	i := slices.IndexFunc(s.boxes, func(b placed) bool { return b.ID == id })
	if i < 0 {
		return placed{}, false
	}
	return s.boxes[i], true
}
