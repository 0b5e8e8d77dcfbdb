package app

import "github.com/cartouche-gis/cartouche/internal/rotation"

// A Teller hears how a piece of work goes on. Its methods are called by several
// goroutines, and must not keep the work waiting.
type Teller interface {
	// Doing says what is being done now and may take a moment.
	Doing(phase rotation.Phase, text string)
	// Done ends what Doing has said.
	Done()
	// Event is a step of a run, or that one waits.
	Event(event rotation.Event)
	// Note is a sentence that stays.
	Note(kind NoteKind, text string)
}

// NoteKind says what a note is about.
type NoteKind string

// The kinds of notes.
const (
	// NoteWarning is what the person should know and nothing depends on.
	NoteWarning NoteKind = "warning"
	// NoteInDoubt is about a run that has no end.
	NoteInDoubt NoteKind = "in-doubt"
	// NoteEvidence says where the evidence of a run was written.
	NoteEvidence NoteKind = "evidence"
	// NoteAzure is a call to Azure.
	NoteAzure NoteKind = "azure"
)

// nobody listens.
type nobody struct{}

func (nobody) Doing(rotation.Phase, string) {}
func (nobody) Done()                        {}
func (nobody) Event(rotation.Event)         {}
func (nobody) Note(NoteKind, string)        {}

// teller is who listens.
func (a *App) teller() Teller {
	if a.Tell == nil {
		return nobody{}
	}
	return a.Tell
}

// warn says what the person should know and nothing depends on.
func (a *App) warn(text string) { a.teller().Note(NoteWarning, text) }
