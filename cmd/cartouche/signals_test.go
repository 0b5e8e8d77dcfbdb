//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"
)

// What asks the program to stop while it changes something makes it go back once,
// and leave at once when it is asked again; the loss of the terminal only ever
// makes it go back. Nobody who stops reading what it says ends it in the middle.
func TestStoppedInTheMiddle(t *testing.T) {
	worldtest.Long(t)
	t.Parallel()
	// A child inherits that SIGHUP is ignored (nohup go test), and then rightly goes on.
	hangUps := make(chan os.Signal, 1)
	signal.Notify(hangUps, syscall.SIGHUP)
	defer signal.Stop(hangUps)
	var group sync.WaitGroup
	for name, steps := range map[string][]func(*lane) error{
		"Ctrl-C":        {once(syscall.SIGINT), twice(syscall.SIGINT)},
		"SIGTERM":       {once(syscall.SIGTERM), twice(syscall.SIGTERM)},
		"lost terminal": {hungUp, nobodyReads},
	} {
		group.Go(func() {
			l, err := openLane(t, strings.ReplaceAll(name, " ", "-"))
			if err != nil {
				t.Error(err)
				return
			}
			for i, step := range steps {
				if err := step(l); err != nil {
					t.Errorf("%s, %d: %v", name, i+1, err)
					break
				}
			}
			if err := l.unwatched(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	group.Wait()
}

// said is the part of a command's JSON that is looked at here.
type said struct {
	Outcome     string
	Interrupted bool
	Exit        int
	Error       struct{ Code, Message, Hint, Serving string }
}

func (l *lane) stopped(at instant) (said, string, error) {
	end, err := l.run(at, apply...)
	if err != nil {
		return said{}, "", err
	}
	var result said
	if err := json.Unmarshal(end.stdout, &result); err != nil {
		return result, "", fmt.Errorf("status %d, %w: %s%s", end.status, err, end.stdout, end.stderr)
	}
	if end.status != result.Exit {
		return result, "", fmt.Errorf("status %d, and %d is said", end.status, result.Exit)
	}
	return result, end.stderr, nil
}

// wentBack: exit 130, what was served before is served, and the history says so.
func (l *lane) wentBack(at instant) error {
	result, stderr, err := l.stopped(at)
	if err != nil {
		return err
	}
	if result.Exit != 130 || result.Outcome != "restored" || !result.Interrupted || !strings.Contains(stderr, "stopping in order") {
		return fmt.Errorf("want 130 and restored, got %+v\n%s", result, stderr)
	}
	if leaf, err := l.served(); err != nil || leaf != l.old {
		return fmt.Errorf("clients get %s, want %s (%v)", leaf, l.old, err)
	}
	runs, err := l.history()
	if err != nil || len(runs) == 0 || runs[0].Outcome != "restored" {
		return fmt.Errorf("history: %v, %v", runs, err)
	}
	return nil
}

func once(signal syscall.Signal) func(*lane) error {
	return func(l *lane) error { return l.wentBack(instant{signal: signal, words: "took the change"}) }
}

// twice leaves at once: what may be half done is said, and what to type. The same
// command again finishes.
func twice(signal syscall.Signal) func(*lane) error {
	return func(l *lane) error {
		result, stderr, err := l.stopped(instant{signal: signal, words: "took the change", twice: true})
		if err != nil {
			return err
		}
		if result.Exit != 130 || result.Error.Code != "left" || !strings.Contains(result.Error.Message, "may still be changing") ||
			result.Error.Serving == "" || !strings.Contains(result.Error.Hint, "cartouche ") {
			return fmt.Errorf("want 130, what may be half done and the next command, got %+v\n%s", result, stderr)
		}
		runs, err := l.history()
		if err != nil || runs[0].Outcome != "in doubt" {
			return fmt.Errorf("history: %v, %v; want the run in doubt", runs, err)
		}
		return l.killed(instant{}, l.renewed, apply...)
	}
}

// hungUp: shell and kernel both tell of a terminal that is gone, and that is not
// taken for somebody who wants to leave at once.
func hungUp(l *lane) error {
	return l.wentBack(instant{signal: syscall.SIGHUP, words: "took the change", twice: true})
}

// nobodyReads closes both streams before anything is written to them.
func nobodyReads(l *lane) error {
	command := exec.Command(l.program, apply...)
	command.Env, command.Dir = l.env, l.dir
	for range 2 {
		read, write, err := os.Pipe()
		if err != nil {
			return err
		}
		defer write.Close()
		if err := read.Close(); err != nil {
			return err
		}
		if command.Stdout == nil {
			command.Stdout = write
		} else {
			command.Stderr = write
		}
	}
	if err := command.Run(); err != nil {
		return fmt.Errorf("it ended with %w", err)
	}
	runs, err := l.history()
	if err != nil || runs[0].Outcome != "verified" {
		return fmt.Errorf("history: %v, %v; want a run that was verified", runs, err)
	}
	if leaf, err := l.served(); err != nil || leaf != l.renewed {
		return fmt.Errorf("clients get %s, want %s (%v)", leaf, l.renewed, err)
	}
	return nil
}
