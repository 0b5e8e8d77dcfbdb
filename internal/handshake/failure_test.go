package handshake

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What cannot be provoked on the loopback address of one system, Windows'
// error numbers included.
func TestDialFailuresInWords(t *testing.T) {
	system := func(errno syscall.Errno) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", errno)}
	}
	for _, row := range []struct {
		err         error
		code, words string
	}{
		{system(syscall.ECONNREFUSED), codeUnreachable, "refused"},
		{system(10061), codeUnreachable, "refused"},
		{system(syscall.ECONNRESET), codeUnreachable, "reset"},
		{system(10054), codeUnreachable, "reset"},
		{system(syscall.ENETUNREACH), codeNoRoute, "no route"},
		{system(syscall.EHOSTUNREACH), codeNoRoute, "no route"},
		{system(10051), codeNoRoute, "no route"},
		{system(10065), codeNoRoute, "no route"},
		{&net.OpError{Op: "dial", Err: context.DeadlineExceeded}, codeUnreachable, "no connection within 3s"},
		{os.ErrDeadlineExceeded, codeUnreachable, "no connection within 3s"},
		{errors.New("something new"), codeUnreachable, "something new"},
	} {
		looker := Looker{Timeout: 3 * time.Second}
		if code, words := looker.dialFailure(t.Context(), row.err); code != row.code || !strings.Contains(words, row.words) {
			t.Errorf("%v: got %q, %q", row.err, code, words)
		}
	}
}

func TestTheEndOfTheWholeLookIsNoFaultOfTheTarget(t *testing.T) {
	port := serve(t, func(c net.Conn) { c.Read(make([]byte, 1)); time.Sleep(time.Second) })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for _, o := range (&Looker{}).Look(ctx, loopback(port)) {
		if o.FailureCode != codeInterrupted || o.Failure != "the time for the whole look was up" {
			t.Errorf("got %q, %q", o.FailureCode, o.Failure)
		}
	}
}

func TestList(t *testing.T) {
	items := []string{"a", "b", "c", "d", "e", "f"}
	for n, want := range map[int]string{1: "a", 2: "a and b", 4: "a, b, c and d", 6: "a, b, c, d and 2 more"} {
		if got := list(items[:n]); got != want {
			t.Errorf("list(%s) = %q, want %q", fmt.Sprint(items[:n]), got, want)
		}
	}
}
