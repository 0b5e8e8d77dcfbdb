package app

import (
	"runtime"
	"strings"
	"unicode"
)

// Quote makes a name fit for a command line that a person copies: the shell must
// read it as this one word, and do nothing else, whatever the name holds.
func Quote(name string) string { return quoteFor(name, runtime.GOOS) }

// unquotable is said for a name that no command line can hold safely.
const unquotable = "NAME"

// quoteFor is quote for a shell of Unix, or for both shells of Windows.
//
// Between single quotes a shell of Unix reads nothing. On Windows nobody knows
// which shell it will be: between double quotes cmd.exe still reads %, and
// PowerShell $ and the backtick; PowerShell also takes curly quotes for straight
// ones. A name with one of those gets single quotes when cmd.exe, to which they
// are nothing, does no harm without any, and is left out when it does.
func quoteFor(name, goos string) string {
	switch {
	case name == "":
		return `""`
	case strings.HasPrefix(name, "-"), strings.ContainsFunc(name, unicode.IsControl):
		return unquotable // an option, or a line of its own
	case !strings.ContainsFunc(name, needsQuotes) && (goos == "windows" || !strings.ContainsAny(name, `\~`)):
		return name
	case goos != "windows" && strings.ContainsAny(name, "$`\"\\!"):
		return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	case goos != "windows":
		return `"` + name + `"`
	case !strings.ContainsAny(name, "$`%!\"“”„"):
		if strings.HasSuffix(name, `\`) {
			name += `\` // or it would end the word with the quote in it
		}
		return `"` + name + `"`
	case !strings.ContainsAny(name, `&|<>^%!"'‘’‚‛`):
		return "'" + name + "'"
	}
	return unquotable
}

func needsQuotes(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	}
	return !strings.ContainsRune(`-_./:\~@+`, r)
}
