package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// waitingEvery is how often a log that is no terminal hears that a wait goes on.
const waitingEvery = 10 * time.Second

// progress shows on stderr how a command goes on, in one of four ways: a
// terminal has one line at its end that is rewritten while something is waited
// for; one that is read aloud, or that cannot rewrite, gets lines; a log file
// gets lines with the time; --json gets one object per line.
type progress struct {
	mu      sync.Mutex
	w       io.Writer
	palette palette
	width   int
	json    bool
	live    bool
	plain   bool
	now     func() time.Time

	status     line      // what is being waited for, live only
	since      time.Time // when that began
	frame      int
	stop       chan struct{}
	closed     bool
	lastPhase  rotation.Phase
	lastWaited time.Time
}

func newProgress(u *ui, env Environment) *progress {
	p := &progress{
		w: env.Stderr, palette: u.errors, width: u.width, json: u.json,
		live: env.StderrIsTerminal && !u.json,
		now:  env.Now,
	}
	if env.Lookup("TERM") == "dumb" || env.Lookup("ACCESSIBLE") != "" {
		p.beAccessible()
	}
	return p
}

// beAccessible takes the rewriting away: it is read aloud again and again.
func (p *progress) beAccessible() { p.live, p.plain = false, p.live || p.plain }

// Event shows an event of a rotation; it is a Runner's Report.
func (p *progress) Event(event rotation.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
	case p.json:
		p.object(event)
	case p.live:
		p.show(event)
	default:
		p.log(event)
	}
}

// Doing says what the command does now and may take a moment.
func (p *progress) Doing(phase rotation.Phase, text string) {
	p.Event(rotation.Event{At: p.now(), Phase: phase, Text: text, Waiting: p.live})
}

// Done takes the rewritten line away.
func (p *progress) Done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
}

// close ends the display for good: nothing that still goes on is shown.
func (p *progress) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
	p.closed = true
}

// Note writes a note as a line of its own.
func (p *progress) Note(kind app.NoteKind, text string) {
	head := map[app.NoteKind]span{
		app.NoteWarning: caution("warning: "), app.NoteInDoubt: caution("! "), app.NoteEvidence: faint("evidence "), app.NoteAzure: faint("azure    "),
	}[kind]
	said := words(text)
	if kind == app.NoteAzure {
		said = words(faint(text))
	}
	p.note(words(head, said), string(kind), text)
}

// note writes a line of its own, whatever is being shown.
func (p *progress) note(l line, kind, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.json {
		p.object(struct {
			At   time.Time `json:"at"`
			Kind string    `json:"kind"`
			Text string    `json:"text"`
		}{p.now(), kind, text})
		return
	}
	p.clear()
	fmt.Fprintln(p.w, p.fold(p.palette.render(l), 2))
	p.draw()
}

// fold breaks a line that stays between words, when there is a terminal to fit.
func (p *progress) fold(text string, hang int) string {
	if !p.live && !p.plain {
		return text
	}
	return fold(p.width, text, 0, hang)
}

func (p *progress) object(value any) {
	document, err := json.Marshal(value)
	if err != nil {
		return // our own plain values; and there is nobody else to tell
	}
	_, _ = p.w.Write(append(escapeJSON(document), '\n'))
}

func (p *progress) log(event rotation.Event) {
	if event.Waiting {
		if event.Phase == p.lastPhase && event.At.Sub(p.lastWaited) < waitingEvery {
			return
		}
		p.lastPhase, p.lastWaited = event.Phase, event.At
	}
	if p.plain {
		fmt.Fprintln(p.w, p.palette.render(words(accent(fmt.Sprintf("%-8s", event.Phase)), " "))+p.fold(p.palette.render(words(event.Text)), 9))
		return
	}
	fmt.Fprintf(p.w, "%s %-8s %s\n", event.At.UTC().Format("2006-01-02T15:04:05Z"), event.Phase, escape(event.Text, p.palette.ascii))
}

// show rewrites the status line, or leaves a finished line above it.
func (p *progress) show(event rotation.Event) {
	text := words(accent(fmt.Sprintf("%-8s", event.Phase)), " ", event.Text)
	if event.Waiting {
		p.begin(text)
		return
	}
	p.wipe()
	if event.Phase == rotation.PhaseDone {
		return // the result says it
	}
	p.line(event)
}

// line writes what stays above the status line.
func (p *progress) line(event rotation.Event) {
	head := words(faint(p.palette.glyph("▸", ">")), " ", accent(fmt.Sprintf("%-8s", event.Phase)), " ")
	fmt.Fprintln(p.w, p.palette.render(head)+p.fold(p.palette.render(words(event.Text)), 11))
}

// begin shows a status line and keeps its clock moving.
func (p *progress) begin(text line) {
	if p.stop == nil {
		p.stop, p.since = make(chan struct{}), p.now()
		go p.tick(p.stop)
	}
	p.status = text
	p.draw()
}

func (p *progress) tick(stop chan struct{}) {
	ticker := time.NewTicker(120 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			p.mu.Lock()
			if p.stop == stop {
				p.frame++
				p.draw()
			}
			p.mu.Unlock()
		}
	}
}

// wipe ends the status line.
func (p *progress) wipe() {
	if p.stop == nil {
		return
	}
	close(p.stop)
	p.stop = nil
	p.status = nil
	p.clear()
}

func (p *progress) clear() {
	if p.live {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// draw writes the status line, cut to the terminal: a line that wraps could not
// be rewritten.
func (p *progress) draw() {
	if !p.live || p.status == nil {
		return
	}
	frames := []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}
	if p.palette.ascii {
		frames = []string{"|", "/", "-", `\`}
	}
	text := p.palette.render(words(accent(frames[p.frame%len(frames)]), " ", p.status))
	if took := p.now().Sub(p.since).Truncate(time.Second); took >= 2*time.Second {
		text += p.palette.render(words(faint(" " + took.String())))
	}
	width := p.width
	if width <= 0 {
		width = 80
	}
	text = lipgloss.NewStyle().MaxWidth(width - 1).Render(strings.ReplaceAll(text, "\n", " "))
	fmt.Fprint(p.w, "\r"+text+"\x1b[K")
}
