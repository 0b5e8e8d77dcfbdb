package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// File is the evidence of a run as it stands in its file.
type File struct {
	Document Document
	// SHA256 is what the file says of itself, Hash what its message really has.
	SHA256, Hash string
	// Signature is an armoured SSH signature, "" for none.
	Signature string
	// Message is what is hashed and signed.
	Message []byte
}

// envelope are the members of a file. Sorted they happen to stand in this order.
type envelope struct {
	Evidence  json.RawMessage `json:"evidence"`
	SHA256    *string         `json:"sha256"`
	Signature *string         `json:"signature"`
}

// seal turns a document into the bytes of its file. key is nil for unsigned.
func seal(document Document, key *Key) ([]byte, error) {
	document.SignedBy = nil
	if key != nil {
		public := key.authorized()
		document.SignedBy = &public
	}
	plain, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("evidence of run %s: %w", document.Run.ID, err)
	}
	value, err := decode(plain)
	if err != nil {
		return nil, fmt.Errorf("evidence of run %s: %w", document.Run.ID, err)
	}
	message := canonical(value)
	var signature any
	if key != nil {
		if signature, err = key.sign(message); err != nil {
			return nil, fmt.Errorf("evidence of run %s: %w", document.Run.ID, err)
		}
	}
	return canonical(map[string]any{"evidence": value, "sha256": hashOf(message), "signature": signature}), nil
}

func hashOf(message []byte) string {
	sum := sha256.Sum256(message)
	return hex.EncodeToString(sum[:])
}

// errNotCanonical says that a file holds evidence and is not as it was written.
var errNotCanonical = errors.New("the file is not in the form in which evidence is written (spaces, order or a name twice): somebody has changed it")

// Read reads a file of evidence. It looks at the form alone: whether what it says
// holds is for Verify.
func Read(data []byte) (File, error) {
	value, err := decode(data)
	if err != nil {
		return File{}, err
	}
	members, isObject := value.(map[string]any)
	inner, isEvidence := members["evidence"].(map[string]any)
	if !isObject || !isEvidence || inner["format"] != Format {
		return File{}, errors.New("this is no evidence of Cartouche")
	}
	if inner["version"] != json.Number(fmt.Sprint(version)) {
		return File{}, fmt.Errorf("evidence of version %v, and this program reads version %d: use a newer one", inner["version"], version)
	}
	file := File{Message: canonical(inner)}
	file.Hash = hashOf(file.Message)
	var outer envelope
	if err := exactly(data, &outer); err != nil {
		return File{}, err
	}
	if err := exactly(file.Message, &file.Document); err != nil {
		return File{}, err
	}
	if outer.SHA256 == nil {
		return File{}, errors.New("the file does not say its own hash")
	}
	file.SHA256 = *outer.SHA256
	if outer.Signature != nil {
		file.Signature = *outer.Signature
	}
	return file, nil
}

// exactly reads JSON into a value that has every member of it, by the same names:
// Go's own reader takes "Outcome" for "outcome", and the last of the two would win.
func exactly(data []byte, into any) error {
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("not as evidence of version %d: %w", version, err)
	}
	again, err := json.Marshal(into)
	if err != nil {
		return err
	}
	value, err := decode(again)
	if err != nil {
		return err
	}
	if !bytes.Equal(canonical(value), data) {
		return errNotCanonical
	}
	return nil
}
