package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
)

// maxAnswers bounds what is read of all answers together.
const maxAnswers = 64 << 10

// confirm asks before a change. Without a terminal nobody can be asked, and
// nothing is changed.
func (a *program) confirm(ctx context.Context, yes bool, question string) error {
	return a.confirmChange(ctx, yes, "the gateway", question)
}

// confirmChange is confirm for a change of something else.
func (a *program) confirmChange(ctx context.Context, yes bool, what, question string) error {
	if yes {
		return nil
	}
	if !a.env.StdinIsTerminal || a.ui.json {
		why := "standard input is no terminal"
		if a.ui.json {
			why = "with --json the plan is not shown"
		}
		return app.WhileServing(app.Usage("add --yes to go on without being asked", "this changes %s, and nobody can be asked: %s", what, why),
			app.NothingChanged, "")
	}
	reply, err := a.askLine(ctx, question+" [y/N] ")
	if err != nil {
		return app.WhileServing(err, app.NothingChanged, "")
	}
	switch strings.ToLower(reply) {
	case "y", "yes":
		return nil
	}
	return &app.Failure{Code: "declined", Message: "not confirmed", Serving: app.NothingChanged, Exit: app.ExitPreflight}
}

// lines is standard input for questions. There is one reader for all of them,
// since it may have read further than the first answer.
func (a *program) lines() *bufio.Reader {
	if a.answers == nil {
		a.answers = bufio.NewReader(io.LimitReader(a.env.Stdin, maxAnswers))
	}
	return a.answers
}

// askLine asks for one line on the terminal; Ctrl-D is no answer.
func (a *program) askLine(ctx context.Context, question string) (string, error) {
	reply, err := a.typed(ctx, words(question))
	if errors.Is(err, io.EOF) {
		return "", nil
	}
	return reply, err
}

// typed is the line that somebody types below a question; the error is io.EOF
// after the last one. It does not wait for the line when ctx ends, as by Ctrl-C.
func (a *program) typed(ctx context.Context, question line) (string, error) {
	a.ui.progress.Done()
	fmt.Fprint(a.env.Stderr, a.ui.errors.render(question))
	type reply struct {
		text string
		err  error
	}
	replies := make(chan reply, 1)
	go func() {
		text, err := a.lines().ReadString('\n')
		if errors.Is(err, io.EOF) && text != "" {
			err = nil
		}
		replies <- reply{strings.TrimSpace(text), err}
	}()
	select {
	case r := <-replies:
		if errors.Is(r.err, io.EOF) {
			fmt.Fprintln(a.env.Stderr)
		}
		return r.text, r.err
	case <-ctx.Done():
		fmt.Fprintln(a.env.Stderr)
		return "", ctx.Err()
	}
}
