package cli

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/cartouche-gis/cartouche/internal/app"
)

// joinFailure appends error and exit to the fields of an object.
func joinFailure(value any, f *app.Failure, exit int) ([]byte, error) {
	object, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	tail, err := json.Marshal(struct {
		Error *app.Failure `json:"error,omitempty"`
		Exit  int          `json:"exit"`
	}{f, exit})
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(object, []byte("{")) {
		return nil, fmt.Errorf("a result that is no object cannot carry an error")
	}
	if bytes.Equal(object, []byte("{}")) {
		return tail, nil
	}
	joined := append(object[:len(object)-1:len(object)-1], ',')
	return append(joined, tail[1:]...), nil
}

// answer writes a command's JSON value and, when it has failed, the failure
// with it; it returns the failure marked as told.
func answer[T any](u *ui, value T, f *app.Failure) error {
	if f == nil {
		return u.value(value)
	}
	err := u.value(failed[T]{Value: value, Error: f, Exit: f.Exit})
	if err != nil {
		return err
	}
	return told(f)
}
