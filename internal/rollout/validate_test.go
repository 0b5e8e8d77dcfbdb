package rollout

import (
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/machine"
)

// "As before" is said only of what was seen before, and a warning that is new is
// worse than none.
func TestValidationsBeforeAndAfter(t *testing.T) {
	t.Parallel()
	one := func(status string) []machine.Validated { return []machine.Validated{{Name: "s", Status: status}} }
	for name, test := range map[string]struct {
		before, now []machine.Validated
		says        string
		worse       bool
	}{
		"well":                       {one("success"), one("success"), " as before", false},
		"warned before and now":      {one("success with warnings"), one("Success with warnings"), " as before", false},
		"better":                     {one("failure"), one("undetermined"), " as before", false},
		"a new warning":              {one("success"), one("success with warnings"), " as before", true},
		"undetermined now":           {one("success with warnings"), one("undetermined"), " as before", true},
		"not listed now":             {one("success"), nil, " as before", true},
		"not known before, and well": {nil, one("success"), "; how they were before is not known", false},
		"not known before, and not":  {nil, one("failure"), `"failure"`, false},
	} {
		said := validation{federation: test.before}.compared(validation{federation: test.now})
		if !strings.Contains(said, test.says) || (len(worse(test.before, test.now)) > 0) != test.worse {
			t.Errorf("%s: %q, worse %v", name, said, worse(test.before, test.now))
		}
	}
}
