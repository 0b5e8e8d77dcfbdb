package web

import (
	"encoding/json"
	"html/template"
	"slices"

	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/web/watch"
)

// runTraffic are the requests that were sent meanwhile, counted and drawn.
type runTraffic struct {
	watch.Seen
	Gap   string
	Chart template.HTML
	// Another tells that a certificate came that is neither the old nor the new one.
	Another bool
}

// trafficKind is the kind of evidence that the journal keeps of it.
const trafficKind = "traffic"

func trafficOf(run journal.Run, live liveRun, plan keptPlan) *runTraffic {
	var seen watch.Seen
	known := false
	if live.work != nil {
		if watching, ok := live.work.Value(trafficKind).(*watch.Watch); ok && !live.work.Ended() {
			seen, known = watching.Seen(live.now), true
		}
	}
	for _, piece := range run.Evidence {
		if !known && piece.Kind == trafficKind && json.Unmarshal(piece.Data, &seen) == nil {
			known = true
		}
	}
	if !known {
		return nil
	}
	old, renewed := leavesOf(plan)
	is := func(sha256 string) string {
		switch {
		case renewed[sha256]:
			return "new"
		case old[sha256]:
			return "old"
		}
		return ""
	}
	another := slices.ContainsFunc(seen.Leaves, func(l watch.Leaf) bool { return is(l.Certificate.SHA256) == "" })
	return &runTraffic{Seen: seen, Gap: watch.Length(seen.LongestGap), Another: another, Chart: seen.Chart(marksOf(run), is)}
}

// leavesOf are the fingerprints of what is replaced and of what replaces it.
func leavesOf(plan keptPlan) (old, renewed map[string]bool) {
	old, renewed = map[string]bool{}, map[string]bool{plan.Certificate.SHA256: plan.Certificate.SHA256 != ""}
	if plan.Serving != nil {
		old[plan.Serving.SHA256] = true
	}
	for _, move := range plan.Moves {
		old[move.FromLeaf] = move.FromLeaf != ""
		renewed[move.ToLeaf] = move.ToLeaf != ""
	}
	return old, renewed
}

// marksOf are the moments that the chart shows.
func marksOf(run journal.Run) []watch.Mark {
	names := map[string]string{"switch": "written", "prove": "proving", "undo": "going back", "clean": "cleaning", "stage": "into Key Vault", "trust": "trust", "gateway-roots": "roots"}
	var marks []watch.Mark
	for _, step := range run.Steps {
		if name := names[step.Kind]; name != "" && len(marks) < 12 {
			marks = append(marks, watch.Mark{At: step.StartedAt, Text: name})
		}
	}
	return marks
}
