package matrix_test

import "github.com/cartouche-gis/cartouche/internal/rehearsal/worldtest"

// today is when cases begin.
var today = worldtest.Today

// inBubble runs a test in virtual time.
var inBubble = worldtest.InBubble
