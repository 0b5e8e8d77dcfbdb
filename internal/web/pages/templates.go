package pages

import (
	"embed"
	"html/template"
	"io/fs"
	"path"
	"strings"
	"sync"
)

//go:embed templates
var templateFiles embed.FS

// templates are all pages by name, parsed when the first is asked for: a
// command that shows none does not wait for them.
var templates = sync.OnceValues(func() (map[string]*template.Template, error) {
	frame, err := template.New("frame").Funcs(functions).ParseFS(templateFiles, "templates/layout.html", "templates/parts*.html")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	set := map[string]*template.Template{}
	for _, file := range names {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" || strings.HasPrefix(name, "parts") {
			continue
		}
		page, err := frame.Clone()
		if err != nil {
			return nil, err
		}
		if set[name], err = page.ParseFS(templateFiles, file); err != nil {
			return nil, err
		}
	}
	return set, nil
})
