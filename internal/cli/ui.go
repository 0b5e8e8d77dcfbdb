package cli

// What goes where:
//
//   - stdout bears the result of the command and nothing else, so that it can be
//     piped, saved and compared. Progress, prompts, warnings and errors go to stderr.
//   - With --json stdout gets exactly one JSON value, also when the command
//     fails; progress goes to stderr as one JSON object per line.
//   - Colours and rewritten lines are for terminals only. NO_COLOR, --no-color
//     and TERM=dumb switch colours off; a locale without UTF-8 switches
//     everything beyond ASCII off.
//   - Nothing that comes from outside reaches a terminal unescaped: text is
//     built of spans (palette.go), which are escaped when they are rendered.
//   - Messages are lower-case and end without a full stop, as in other tools,
//     unless they are sentences that somebody else wrote.
//   - A question is asked only when standard input is a terminal. Otherwise the
//     command ends with status 2 and says which flag answers it.

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"charm.land/lipgloss/v2"

	"github.com/cartouche-gis/cartouche/internal/app"
)

// ui writes for people and for scripts.
type ui struct {
	out, err         io.Writer
	outStyle, errors palette
	width            int
	json             bool
	progress         *progress
	// answered keeps a program that is left in the middle from writing a second
	// JSON value.
	answered atomic.Bool
}

func newUI(env Environment, asJSON, noColor bool) *ui {
	ascii := !speaksUTF8(env.Lookup, runtime.GOOS == "windows")
	colour := !noColor && env.Lookup("NO_COLOR") == "" && env.Lookup("TERM") != "dumb"
	u := &ui{
		out: env.Stdout, err: env.Stderr, width: env.Width, json: asJSON,
		outStyle: palette{color: colour && env.StdoutIsTerminal, ascii: ascii},
		errors:   palette{color: colour && env.StderrIsTerminal, ascii: ascii},
	}
	u.progress = newProgress(u, env)
	return u
}

// say writes a line of the result.
func (u *ui) say(parts ...any) { u.sayIndented(0, parts...) }

// sayIndented wraps the line to the terminal, each line of it indented.
func (u *ui) sayIndented(indent int, parts ...any) {
	fmt.Fprintln(u.out, u.fold(u.outStyle.render(words(parts...)), indent, indent))
}

// item writes a line that begins with a sign; what does not fit hangs below the text.
func (u *ui) item(sign span, parts ...any) {
	head := "  " + u.outStyle.render(line{sign}) + " "
	hang := lipgloss.Width(head)
	fmt.Fprintln(u.out, head+u.fold(u.outStyle.render(words(parts...)), 0, hang))
}

// fold wraps rendered text when there is a width to wrap to.
func (u *ui) fold(text string, first, hang int) string { return fold(u.width, text, first, hang) }

func fold(width int, text string, first, hang int) string {
	if width > 0 {
		text = broken.Replace(lipgloss.Wrap(unbroken.Replace(text), max(20, width-hang), ""))
	}
	return strings.Repeat(" ", first) + strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", hang))
}

// Names, ids and flags are full of hyphens, and whoever wraps for us breaks lines
// behind each. While it does, a hyphen is a private character, which escape lets
// nobody else bring.
var (
	unbroken = strings.NewReplacer("-", "\ue000")
	broken   = strings.NewReplacer("\ue000", "-")
)

// advice writes what mends something. A command in it that does not fit on the
// line gets lines of its own, which only the terminal breaks: so it can be copied.
func (u *ui) advice(out io.Writer, p palette, indent int, label, advice string) {
	margin, head, said := strings.Repeat(" ", indent), p.render(words(faint(label))), p.render(words(advice))
	prose, command, found := cutCommand(said)
	switch {
	case u.width == 0 || indent+lipgloss.Width(head+said) <= u.width:
		fmt.Fprintln(out, margin+head+said)
	case !found:
		fmt.Fprintln(out, u.fold(head+said, indent, indent))
	case prose == "":
		fmt.Fprintln(out, margin+head+command)
	default:
		fmt.Fprintln(out, u.fold(head+prose, indent, indent))
		fmt.Fprintln(out, margin+command)
	}
}

// cutCommand splits advice into what is said and the command to type, if that is
// all that comes after it.
func cutCommand(advice string) (prose, command string, found bool) {
	at := -1
	for _, program := range []string{"az ", "cartouche ", "openssl ", "keytool "} {
		if strings.HasPrefix(advice, program) {
			at = 0
		} else if i := strings.Index(advice, ": "+program); i >= 0 && (at < 0 || i < at) {
			at = i
		}
	}
	switch {
	case at < 0 || strings.Contains(advice[at:], "; ") || strings.Contains(advice[at:], ", then "):
		return advice, "", false
	case at == 0:
		return "", advice, true
	}
	return advice[:at+1], advice[at+2:], true
}

// heading writes a title with an empty line before it.
func (u *ui) heading(text string) {
	fmt.Fprintln(u.out)
	u.say(title(text))
}

// field is a name with what it is.
type field struct {
	name  string
	value line
}

// fields writes names and values in two columns, without those that are empty.
func (u *ui) fields(list ...field) {
	list = slices.DeleteFunc(slices.Clone(list), func(f field) bool { return text(f.value) == "" })
	widest := 0
	for _, f := range list {
		widest = max(widest, lipgloss.Width(f.name))
	}
	for _, f := range list {
		gap := strings.Repeat(" ", widest-lipgloss.Width(f.name)+2)
		head := "  " + u.outStyle.render(words(faint(f.name))) + gap
		text := u.fold(u.outStyle.render(f.value), 0, widest+4)
		fmt.Fprintln(u.out, head+text)
	}
}

// value writes the one JSON value of a command.
func (u *ui) value(value any) error {
	document, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("write the result as JSON: %w", err)
	}
	if u.answered.Swap(true) {
		return nil
	}
	_, err = u.out.Write(append(escapeJSON(document), '\n'))
	return err
}

// warn says on stderr what the user should know and nothing depends on.
func (u *ui) warn(text string) {
	u.progress.Note(app.NoteWarning, text)
}
