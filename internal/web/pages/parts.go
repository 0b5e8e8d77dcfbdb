package pages

// Badge is a short judgement: a colour, a sign and always a word.
type Badge struct {
	// Kind is ok, soon, urgent, gone, unknown, or busy for what goes on now.
	Kind, Text string
}

// UrgencyOf is the kind of a badge for so many days that are left; the command
// line colours them alike.
func UrgencyOf(days int) string {
	switch {
	case days < 0:
		return "gone"
	case days <= 14:
		return "urgent"
	case days <= 30:
		return "soon"
	}
	return "ok"
}

// Notice says what happened, and what can be done.
type Notice struct {
	// Kind is info, success, warning or error.
	Kind, Title, Text string
	// List says it in single sentences.
	List []string
	// Next are sentences: what to do now. Command is one to type, Link and
	// LinkText a page to go to; each may be "".
	Next           []string
	Command        string
	Link, LinkText string
}

// Pager leads through a list that is longer than a page: what is shown of it,
// and the addresses of its neighbours, "" where there is none.
type Pager struct {
	First, Last, Of int
	Previous, Next  string
}

// PagerOf is the pager of a page (1 is the first) of so many things, size on
// each; address makes the address of another page.
func PagerOf(page, size, count int, address func(page int) string) Pager {
	last := max(1, (count+size-1)/size)
	page = min(max(page, 1), last)
	p := Pager{First: (page-1)*size + 1, Last: min(page*size, count), Of: count}
	if page > 1 {
		p.Previous = address(page - 1)
	}
	if page < last {
		p.Next = address(page + 1)
	}
	return p
}
