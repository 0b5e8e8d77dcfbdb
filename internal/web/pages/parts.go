package pages

// Badge is a short judgement: a colour, a sign and always a word.
type Badge struct {
	// Kind is ok, soon, urgent, gone, unknown, or busy for what goes on now.
	Kind, Text string
}

// UrgencyOf is the kind of a badge for so many days that are left.
func UrgencyOf(days int) string {
	switch {
	case days < 0:
		return "gone"
	case days <= 14:
		return "urgent"
	case days <= 45:
		return "soon"
	}
	return "ok"
}

// Notice says what happened, and what can be done.
type Notice struct {
	// Kind is info, success, warning or error.
	Kind, Title, Text string
	// Next are sentences: what to do now. Command is one to type, Link and
	// LinkText a page to go to; each may be "".
	Next           []string
	Command        string
	Link, LinkText string
}
