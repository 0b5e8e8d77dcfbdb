package machine

import (
	"bytes"
	"compress/gzip"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
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
	Names      []string   `json:",omitempty"`
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

// Seal encrypts the job, to lie where the machine fetches it, with a key that
// is good for this job only. The key is one word of letters and digits, for a
// protected parameter: so no secret of a job is ever in an argument list or in
// the record of one, which Windows may keep, and no job is too long.
func Seal(job Job) (sealed []byte, key secret.Secret, err error) {
	form := jobForm{
		Format: job.Format, Host: job.Host, Components: job.Components,
		Admin: job.Admin, Password: []byte(job.Password.Reveal()), Pins: job.Pins, Roots: job.Roots, Names: job.Names,
		Patience: job.Patience, Interval: job.Interval, Limit: job.Limit,
	}
	for _, task := range job.Tasks {
		form.Tasks = append(form.Tasks, taskForm{
			Task: task, PFX: []byte(task.PFX.Reveal()), PFXPassword: []byte(task.PFXPassword.Reveal()),
		})
	}
	packed, err := pack(form)
	if err != nil {
		return nil, secret.Secret{}, fmt.Errorf("encode the job for %s: %w", job.Host, err)
	}
	var random [32]byte
	rand.Read(random[:])
	box, err := boxOf(random[:])
	if err != nil {
		return nil, secret.Secret{}, err
	}
	return box.Seal(nil, nil, packed, nil), secret.New(hex.EncodeToString(random[:])), nil
}

// Open reads what Seal wrote. A job of another [Format] is refused.
func Open(sealed []byte, key secret.Secret) (Job, error) {
	random, err := hex.DecodeString(key.Reveal())
	if err != nil || len(random) != 32 {
		return Job{}, errors.New("decode the job: its key is none")
	}
	box, err := boxOf(random)
	if err != nil {
		return Job{}, err
	}
	packed, err := box.Open(nil, nil, sealed, nil)
	if err != nil {
		return Job{}, errors.New("decode the job: it is not the one that was sent, or is not complete")
	}
	var form jobForm
	if err := unpack(packed, &form); err != nil {
		return Job{}, fmt.Errorf("decode the job: %w", err)
	}
	if form.Format != Format {
		return Job{}, fmt.Errorf("decode the job: it has format %d, and this program knows format %d: the two are of different versions", form.Format, Format)
	}
	job := Job{
		Format: form.Format, Host: form.Host, Components: form.Components,
		Admin: form.Admin, Password: hidden(form.Password), Pins: form.Pins, Roots: form.Roots, Names: form.Names,
		Patience: form.Patience, Interval: form.Interval, Limit: form.Limit,
	}
	for _, from := range form.Tasks {
		task := from.Task
		task.PFX, task.PFXPassword = hidden(from.PFX), hidden(from.PFXPassword)
		job.Tasks = append(job.Tasks, task)
	}
	return job, nil
}

// boxOf is AES-256-GCM, with a random nonce before what it seals.
func boxOf(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
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
//	cartouche-report:<HMAC-SHA-256 of what follows, hex>:<base64 of gzip of JSON>;
//
// It can be found in the midst of other output, and tells whether it is whole:
// Run Command keeps only the last 4096 bytes of an output. The key is the job's:
// nobody else can answer in the machine's place.
func EncodeReport(report Report, key secret.Secret) (string, error) {
	packed, err := pack(report)
	if err != nil {
		return "", fmt.Errorf("encode the report of %s: %w", report.Host, err)
	}
	text := base64.StdEncoding.EncodeToString(packed)
	return reportMark + hex.EncodeToString(signed([]byte(text), key)) + ":" + text + reportEnd, nil
}

func signed(text []byte, key secret.Secret) []byte {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write(text)
	return mac.Sum(nil)
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
// checks that it is whole and the answer to the job with this key. Line ends and blanks inside it are passed over:
// Windows PowerShell may wrap a long line of what it captures.
func DecodeReport(output []byte, key secret.Secret) (Report, error) {
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
	is, err := hex.DecodeString(string(sum))
	if err != nil || !hmac.Equal(is, signed(packed, key)) {
		return Report{}, ErrReportCut
	}
	if packed, err = base64.StdEncoding.DecodeString(string(packed)); err != nil {
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

// pack gives gzip of JSON.
func pack(value any) ([]byte, error) {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if err := errors.Join(json.NewEncoder(zip).Encode(value), zip.Close()); err != nil {
		return nil, err
	}
	if packed.Len() > maxEncoded {
		return nil, fmt.Errorf("%d bytes are more than %d", packed.Len(), maxEncoded)
	}
	return packed.Bytes(), nil
}

// unpack reads what pack wrote. Its errors quote nothing of the content.
func unpack(packed []byte, into any) error {
	if len(packed) > maxEncoded {
		return fmt.Errorf("%d bytes are more than %d", len(packed), maxEncoded)
	}
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return errors.New("it is not gzip")
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
