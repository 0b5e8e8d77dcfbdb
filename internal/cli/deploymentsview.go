package cli

import (
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
)

func (u *ui) deploymentTable(values []app.DeploymentValue, now time.Time) {
	if len(values) == 0 {
		u.say("no deployment was found in what this sign-in may read")
		return
	}
	var rows [][]line
	for _, value := range values {
		left := words(faint("unknown"))
		if !value.Ends.IsZero() {
			left = words(daysLeft(value.Ends, now))
		}
		rows = append(rows, []line{
			words(title(app.OrDash(value.Name))), words(app.Layout(value.Deployment)),
			words(app.OrDash(strings.Join(value.Names(), ", "))), left, words(app.Home(value)),
		})
	}
	u.table([]string{"name", "layout", "serves", "certificate", "lives in"}, rows)
	u.deploymentProblems(values)
}

// deploymentProblems shows below the table what is wrong, since it takes sentences.
func (u *ui) deploymentProblems(values []app.DeploymentValue) {
	first := true
	for _, value := range values {
		if value.CannotUpdate == "" && len(value.Problems) == 0 {
			continue
		}
		if first {
			u.heading("Problems")
			first = false
		}
		if value.CannotUpdate != "" {
			u.item(caution("!"), title(value.Name), " cannot be updated here: ", value.CannotUpdate)
		}
		for _, problem := range value.Problems {
			u.item(u.outStyle.bullet(), title(value.Name), ": ", problem.Sentence, faint(" ["+problem.Code+"]"))
		}
	}
}
