package wizard

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

const (
	// MaxFile bounds an uploaded file before pki looks at it, which has its own,
	// smaller limit.
	MaxFile = 4 << 20
	// MaxField bounds everything else that is typed into a form.
	MaxField = 16 << 10
	// maxParts is far above what any of our forms sends.
	maxParts = 32
	// MaxUpload bounds the whole body: a file, and fields.
	MaxUpload = MaxFile + 1<<20
	// maxName bounds the name of a file, which is shown and nothing else.
	maxName = 120
)

// Upload is a form with files, as it came. It is in memory only: nothing of it
// is ever written to a disk.
type Upload struct {
	values  map[string]string
	secrets map[string]secret.Secret
	files   map[string]File
}

// File is an uploaded file.
type File struct {
	// Name is what the browser calls it, made fit to be shown. It is no path.
	Name string
	Data []byte
}

// TooLargeError says that something in a form is larger than it may be.
type TooLargeError struct {
	// What is the field, "" when it is the form as a whole.
	What string
	Max  int64
}

func (e *TooLargeError) Error() string {
	if e.What == "" {
		return fmt.Sprintf("the form has more than %d parts or bytes than it may have", e.Max)
	}
	return fmt.Sprintf("%s is larger than %d bytes", e.What, e.Max)
}

// ErrForm is a form that no browser makes of our pages.
var ErrForm = errors.New("the form cannot be read")

// ReadUpload reads a form with files part by part, whatever their order. Fields that are
// named as secrets are kept as such from the first byte; an unknown one is kept as text that nobody asks for. The
// bounds are those of this file, whatever the sender says about lengths.
func ReadUpload(w http.ResponseWriter, r *http.Request, secrets ...string) (*Upload, error) {
	r.Body = http.MaxBytesReader(w, r.Body, MaxUpload)
	isSecret := map[string]bool{}
	for _, name := range secrets {
		isSecret[name] = true
	}
	u := &Upload{values: map[string]string{}, secrets: map[string]secret.Secret{}, files: map[string]File{}}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, fmt.Errorf("%w: it is not multipart/form-data", ErrForm)
	}
	for n := 0; ; n++ {
		part, err := parts.NextRawPart()
		switch {
		case errors.Is(err, io.EOF) && n == 0:
			return nil, fmt.Errorf("%w: it is empty", ErrForm)
		case errors.Is(err, io.EOF):
			return u, nil
		case err != nil:
			return nil, unreadable(err)
		case n == maxParts:
			return nil, &TooLargeError{Max: maxParts}
		}
		if err := u.take(part, isSecret); err != nil {
			return nil, err
		}
	}
}

func (u *Upload) take(part *multipart.Part, isSecret map[string]bool) error {
	name := part.FormName()
	if _, twice := u.values[name]; name == "" || twice || u.files[name].Data != nil {
		return fmt.Errorf("%w: a field without a name, or twice", ErrForm)
	}
	limit := int64(MaxField)
	isFile := part.FileName() != "" || part.Header.Get("Content-Type") != ""
	if isFile {
		limit = MaxFile
	}
	data, err := io.ReadAll(io.LimitReader(part, limit+1))
	switch {
	case err != nil:
		clear(data)
		return unreadable(err)
	case int64(len(data)) > limit:
		clear(data)
		return &TooLargeError{What: name, Max: limit}
	case isSecret[name]:
		u.values[name], u.secrets[name] = "", secret.New(string(data))
		clear(data)
	case isFile && len(data) > 0:
		u.files[name] = File{Name: shownName(part.FileName()), Data: data}
	case !isFile:
		u.values[name] = string(data)
	}
	return nil
}

func unreadable(err error) error {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &TooLargeError{Max: tooLarge.Limit}
	}
	return fmt.Errorf("%w: it ends in the middle, or its parts are malformed", ErrForm)
}

// Value is what was typed, without blanks around it.
func (u *Upload) Value(name string) string { return strings.TrimSpace(u.values[name]) }

// Secret is what was typed into a field that was named as a secret.
func (u *Upload) Secret(name string) secret.Secret { return u.secrets[name] }

// File is a file that was chosen; ok is false when none was, or an empty one.
func (u *Upload) File(name string) (file File, ok bool) {
	file, ok = u.files[name]
	return file, ok
}

// Fields are the names of everything that came, in no order.
func (u *Upload) Fields() []string {
	return slices.Concat(slices.Collect(maps.Keys(u.values)), slices.Collect(maps.Keys(u.files)))
}

// shownName makes the name of a file fit to be shown: the last element of what
// may be a path of any system, without control or invisible characters.
func shownName(name string) string {
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, "�"), `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return '�'
		}
		return r
	}, name)
	if utf8.RuneCountInString(name) > maxName {
		runes := []rune(name)
		name = string(runes[:maxName-20]) + "…" + string(runes[len(runes)-19:])
	}
	if name == "." || name == "/" || name == "" {
		return "the file"
	}
	return name
}
