package pages

import (
	"fmt"
	"strings"
)

// Part makes one part of a page alone, for what changes while the page is open.
func Part(name, part string, data any) (string, error) {
	set, err := templates()
	if err != nil {
		return "", err
	}
	page, known := set[name]
	if !known {
		return "", fmt.Errorf("there is no page called %q", name)
	}
	var text strings.Builder
	if err := page.ExecuteTemplate(&text, part, data); err != nil {
		return "", fmt.Errorf("part %s of page %s: %w", part, name, err)
	}
	return strings.Map(visible, text.String()), nil
}
