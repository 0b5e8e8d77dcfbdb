package matrix_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// today is when cases begin. A bubble begins on 1 January 2000, before the
// authorities that browsers trust now existed.
var today = time.Date(2026, time.November, 27, 8, 0, 0, 0, time.UTC)

// inBubble runs a test in virtual time.
func inBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(today))
		test(t)
	})
}
