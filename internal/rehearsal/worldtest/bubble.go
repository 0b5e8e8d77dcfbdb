package worldtest

import (
	"testing"
	"testing/synctest"
	"time"
)

// Today is when bubbles begin for their tests. By themselves they begin on
// 1 January 2000, before the authorities that browsers trust now existed.
var Today = time.Date(2026, time.November, 27, 8, 0, 0, 0, time.UTC)

// InBubble runs a test in virtual time, in which minutes of waiting cost
// nothing: a world in it runs at its own speed and a client with its patience for
// production. Both have to be in memory: sim.Options.InMemory, and EnterBy or
// Inside with World.Dial.
//
// The test may call neither Run nor Parallel; whoever calls InBubble may.
func InBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(Today))
		test(t)
	})
}
