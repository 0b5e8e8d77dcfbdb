package hostile_test

import (
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/hostile"
)

func TestTheHostileWorldStarts(t *testing.T) {
	t.Parallel()
	world, err := sim.Start(t.Context(), sim.Options{File: hostile.File, Machines: sim.MachineState{Key: "p256"}, InMemory: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(world.Deployments()) != 2 {
		t.Errorf("deployments: %+v", world.Deployments())
	}
	if err := world.Close(); err != nil {
		t.Error(err)
	}
}

// Each way in which a name can act is seen, and what was made harmless is not.
func TestWhatActsIsSeen(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text                     string
		terminal, document, page bool
	}{
		{"plain Zürich <b>bold</b>\n", false, true, false},
		{`"plain"`, false, false, false},
		{"\x1b[31mred", true, true, true},
		{"\u202eturned", true, true, true},
		{"\"\u009b31m\"", true, true, true},
		{"\"\xff\"", true, true, true},
		{`"\u202e"`, false, false, false},
		{"&lt;script&gt;alert(1)&lt;/script&gt;", false, true, false},
		{"<script>alert(1)</script>", false, true, true},
		{`<script src="/assets/a.js"></script>`, false, true, false},
		{`<b onclick="x">`, false, true, true},
		{`<img src=x>`, false, true, true},
		{`<a href=" JavaScript:alert(1)">`, false, true, true},
		{`<a title="&quot; onfocus=&quot;alert(1)">`, false, true, false},
		{`<!-- alert(1) -->`, false, true, true},
	} {
		for what, got := range map[string]struct {
			err  error
			want bool
		}{
			"a terminal": {hostile.InTerminal([]byte(test.text)), test.terminal},
			"JSON":       {hostile.InJSON([]byte(test.text)), test.document},
			"a page":     {hostile.InPage([]byte(test.text)), test.page},
		} {
			if (got.err != nil) != got.want {
				t.Errorf("%q in %s: %v", test.text, what, got.err)
			}
		}
	}
}
