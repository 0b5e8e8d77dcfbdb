package machine

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

const (
	// maxEncoded bounds a job or a report on its way, maxPlain what is made of
	// it. A job with four PFX files has 40 kB, a report of a portal with a
	// hundred certificates 200 kB.
	maxEncoded = 4 << 20
	maxPlain   = 16 << 20
)

// reportMark begins a report, reportEnd ends it.
const (
	reportMark = "cartouche-report:"
	reportEnd  = ";"
)

// jobForm is the JSON form of a job: its secrets are there in clear.
type jobForm struct {
	Format     int
	Host       string
	Components []Component
	Admin      string     `json:",omitempty"`
	Password   []byte     `json:",omitempty"`
	Pins       []string   `json:",omitempty"`
	Roots      [][]byte   `json:",omitempty"`
	Tasks      []taskForm `json:",omitempty"`
	Patience   time.Duration
	Interval   time.Duration
	Limit      time.Duration
}

// taskForm covers the secrets of a task with fields of the same names, which
// encoding/json prefers as they are less deep.
type taskForm struct {
	Task
	PFX         []byte `json:",omitempty"`
	PFXPassword []byte `json:",omitempty"`
}

// Encode gives the job as one line of text, for a protected parameter: JSON,
// gzip, base64. It holds the job's secrets, so it is one itself.
func Encode(job Job) (secret.Secret, error) {
	form := jobForm{
		Format: job.Format, Host: job.Host, Components: job.Components,
		Admin: job.Admin, Password: []byte(job.Password.Reveal()), Pins: job.Pins, Roots: job.Roots,
		Patience: job.Patience, Interval: job.Interval, Limit: job.Limit,
	}
	for _, task := range job.Tasks {
		form.Tasks = append(form.Tasks, taskForm{
			Task: task, PFX: []byte(task.PFX.Reveal()), PFXPassword: []byte(task.PFXPassword.Reveal()),
		})
	}
	packed, err := pack(form)
	if err != nil {
		return secret.Secret{}, fmt.Errorf("encode the job for %s: %w", job.Host, err)
	}
	return secret.New(packed), nil
}

// Decode reads what Encode wrote. A job of another [Format] is refused.
func Decode(encoded []byte) (Job, error) {
	var form jobForm
	if err := unpack(bytes.TrimSpace(encoded), &form); err != nil {
		return Job{}, fmt.Errorf("decode the job: %w", err)
	}
	if form.Format != Format {
		return Job{}, fmt.Errorf("decode the job: it has format %d, and this program knows format %d: the two are of different versions", form.Format, Format)
	}
	job := Job{
		Format: form.Format, Host: form.Host, Components: form.Components,
		Admin: form.Admin, Password: hidden(form.Password), Pins: form.Pins, Roots: form.Roots,
		Patience: form.Patience, Interval: form.Interval, Limit: form.Limit,
	}
	for _, from := range form.Tasks {
		task := from.Task
		task.PFX, task.PFXPassword = hidden(from.PFX), hidden(from.PFXPassword)
		job.Tasks = append(job.Tasks, task)
	}
	return job, nil
}

// hidden keeps the zero Secret for what is not there.
func hidden(value []byte) secret.Secret {
	if len(value) == 0 {
		return secret.Secret{}
	}
	return secret.New(string(value))
}

// EncodeReport gives the report as one line, without its end:
//
//	cartouche-report:<SHA-256 of what follows, hex>:<base64 of gzip of JSON>;
//
// It can be found in the midst of other output, and tells whether it is whole:
// Run Command keeps only the last 4096 bytes of an output.
func EncodeReport(report Report) (string, error) {
	packed, err := pack(report)
	if err != nil {
		return "", fmt.Errorf("encode the report of %s: %w", report.Host, err)
	}
	sum := sha256.Sum256([]byte(packed))
	return reportMark + hex.EncodeToString(sum[:]) + ":" + packed + reportEnd, nil
}

var (
	// ErrNoReport is in the error of [DecodeReport] when the output has no
	// beginning of a report.
	ErrNoReport = errors.New("the output holds no report")
	// ErrReportCut is in the error of [DecodeReport] when a report is there in
	// part, or was altered.
	ErrReportCut = errors.New("the report was cut or altered on its way")
)

// DecodeReport finds the report in output, the last if there are several, and
// checks that it is whole. Line ends and blanks inside it are passed over:
// Windows PowerShell may wrap a long line of what it captures.
func DecodeReport(output []byte) (Report, error) {
	at := bytes.LastIndex(output, []byte(reportMark))
	if at < 0 {
		return Report{}, ErrNoReport
	}
	text, _, ended := bytes.Cut(output[at+len(reportMark):], []byte(reportEnd))
	if !ended {
		return Report{}, ErrReportCut
	}
	text = bytes.Join(bytes.Fields(text), nil)
	sum, packed, _ := bytes.Cut(text, []byte(":"))
	if is := sha256.Sum256(packed); hex.EncodeToString(is[:]) != string(sum) {
		return Report{}, ErrReportCut
	}
	var report Report
	if err := unpack(packed, &report); err != nil {
		return Report{}, fmt.Errorf("decode the report: %w", err)
	}
	if report.Format != Format {
		return Report{}, fmt.Errorf("decode the report: it has format %d, and this program knows format %d: the two are of different versions", report.Format, Format)
	}
	return report, nil
}

func pack(value any) (string, error) {
	var packed bytes.Buffer
	text := base64.NewEncoder(base64.StdEncoding, &packed)
	zip := gzip.NewWriter(text)
	if err := json.NewEncoder(zip).Encode(value); err != nil {
		return "", err
	}
	if err := errors.Join(zip.Close(), text.Close()); err != nil {
		return "", err
	}
	if packed.Len() > maxEncoded {
		return "", fmt.Errorf("%d bytes are more than %d", packed.Len(), maxEncoded)
	}
	return packed.String(), nil
}

// unpack reads what pack wrote. Its errors quote nothing of the content.
func unpack(packed []byte, into any) error {
	if len(packed) > maxEncoded {
		return fmt.Errorf("%d bytes are more than %d", len(packed), maxEncoded)
	}
	zip, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(packed)))
	if err != nil {
		return errors.New("it is not gzip in base64")
	}
	plain, err := io.ReadAll(io.LimitReader(zip, maxPlain+1))
	switch {
	case err != nil:
		return errors.New("it is damaged or not complete")
	case len(plain) > maxPlain:
		return fmt.Errorf("unpacked, it has more than %d bytes", maxPlain)
	}
	if err := json.Unmarshal(plain, into); err != nil {
		return errors.New("it is not the JSON that was expected")
	}
	return nil
}
