package wizard

import (
	"bytes"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"strings"
	"testing"
)

// form is a body as browsers make it.
func form(t *testing.T, write func(*multipart.Writer)) (body []byte, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	write(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), w.FormDataContentType()
}

func read(body []byte, contentType string, secrets ...string) (*Upload, error) {
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	return ReadUpload(httptest.NewRecorder(), r, secrets...)
}

func file(w *multipart.Writer, field, name string, data []byte) {
	part, _ := w.CreateFormFile(field, name)
	_, _ = part.Write(data)
}

func TestAnUploadIsReadInAnyOrder(t *testing.T) {
	t.Parallel()
	password := func(w *multipart.Writer) { _ = w.WriteField("password", " pass word ") }
	pfx := func(w *multipart.Writer) { file(w, "pfx", "gis.pfx", []byte{0x30, 0x00, 0xff}) }
	for _, order := range [][]func(*multipart.Writer){{password, pfx}, {pfx, password}} {
		body, kind := form(t, func(w *multipart.Writer) {
			_ = w.WriteField("name", "  gis-2027 ")
			for _, write := range order {
				write(w)
			}
		})
		u, err := read(body, kind, "password")
		if err != nil {
			t.Fatal(err)
		}
		f, ok := u.File("pfx")
		if !ok || f.Name != "gis.pfx" || !bytes.Equal(f.Data, []byte{0x30, 0x00, 0xff}) {
			t.Errorf("file %v %q %x", ok, f.Name, f.Data)
		}
		if got := u.Secret("password"); got.Reveal() != " pass word " || u.Value("password") != "" {
			t.Errorf("the password is %q, and as text %q", got.Reveal(), u.Value("password"))
		}
		if u.Value("name") != "gis-2027" || u.Value("other") != "" {
			t.Errorf("values %q, %q", u.Value("name"), u.Value("other"))
		}
		if text := fmt.Sprintf("%v %+v %#v", u, u, *u); strings.Contains(text, "pass word") {
			t.Error("a password can be printed")
		}
	}
}

func TestNoFileIsChosen(t *testing.T) {
	t.Parallel()
	body, kind := form(t, func(w *multipart.Writer) { file(w, "pfx", "", nil); file(w, "roots", "empty.pem", nil) })
	u, err := read(body, kind)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pfx", "roots"} {
		if f, ok := u.File(name); ok {
			t.Errorf("%s is a file: %+v", name, f)
		}
	}
}

