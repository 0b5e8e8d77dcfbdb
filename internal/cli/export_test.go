package cli

// HoldLock takes the lock of a gateway as another run would have it.
func HoldLock(lookup func(string) string, gatewayID string) (unlock func(), err error) {
	return newApp(Environment{Lookup: lookup}.withDefaults()).lock(gatewayID, "test")
}

// Escape is for tests of what reaches a terminal.
func Escape(text string, ascii bool) string { return escape(text, ascii) }

// EscapeJSON is the same for JSON documents.
func EscapeJSON(document []byte) []byte { return escapeJSON(document) }
