package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
)

// The dialogue of the guided run is lines: a numbered list, a question, an
// answer. Nothing is drawn over and no key but Enter means anything, so that a
// screen reader, a serial console and a person see the same. Questions go to
// stderr like all others.

// errBack is the wish to go back to the question before.
var errBack = errors.New("back")

// leftGuide is who ends the input instead of answering.
func leftGuide() *app.Failure {
	return &app.Failure{Code: "declined", Message: "the guided run was left", Serving: app.NothingChanged, Exit: app.ExitPreflight}
}

// tell writes a line for the person who is guided; what does not fit hangs below it.
func (a *program) tell(indent int, parts ...any) {
	a.ui.progress.Done()
	fmt.Fprintln(a.ui.err, a.ui.fold(a.ui.errors.render(words(parts...)), indent, indent))
}

// entry writes a line of a list, with its number or another sign.
func (a *program) entry(sign span, parts ...any) {
	text := words(words(sign), "  ", words(parts...))
	a.ui.progress.Done()
	fmt.Fprintln(a.ui.err, a.ui.fold(a.ui.errors.render(text), 0, 5))
}

// reply asks a question; preset is what Enter means, "" for nothing.
func (a *program) reply(ctx context.Context, question, preset string) (string, error) {
	asked := words(title(question))
	if preset != "" {
		asked = words(asked, " ["+preset+"]")
	}
	text, err := a.typed(ctx, words(asked, ": "))
	switch {
	case errors.Is(err, io.EOF):
		return "", leftGuide()
	case err != nil:
		return "", app.WhileServing(err, app.NothingChanged, "")
	}
	switch strings.ToLower(text) {
	case "b", "back", "\x1b":
		return "", errBack
	case "":
		return preset, nil
	}
	return text, nil
}

// option is something to choose.
type option struct {
	text line
	// names may be typed instead of the number.
	names []string
	// refused says why it cannot be chosen, "" when it can.
	refused string
}

// number is how a place in a list is shown.
func number(i int) span { return accent(fmt.Sprintf("%3d", i)) }

// shortReason is the first sentence of a long reason. All of it is said to who
// wants to choose it nevertheless.
func shortReason(text string) string {
	if first, _, cut := strings.Cut(text, ". "); cut && len(text) > 150 {
		return first + "."
	}
	return text
}

// choose asks for one of the options and gives its place. preset is the place
// of the one that Enter means, -1 for none.
func (a *program) choose(ctx context.Context, question string, options []option, preset int) (int, error) {
	var numbered []int
	presetNumber := ""
	for i, o := range options {
		if o.refused != "" {
			a.entry(faint("  -"), o.text, caution("; cannot be chosen: "), shortReason(o.refused))
			continue
		}
		numbered = append(numbered, i)
		if i == preset {
			presetNumber = strconv.Itoa(len(numbered))
		}
		a.entry(number(len(numbered)), o.text)
	}
	for {
		text, err := a.reply(ctx, question, presetNumber)
		if err != nil {
			return 0, err
		}
		if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(numbered) {
			return numbered[n-1], nil
		}
		i, problem := named(options, text)
		if problem == "" {
			return i, nil
		}
		a.tell(0, caution("? "), problem)
	}
}

// named is the place of the option with this name, or what is wrong with it.
func named(options []option, text string) (int, string) {
	var found []int
	for i, o := range options {
		if slices.ContainsFunc(o.names, func(name string) bool { return name != "" && strings.EqualFold(name, text) }) {
			found = append(found, i)
		}
	}
	switch {
	case text == "":
		return 0, "type a number or a name; b goes back"
	case len(found) == 0:
		return 0, fmt.Sprintf("%q is none of them: type a number or a name; b goes back", text)
	case len(found) > 1:
		return 0, fmt.Sprintf("%d of them are called %q: type a number", len(found), text)
	case options[found[0]].refused != "":
		return 0, fmt.Sprintf("%s cannot be chosen: %s", text, options[found[0]].refused)
	}
	return found[0], ""
}
