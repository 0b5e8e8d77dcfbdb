package rehearse

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// differences are where the plan for the deployment and that for its copy say
// another thing: then the rehearsal was not the very rotation.
func (c *copied) differences(rehearsed rotation.Plan) []string {
	list := []string{}
	original := c.plan
	if original == nil || original.Way != rehearsed.Way || c.bundle != nil && c.goal.Bundle == nil {
		return list
	}
	if a, b := kindsOf(original.Steps), kindsOf(rehearsed.Steps); a != b {
		list = append(list, fmt.Sprintf("the plan for the deployment has the steps %s, that of the rehearsal %s", a, b))
	}
	differ := func(what string, original, copied []string) {
		for _, one := range original {
			if !slices.Contains(copied, one) {
				list = append(list, what+" for the deployment alone: "+one)
			}
		}
		for _, one := range copied {
			if !slices.Contains(original, one) {
				list = append(list, what+" in the rehearsal alone: "+one)
			}
		}
	}
	differ("found", findingsOf(original.Findings, original.Obstacles), findingsOf(rehearsed.Findings, rehearsed.Obstacles))
	differ("restart", restartsOf(original.Steps), restartsOf(rehearsed.Steps))
	return list
}

func kindsOf(steps []rotation.Step) string {
	var kinds []string
	for _, step := range steps {
		kinds = append(kinds, string(step.Kind))
	}
	if len(kinds) == 0 {
		return "(none)"
	}
	return strings.Join(kinds, ", ")
}

func restartsOf(steps []rotation.Step) []string {
	var list []string
	for _, step := range steps {
		list = append(list, step.Restarts...)
	}
	return list
}

func findingsOf(lists ...pki.Findings) []string {
	var out []string
	for _, list := range lists {
		for _, finding := range list {
			out = append(out, finding.Code)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
