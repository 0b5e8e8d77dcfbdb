package computer

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Where things are on a disk.
const (
	tempDir    = "tmp"
	homeDir    = "home"
	programDir = "bin"
	handlerDir = "run-command-handler" // Azure's own files for scripts that run
	callDir    = ".calls"              // see tools_unix.go
)

// layOut makes the disk: directories, and programs that call tools.
func (c *Computer) layOut(ctx context.Context) error {
	if c.o.Dir == "" {
		return nil
	}
	for _, dir := range []string{"", tempDir, homeDir, programDir, handlerDir, callDir} {
		if err := os.MkdirAll(filepath.Join(c.o.Dir, dir), 0o700); err != nil {
			return err
		}
	}
	if err := c.installPrograms(ctx); err != nil {
		return err
	}
	c.baggage = map[string]bool{}
	for _, name := range c.files() {
		c.baggage[name] = true
	}
	return nil
}

// diskEnv is the part of the environment that says where things are.
func (c *Computer) diskEnv() []string {
	in := func(name string) string { return filepath.Join(c.o.Dir, name) }
	return []string{
		"PATH=" + in(programDir) + string(os.PathListSeparator) + os.Getenv("PATH"),
		"HOME=" + in(homeDir), "TMPDIR=" + in(tempDir), "TEMP=" + in(tempDir), "TMP=" + in(tempDir), "LANG=C.UTF-8",
	}
}

// handlerDir makes a directory for one script, and what removes it.
func (c *Computer) handlerDir() (string, func(), error) {
	dir, err := os.MkdirTemp(filepath.Join(c.o.Dir, handlerDir), "")
	return dir, func() { _ = os.RemoveAll(dir) }, err
}

// Left lists what is on the disk that was not there at first and that no
// handler will remove, by path from Dir.
func (c *Computer) Left() []string {
	var left []string
	for _, name := range c.files() {
		if !c.baggage[name] {
			left = append(left, name)
		}
	}
	return left
}

// files lists everything on the disk but what belongs to Azure's handler and
// to calls of tools; directories end in a slash.
func (c *Computer) files() []string {
	var names []string
	_ = filepath.WalkDir(c.o.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil // it went away meanwhile
		}
		name, _ := filepath.Rel(c.o.Dir, path)
		name = filepath.ToSlash(name)
		switch {
		case name == ".":
		case name == handlerDir || name == callDir:
			return fs.SkipDir
		case entry.IsDir():
			names = append(names, name+"/")
		default:
			names = append(names, name)
		}
		return nil
	})
	slices.Sort(names)
	return names
}

// Contains lists the files of the disk, what was there at first included, that
// contain any of the texts: to look for secrets.
func (c *Computer) Contains(texts ...string) []string {
	var found []string
	for _, name := range c.files() {
		content, err := os.ReadFile(filepath.Join(c.o.Dir, filepath.FromSlash(name)))
		if err != nil {
			continue
		}
		if slices.ContainsFunc(texts, func(text string) bool { return text != "" && strings.Contains(string(content), text) }) {
			found = append(found, name)
		}
	}
	return found
}
