package arcgis

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/textproto"
	"strings"
)

// upload is the file of a multipart form.
type upload struct {
	field, name, kind string
	content           []byte
	// headerToken puts the token into a header too: Esri's DSC moved it there
	// for Notebook, Mission and Video (ArcGIS_Server_TLS.psm1), which seem not
	// to read it from such a form.
	headerToken bool
}

// body is what a request sends, and its type; nothing for a GET.
func (r request) body() (kind string, content io.Reader, err error) {
	if r.file == nil {
		if r.form == nil {
			return "", nil, nil
		}
		return "application/x-www-form-urlencoded", strings.NewReader(r.form.Encode()), nil
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name := range r.form {
		if err := w.WriteField(name, r.form.Get(name)); err != nil {
			return "", nil, err
		}
	}
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name="%s"; filename="%s"`, r.file.field, r.file.name)},
		"Content-Type":        {r.file.kind},
	})
	if err != nil {
		return "", nil, err
	}
	if _, err := part.Write(r.file.content); err != nil {
		return "", nil, err
	}
	return w.FormDataContentType(), &b, w.Close()
}
