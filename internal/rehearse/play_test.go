package rehearse

import (
	"testing"

	"github.com/cartouche-gis/cartouche/internal/app"
)

// What goes wrong in a rehearsal is never said of the deployment, and what helps is
// what helps with a rehearsal.
func TestAFailureIsTheRehearsals(t *testing.T) {
	for name, row := range map[string]struct {
		played  Played
		message string
		hint    string
	}{
		"failed":      {Played{Failure: &app.Failure{Message: "restored", Hint: "cartouche undo"}}, "in the rehearsal: restored", "mend what is said above, or look into the differences, and rehearse again"},
		"interrupted": {Played{Failure: &app.Failure{Message: "interrupted", Exit: app.ExitInterrupted}}, "in the rehearsal: interrupted", "rehearse again"},
		"violated":    {Played{Rehearsal: Rehearsal{Violations: []string{"none was served"}}}, "in the rehearsal something happened that must never happen: none was served", "do not apply; report it with the file of: --save FILE --mask"},
	} {
		t.Run(name, func(t *testing.T) {
			row.played.judge()
			if f := row.played.Failure; f.Message != row.message || f.Hint != row.hint || f.Serving != notTouched {
				t.Errorf("%q, hint %q, serving %q", f.Message, f.Hint, f.Serving)
			}
		})
	}
	well := Played{}
	if well.judge(); well.Failure != nil {
		t.Errorf("what went well is %v", well.Failure)
	}
}
