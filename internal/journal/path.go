package journal

import (
	"errors"
	"path/filepath"
	"strings"
)

const fileName = "journal.db"

// DefaultPath is the journal's place in the user's state directory:
//
//	$CARTOUCHE_STATE_DIR/journal.db                               if set
//	$XDG_STATE_HOME/cartouche/journal.db                          Linux and others
//	~/.local/state/cartouche/journal.db                           the same, if unset
//	~/Library/Application Support/cartouche/journal.db            macOS ("darwin")
//	%LocalAppData%\cartouche\journal.db                           Windows
//
// lookup is os.Getenv, goos is runtime.GOOS.
func DefaultPath(lookup func(string) string, goos string) (string, error) {
	if dir := lookup("CARTOUCHE_STATE_DIR"); dir != "" {
		return filepath.Join(dir, fileName), nil
	}
	dir, err := stateDir(lookup, goos)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "cartouche", fileName), nil
}

func stateDir(lookup func(string) string, goos string) (string, error) {
	home := lookup("HOME")
	switch goos {
	case "windows":
		if dir := lookup("LocalAppData"); dir != "" {
			return dir, nil
		}
		return "", errors.New("find the state directory: %LocalAppData% is not set; set CARTOUCHE_STATE_DIR")
	case "darwin", "ios":
		if home != "" {
			return filepath.Join(home, "Library", "Application Support"), nil
		}
	default:
		// The XDG specification says to ignore paths that are not absolute.
		if dir := lookup("XDG_STATE_HOME"); strings.HasPrefix(dir, "/") {
			return dir, nil
		}
		if home != "" {
			return filepath.Join(home, ".local", "state"), nil
		}
	}
	return "", errors.New("find the state directory: HOME is not set; set CARTOUCHE_STATE_DIR")
}
