package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// writeOwn writes a file that only its owner may read and write, whatever was
// there before: a new file with mode 0600 takes the name when it is whole. So
// nobody who had the old one open sees the new content, an earlier mode does not
// last, and what another user has put there under that name is not written
// through: a link is refused, since renaming over one is what nobody expects.
func writeOwn(path string, content []byte) error {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		if info.Mode()&fs.ModeSymlink != 0 {
			return errors.New("is a link; name the file that it leads to")
		}
		return errors.New("is no file")
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // is gone when all went well
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
