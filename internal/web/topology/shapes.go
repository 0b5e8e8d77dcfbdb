package topology

import "slices"

// lay gives everything a place.
func (p Picture) lay(shape Shape) scene {
	if shape == Narrow {
		return p.narrow()
	}
	return p.wide()
}

// Widths of the columns of the wide shape.
const (
	nameWidth, gatewayWidth, poolWidth = 236, 300, 206
	machineWidth                       = 290
	lane                               = 48 // between columns, for the links
)

// wide has columns from left to right, as requests go. Pools stand beside the
// first machines that they lead to.
func (p Picture) wide() scene {
	var s scene
	columns, inner := 1, machineWidth
	if len(p.Machines) > manyBoxes {
		columns, inner = 2, 2*machineWidth-20
	}
	x := 1
	gatewayX := x + nameWidth + lane
	poolX := gatewayX + gatewayWidth + lane
	groupX := poolX + poolWidth + lane
	s.width = groupX + inner + 2*frameInset + 1

	bottom := s.stack(p.Names, "name", x, 1, nameWidth)
	bottom = max(bottom, s.gateway(p, gatewayX, 1, gatewayWidth))
	groups, groupY, poolY := p.groups(), 1, 1
	var drawn []string
	for _, g := range groups {
		var pools []Box
		for _, pool := range p.Pools {
			if slices.Contains(g.pools, pool.ID) && !slices.Contains(drawn, pool.ID) {
				pools, drawn = append(pools, pool), append(drawn, pool.ID)
			}
		}
		if len(pools) > 0 {
			poolY = s.stack(pools, "pool", poolX, max(poolY, groupY), poolWidth)
		}
		groupY = s.machines(p, g, groupX, groupY, inner+2*frameInset, columns)
	}
	for _, pool := range p.Pools { // those that lead to no machine that is known
		if !slices.Contains(drawn, pool.ID) {
			poolY = s.stack([]Box{pool}, "pool", poolX, poolY, poolWidth)
		}
	}
	s.height = max(bottom, poolY, groupY) - gap + 1
	s.link(p, groups)
	return s
}

// link draws the links: to a group once for all of its machines.
func (s *scene) link(p Picture, groups []group) {
	for _, l := range p.Links {
		from, ok := s.find(l.From)
		to, known := s.find(l.To)
		if !ok || !known || to.class == "machine" {
			continue
		}
		line := from.right()
		line.x2, line.y2 = to.x, to.y+to.h/2
		s.paths = append(s.paths, line)
	}
	frames := slices.DeleteFunc(slices.Clone(s.frames), func(f placed) bool { return f.class != "group" })
	for i, g := range groups {
		for _, id := range g.pools {
			if from, ok := s.find(id); ok {
				line := from.right()
				line.x2, line.y2 = frames[i].x, frames[i].y+headOf(frames[i].Box)/2
				s.paths = append(s.paths, line)
			}
		}
	}
}

// narrow has everything below one another. What leads where is written on the
// frames, for want of room for lines.
func (p Picture) narrow() scene {
	s := scene{width: narrowWidth}
	y := 1
	arrow := func() {
		if y > 1 {
			s.paths = append(s.paths, path{x1: narrowWidth / 2, y1: y - gap, x2: narrowWidth / 2, y2: y + gap, upright: true})
			y += gap
		}
	}
	y = s.stack(p.Names, "name", 1, y, narrowWidth-2)
	arrow()
	y = s.gateway(p, 1, y, narrowWidth-2)
	if len(p.Pools) > 0 {
		if len(p.Vaults) == 0 {
			arrow()
		}
		y = s.stack(p.Pools, "pool", 1, y, narrowWidth-2)
	}
	for i, g := range p.groups() {
		if i == 0 {
			arrow()
		}
		y = s.machines(p, g, 1, y, narrowWidth-2, 1)
	}
	s.height = y - gap + 1
	return s
}

const narrowWidth = 340
