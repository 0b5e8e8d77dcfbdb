package app

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// ReadBounded reads a file of at most limit bytes; of a larger one it gives one
// byte more, so that whoever reads it sees that it is too large.
func ReadBounded(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, PlainPathError(err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, PlainPathError(err)
	}
	return content, nil
}

// PlainPathError leaves operation and path out: the message names the path itself.
func PlainPathError(err error) error {
	if cause, ok := errors.AsType[*fs.PathError](err); ok {
		return cause.Err
	}
	return err
}
