package web

import (
	"strings"

	"github.com/cartouche-gis/cartouche/internal/journal"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
)

// outcomes are the ends of runs as the pages say them: a word with its colour,
// and what it means.
var outcomes = map[string]struct{ kind, word, sentence string }{
	string(rotation.Verified):       {"ok", "verified", "Every endpoint serves the new certificate, and that was proved."},
	string(rotation.NothingToDo):    {"ok", "nothing to do", "Every endpoint served this certificate already, and that was proved."},
	string(rotation.Cleaned):        {"ok", "cleaned", "What nothing uses any more is gone, and clients are served as before."},
	string(rotation.Unchanged):      {"soon", "nothing changed", "The run ended before anything was changed."},
	string(rotation.Restored):       {"soon", "restored", "The run failed. What was served before is back, and that was proved."},
	string(rotation.PartlyRestored): {"gone", "partly restored", "The run failed, and not everything is as it was."},
	string(rotation.NotKnown):       {"gone", "not known", "The run failed, and nobody can say whether everything is as it was."},
	"not-restored":                  {"gone", "not restored", "The run failed, and not everything is as it was, or nobody could say so."}, // of runs before version 0.2
	journal.InDoubt:                 {"urgent", "cut off", "The run has no end: it was cut off."},
	journal.FoundVerified:           {"soon", "cut off, took effect", "The run was cut off. Later it was seen that what it was to bring about is there."},
	journal.FoundUnchanged:          {"soon", "cut off, no effect", "The run was cut off. Later it was seen that nothing of it took effect."},
	journal.FoundRestored:           {"soon", "cut off, restored", "The run was cut off. Later it was seen that what was there before is there again."},
	journal.FoundCleaned:            {"soon", "cut off, cleaned", "The run was cut off. Later it was seen that what it was to remove is gone."},
	journal.FoundPartly:             {"gone", "cut off, took effect in part", "The run was cut off. Later it was seen that some of it took effect."},
	journal.FoundUnknown:            {"urgent", "cut off, not known", "The run was cut off, and what came of it cannot be known any more."},
}

// outcomeBadge is the end of a run as a badge. A run without an end is one that
// goes on, or one that was cut off.
func outcomeBadge(outcome string, goingOn bool) pages.Badge {
	if outcome == journal.InDoubt && goingOn {
		return pages.Badge{Kind: "busy", Text: "going on"}
	}
	if known, ok := outcomes[outcome]; ok {
		return pages.Badge{Kind: known.kind, Text: known.word}
	}
	return pages.Badge{Kind: "unknown", Text: strings.ReplaceAll(outcome, "-", " ")}
}

// outcomeSentence says what the end of a run means.
func outcomeSentence(outcome string, goingOn bool) string {
	if outcome == journal.InDoubt && goingOn {
		return "The run is going on at this moment."
	}
	return outcomes[outcome].sentence
}

// takenBack says what it means that a run was taken back. What is served then is
// not new.
func takenBack(undoOf string) string {
	return "What was served before run " + undoOf + " is served again, and that was proved."
}
