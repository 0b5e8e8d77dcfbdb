package wizard

import (
	"testing"
	"time"
)

func TestALoginIsTriedThreeTimes(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	a := NewAttempts(func() time.Time { return now })
	for left := 2; left >= 0; left-- {
		if _, locked := a.Locked("x"); locked {
			t.Fatalf("locked with %d left", left+1)
		}
		if got := a.Wrong("x"); got != left {
			t.Fatalf("%d are left, want %d", got, left)
		}
	}
	if until, locked := a.Locked("x"); !locked || !until.Equal(now.Add(attemptsFor)) {
		t.Errorf("locked %v until %s", locked, until)
	}
	if _, locked := a.Locked("y"); locked {
		t.Error("another login is locked")
	}
	now = now.Add(attemptsFor + time.Second)
	if _, locked := a.Locked("x"); locked {
		t.Error("locked for ever")
	}
	a.Wrong("x")
	a.Wrong("x")
	a.Right("x")
	if left := a.Wrong("x"); left != 2 {
		t.Errorf("after a right one %d are left", left)
	}
}
