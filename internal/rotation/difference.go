package rotation

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/arcgis"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
)

// Difference is one thing that is not as it was before a run, or of which
// nobody can say whether it is.
type Difference struct {
	// What is the object: a listener, an endpoint, a component of a machine.
	What string `json:"what"`
	// Now is how it is; where nobody could look, why not.
	Now string `json:"now,omitempty"`
	// Was is how it was before the run, "" where that is not known.
	Was string `json:"was,omitempty"`
	// Next is the command that mends it, or finds out.
	Next string `json:"next,omitempty"`
}

// String is one sentence for a list of them.
func (d Difference) String() string {
	text := d.What
	if d.Now != "" {
		text += ": " + d.Now
	}
	if d.Was != "" {
		text += " (before: " + d.Was + ")"
	}
	return text
}

// UnmarshalJSON also reads what runs before version 0.2 wrote: a sentence.
func (d *Difference) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		*d = Difference{}
		return json.Unmarshal(data, &d.What)
	}
	type plain Difference
	return json.Unmarshal(data, (*plain)(d))
}

// Sentences are differences as sentences.
func Sentences(differences []Difference) []string {
	list := make([]string, len(differences))
	for i, d := range differences {
		list[i] = d.String()
	}
	return list
}

// Command is a command about the deployment of a state, for people to type.
func (s State) Command(verb string) string { return command(s.Deployment, verb) }

func command(d deployment.Deployment, verb string) string {
	if d.Alone && d.Generation == deployment.Plain {
		return "cartouche " + verb + " --gateway " + cloud.ShellWord(d.GatewayID) + strings.Join(append([]string{""}, d.GivenNames...), " --name ")
	}
	return "cartouche " + verb + " " + cloud.ShellWord(d.Domain)
}

// lack is one thing in which a proof falls short.
type lack struct {
	Difference
	// sentence says it all at once.
	sentence string
	// unseen tells that nobody could look, so that nothing is known of it.
	unseen bool
}

func (l lack) String() string { return l.sentence }

// lacking sets what a proof falls short of.
func (p *Proof) lacking(lacks []lack) {
	p.lacks, p.Failures = lacks, nil
	for _, l := range lacks {
		p.Failures = append(p.Failures, l.sentence)
	}
}

// errUnfinished says that a proof found nothing wrong, and was not finished.
var errUnfinished = errors.New("the proof was not finished")

// Differences parts what a proof falls short of: what was seen to be different,
// and what nobody could see. A proof that is none has at least one of them.
func (p Proof) Differences(before State) (different, unknown []Difference) {
	again := before.Command("verify")
	for _, l := range p.lacks {
		if l.Next == "" {
			l.Next = again
		}
		if l.unseen {
			unknown = append(unknown, l.Difference)
		} else {
			different = append(different, l.Difference)
		}
	}
	if !p.OK && len(p.lacks) == 0 {
		unknown = append(unknown, Difference{What: "whether everything is as before", Now: errUnfinished.Error(), Next: again})
	}
	return different, unknown
}

// refusesLogin tells that an error of ArcGIS is about the login: that it is wrong,
// or not taken any more.
func refusesLogin(err error) bool {
	answer, ok := errors.AsType[*arcgis.Error](err)
	return ok && (answer.Code == arcgis.CodeWrongCredentials || answer.Code == arcgis.CodeSignInRefused)
}

// unanswered tells that an error of ArcGIS is no answer of its: nobody was reached.
func unanswered(err error) bool {
	answer := (*arcgis.Error)(nil)
	return err != nil && (!errors.As(err, &answer) || answer.Code == arcgis.CodeUnreachable)
}