func TestHostileUploadsAreRefused(t *testing.T) {
	t.Parallel()
	large := func(size int) func(*multipart.Writer) {
		return func(w *multipart.Writer) { file(w, "pfx", "large.pfx", make([]byte, size)) }
	}
	whole, kind := form(t, large(100))
	tests := map[string]struct {
		write    func(*multipart.Writer)
		body     []byte
		kind     string
		tooLarge bool
	}{
		"a file that is too large":     {write: large(MaxFile + 1), tooLarge: true},
		"a form that is too large":     {write: large(MaxUpload + 1), tooLarge: true},
		"a field that is too large":    {write: func(w *multipart.Writer) { _ = w.WriteField("name", strings.Repeat("x", MaxField+1)) }, tooLarge: true},
		"a password that is too large": {write: func(w *multipart.Writer) { _ = w.WriteField("password", strings.Repeat("x", MaxField+1)) }, tooLarge: true},
		"files of just their size": {write: func(w *multipart.Writer) {
			file(w, "a", "a", make([]byte, MaxFile))
			file(w, "b", "b", make([]byte, MaxFile))
			file(w, "c", "c", make([]byte, MaxFile))
		}, tooLarge: true},
		"a thousand parts": {write: func(w *multipart.Writer) {
			for i := range 1000 {
				_ = w.WriteField(fmt.Sprint("f", i), "")
			}
		}, tooLarge: true},
		"a field twice":    {write: func(w *multipart.Writer) { _ = w.WriteField("name", "a"); _ = w.WriteField("name", "b") }},
		"a file twice":     {write: func(w *multipart.Writer) { file(w, "pfx", "a", []byte("a")); file(w, "pfx", "b", []byte("b")) }},
		"a password twice": {write: func(w *multipart.Writer) { _ = w.WriteField("password", "a"); _ = w.WriteField("password", "b") }},
		"a field without a name": {write: func(w *multipart.Writer) {
			_, _ = w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {"form-data"}})
		}},
		"a body that ends in the middle": {body: whole[:len(whole)-70], kind: kind},
		"garbage":                        {body: []byte("\x00\xff garbage"), kind: kind},
		"another boundary":               {body: whole, kind: "multipart/form-data; boundary=other"},
		"no boundary":                    {body: whole, kind: "multipart/form-data"},
		"another kind of form":           {body: []byte("name=a"), kind: "application/x-www-form-urlencoded"},
		"no kind at all":                 {body: whole, kind: ""},
		"a header that is too large": {write: func(w *multipart.Writer) {
			_, _ = w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + strings.Repeat("x", MaxUpload) + `"`}})
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, kind := test.body, test.kind
			if test.write != nil {
				body, kind = form(t, test.write)
			}
			u, err := read(body, kind, "password")
			if err == nil {
				t.Fatalf("it was read: %v", u.values)
			}
			_, tooLarge := errors.AsType[*TooLargeError](err)
			if test.tooLarge && !tooLarge || !tooLarge && !errors.Is(err, ErrForm) {
				t.Errorf("the error is %T: %v", err, err)
			}
		})
	}
}

func TestNamesOfFilesAreData(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"gis.pfx":                         "gis.pfx",
		`C:\Users\jo\gis 2027.pfx`:        "gis 2027.pfx",
		"../../etc/passwd":                "passwd",
		"":                                "the file",
		"..":                              "..",
		"/":                               "the file",
		"a\x00b\nc.pfx":                   "a�b�c.pfx",
		"gis\u202exfp.pfx":                "gis�xfp.pfx",
		`<img src=x onerror=alert(1)>`:    `<img src=x onerror=alert(1)>`,
		"\xff\xfe.pfx":                    "�.pfx",
		strings.Repeat("ä", 200) + ".pfx": strings.Repeat("ä", 100) + "…" + strings.Repeat("ä", 15) + ".pfx",
	} {
		if got := shownName(name); got != want {
			t.Errorf("%q is shown as %q, want %q", name, got, want)
		}
	}
}

// Nothing of an upload may be on a disk, however large it is.
func TestUploadsMakeNoFile(t *testing.T) {
	directory := t.TempDir()
	t.Setenv("TMPDIR", directory)
	t.Setenv("TMP", directory)
	body, kind := form(t, func(w *multipart.Writer) { file(w, "pfx", "gis.pfx", make([]byte, MaxFile)) })
	if _, err := read(body, kind); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(directory)
	if err != nil || len(entries) > 0 {
		t.Errorf("files were made: %v (%v)", entries, err)
	}
}

func FuzzUpload(f *testing.F) {
	f.Add([]byte("--x\r\nContent-Disposition: form-data; name=\"pfx\"; filename=\"a\"\r\n\r\ndata\r\n--x--\r\n"))
	f.Add([]byte("--x\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\ndata\r\n--x--\r\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		u, err := read(body, "multipart/form-data; boundary=x", "password")
		if err != nil {
			_, tooLarge := errors.AsType[*TooLargeError](err)
			if !tooLarge && !errors.Is(err, ErrForm) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		if u.Value("password") != "" {
			t.Fatal("a password is text")
		}
		for _, file := range u.files {
			if file.Name == "" || strings.ContainsAny(file.Name, "\x00\n\r") || len(file.Data) == 0 {
				t.Fatalf("file %q of %d bytes", file.Name, len(file.Data))
			}
		}
	})
}
