package topology_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/web/topology"
)

// FuzzPicture draws pictures of any shape: any number of boxes and rows, any
// links, any text.
func FuzzPicture(f *testing.F) {
	for seed := range uint64(60) {
		f.Add(seed, "gis.example.com")
	}
	f.Add(uint64(7), "</svg>\x00\u202e]]>&\xff")
	f.Fuzz(func(t *testing.T, seed uint64, text string) {
		if len(text) > 1000 {
			return
		}
		check(t, random(rand.New(rand.NewPCG(seed, 1)), text), now)
	})
}

func random(r *rand.Rand, text string) topology.Picture {
	ids := 0
	boxes := func(most int) []topology.Box {
		var list []topology.Box
		for range r.IntN(most + 1) {
			ids++
			b := topology.Box{ID: "b" + strings.Repeat("i", ids), Title: strings.Repeat(text, 1+r.IntN(3)), Href: "#" + text}
			if r.IntN(2) == 0 {
				b.Note = text
			}
			for range r.IntN(6) {
				row := topology.Row{Kind: []topology.Kind{topology.Serves, topology.Configured, topology.Trusts, topology.Differs, topology.Says, "?"}[r.IntN(6)], Text: text}
				if r.IntN(2) == 0 {
					row.Until, row.Href = now.AddDate(0, 0, r.IntN(800)-200), "/c/"+text
				}
				b.Rows = append(b.Rows, row)
			}
			list = append(list, b)
		}
		return list
	}
	p := topology.Picture{Title: text, About: text, Names: boxes(5), Listeners: boxes(4), Vaults: boxes(3), Pools: boxes(8), Machines: boxes(30)}
	p.Gateway.Title = text
	if rows := boxes(1); len(rows) > 0 {
		p.Gateway.Rows = rows[0].Rows
	}
	link := func(from, to []topology.Box) {
		for range r.IntN(12) {
			if len(from) > 0 && len(to) > 0 {
				p.Links = append(p.Links, topology.Link{From: from[r.IntN(len(from))].ID, To: to[r.IntN(len(to))].ID})
			}
		}
	}
	link(p.Names, p.Listeners)
	link(p.Listeners, p.Pools)
	link(p.Pools, p.Machines)
	return p
}
