package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// mostFiles is how many files of a directory are offered.
const mostFiles = 20

// fromFile asks for a .pfx until there is one that can be used.
func (g *guide) fromFile(ctx context.Context) error {
	directory := "."
	for {
		path, err := g.askPath(ctx, directory)
		if err != nil {
			return err
		}
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			directory = path
			continue
		}
		file := pfxFlags{file: path, passwordFile: g.options.pfx.passwordFile}
		bundle, err := g.readGood(ctx, file)
		switch {
		case ctx.Err() != nil:
			return err
		case err != nil:
			g.refusedFile(path, err)
			continue
		}
		g.bundle, g.options.pfx = bundle, file
		g.answered("file", path, "", flagWord("pfx", path))
		g.sayLeaf(bundle)
		return nil
	}
}

func (g *guide) sayLeaf(bundle *pki.Bundle) {
	described := pki.Describe(bundle.Leaf)
	g.tell(4, summary(described, g.env.Now()), faint(", for "+strings.Join(described.Names, ", ")))
}

// refusedFile says everything that is wrong with a file.
func (g *guide) refusedFile(path string, err error) {
	refused, ok := errors.AsType[*rotation.RefusedError](err)
	if !ok {
		f := app.Explain(err)
		g.tell(0, g.ui.errors.cross(), " ", f.Message)
		if f.Hint != "" {
			g.tell(4, faint("mend: "), f.Hint)
		}
		return
	}
	g.tell(0, g.ui.errors.cross(), " ", path, " cannot be used:")
	for _, finding := range refused.Findings {
		g.tell(4, finding.Sentence, faint(" ["+finding.Code+"]"))
		if finding.Mend != "" {
			g.tell(4, faint("mend: "), finding.Mend)
		}
	}
}

// askPath offers the files of a directory, and takes any path instead of them.
func (g *guide) askPath(ctx context.Context, directory string) (string, error) {
	files, hidden := pfxFiles(directory)
	if len(files) > 0 {
		g.tell(0, faint("in "+directory+":"))
	}
	for i, path := range files {
		g.entry(number(i+1), path)
	}
	if hidden > 0 {
		g.tell(4, faint(app.Count(hidden, "more file")))
	}
	for {
		text, err := g.reply(ctx, "number, or path of a file or directory", "")
		if err != nil {
			return "", err
		}
		if i, err := strconv.Atoi(text); err == nil && i >= 1 && i <= len(files) {
			return files[i-1], nil
		}
		if text != "" {
			return g.asPath(text), nil
		}
	}
}

// asPath takes a path as people type it, or as a terminal gives it when a file
// is dropped there: in quotes, with a tilde.
func (g *guide) asPath(text string) string {
	for _, mark := range []string{`"`, "'"} {
		if inner, ok := strings.CutPrefix(text, mark); ok && strings.HasSuffix(inner, mark) {
			text = strings.TrimSuffix(inner, mark)
			break
		}
	}
	if rest, ok := strings.CutPrefix(text, "~/"); ok {
		if home := g.env.Lookup("HOME"); home != "" {
			return filepath.Join(home, rest)
		}
	}
	return text
}

// pfxFiles are the .pfx files of a directory, the newest first, and how many
// more there are.
func pfxFiles(directory string) (paths []string, more int) {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return nil, 0 // it is only an offer
	}
	type file struct {
		path string
		age  int64
	}
	var files []file
	for _, entry := range entries {
		extension := strings.ToLower(filepath.Ext(entry.Name()))
		info, err := entry.Info()
		if err == nil && !entry.IsDir() && (extension == ".pfx" || extension == ".p12") {
			files = append(files, file{filepath.Join(directory, entry.Name()), -info.ModTime().UnixNano()})
		}
	}
	slices.SortStableFunc(files, func(a, b file) int { return int(min(max(a.age-b.age, -1), 1)) })
	for _, f := range files[:min(len(files), mostFiles)] {
		paths = append(paths, f.path)
	}
	return paths, len(files) - len(paths)
}
