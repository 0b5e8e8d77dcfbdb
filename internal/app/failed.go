package app

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Failed is a value together with its failure, as --json writes them: the fields of
// the value, and after them error and exit. A success has neither.
type Failed[T any] struct {
	Value T
	Error *Failure
	Exit  int
}

// MarshalJSON joins the fields of the value with error and exit.
func (f Failed[T]) MarshalJSON() ([]byte, error) { return joinFailure(f.Value, f.Error, f.Exit) }

// joinFailure appends error and exit to the fields of an object.
func joinFailure(value any, f *Failure, exit int) ([]byte, error) {
	object, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	tail, err := json.Marshal(struct {
		Error *Failure `json:"error,omitempty"`
		Exit  int      `json:"exit"`
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
