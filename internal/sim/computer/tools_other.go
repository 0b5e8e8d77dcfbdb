//go:build !unix

package computer

import (
	"context"
	"os"
	"path/filepath"
)

// installPrograms writes empty files: they are there to be found and not run.
func (c *Computer) installPrograms(context.Context) error {
	for path := range c.o.Programs {
		path = filepath.Join(c.o.Dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, nil, 0o700); err != nil {
			return err
		}
	}
	return nil
}
