package door

import "net/http"

// Refusal is why somebody is not let in, in sentences for them.
type Refusal struct {
	Status int
	// Code is stable, for programs.
	Code              string
	Title, Text, Next string
}

// newAddress is what helps whoever started the pages.
const newAddress = "In the window where cartouche serve runs, press Enter: that opens a new address."

var (
	badToken = Refusal{
		Status: http.StatusForbidden, Code: "bad-token", Title: "This address is not good any more",
		Text: "An address that Cartouche shows opens the pages once, and only for ten minutes. If it was not you who opened it, end Cartouche by Ctrl-C and start it again.", Next: newAddress,
	}
	notLetIn = Refusal{
		Status: http.StatusUnauthorized, Code: "not-let-in", Title: "These pages are not open in this browser",
		Text: "They are for the person who started Cartouche on this computer.", Next: newAddress,
	}
	locked = Refusal{
		Status: http.StatusUnauthorized, Code: "locked", Title: "The pages are locked",
		Text: "Nobody was here for a while, or somebody locked them. What was going on goes on; passwords that were typed are forgotten.", Next: newAddress,
	}
)
