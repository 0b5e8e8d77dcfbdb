package machine

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

// everyField fills each field of a value with something that differs from its zero.
func everyField(t *testing.T, value reflect.Value) {
	t.Helper()
	switch {
	case value.Type() == reflect.TypeFor[secret.Secret]():
		value.Set(reflect.ValueOf(secret.New("pass\x00word\xff")))
	case value.Kind() == reflect.Struct:
		for i := range value.NumField() {
			everyField(t, value.Field(i))
		}
	case value.Kind() == reflect.Slice:
		value.Set(reflect.MakeSlice(value.Type(), 1, 1))
		everyField(t, value.Index(0))
	case value.Kind() == reflect.String:
		value.SetString("text")
	case value.CanInt():
		value.SetInt(7)
	case value.CanUint():
		value.SetUint(7)
	case value.Kind() == reflect.Bool:
		value.SetBool(true)
	default:
		t.Fatalf("no example for a %s", value.Type())
	}
}

func TestAJobArrivesAsItWasSent(t *testing.T) {
	t.Parallel()
	var job Job
	everyField(t, reflect.ValueOf(&job).Elem()) // a field that is added later too
	job.Format = Format
	sealed, key, err := Seal(job)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsFunc(key.Reveal(), func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) }) {
		t.Error("cmd.exe and shells would make something of the key")
	}
	if bytes.Contains(sealed, []byte("word")) {
		t.Error("it is not encrypted")
	}
	got, err := Open(sealed, key)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, job) {
		t.Errorf("got %+v, want %+v", got, job)
	}
	if got.Tasks[0].PFX.Reveal() != "pass\x00word\xff" {
		t.Error("the PFX was altered")
	}
}

func TestAJobOfAnotherFormatIsRefused(t *testing.T) {
	t.Parallel()
	sealed, key, err := Seal(Job{Format: Format + 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(sealed, key); err == nil || !strings.Contains(err.Error(), "different versions") {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsNoJobIsRefusedWithoutShowingIt(t *testing.T) {
	t.Parallel()
	whole, key, err := Seal(Job{Format: Format, Host: "hunter2", Password: secret.New("hunter2")})
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := Seal(Job{})
	if err != nil {
		t.Fatal(err)
	}
	box := func(value any) []byte {
		packed, err := pack(value)
		if err != nil {
			t.Fatal(err)
		}
		random, _ := hex.DecodeString(key.Reveal())
		box, err := boxOf(random)
		if err != nil {
			t.Fatal(err)
		}
		return box.Seal(nil, nil, packed, nil)
	}
	altered := bytes.Clone(whole)
	altered[40] ^= 1
	for name, c := range map[string]struct {
		sealed []byte
		key    secret.Secret
	}{
		"nothing":     {nil, key},
		"text":        {[]byte("hunter2"), key},
		"cut":         {whole[:len(whole)-1], key},
		"altered":     {altered, key},
		"other JSON":  {box("hunter2"), key},
		"bomb":        {box(strings.Repeat(" ", maxPlain)), key},
		"another key": {whole, other},
		"no key":      {whole, secret.New("hunter2")},
		"two":         {append(bytes.Clone(whole), whole...), key},
	} {
		if _, err := Open(c.sealed, c.key); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

var reportKey = secret.New("of this job")

func report() Report {
	return Report{Format: Format, Host: "gis1.example.com", At: time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC),
		Components: []Seen{{Component: Component{Product: Server, Port: 6443}, Chain: [][]byte{{1, 2, 3}}}}}
}

func TestAReportIsFoundInOtherOutput(t *testing.T) {
	t.Parallel()
	line, err := EncodeReport(report(), reportKey)
	if err != nil {
		t.Fatal(err)
	}
	wrapped := line[:80] + "\r\n" + line[80:160] + "\r\n" + line[160:]
	for name, output := range map[string]string{
		"alone":          line + "\n",
		"between":        "a banner; and more\n" + line + "\nthat was it;",
		"after another":  strings.Replace(line, "cartouche-report:", "cartouche-report:00", 1) + "\n" + line,
		"wrapped":        wrapped,
		"UTF-8 mark":     "\ufeff" + line,
		"without an end": line,
	} {
		got, err := DecodeReport([]byte(output), reportKey)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !reflect.DeepEqual(got, report()) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestAReportThatIsNotWholeIsNotRead(t *testing.T) {
	t.Parallel()
	line, err := EncodeReport(report(), reportKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, output string
		key          secret.Secret
		want         error
	}{
		{"nothing", "", reportKey, ErrNoReport},
		{"only the tail, as Run Command keeps it", line[40:], reportKey, ErrNoReport},
		{"cut in the mark", line[1:], reportKey, ErrNoReport},
		{"cut at the end", line[:len(line)-1], reportKey, ErrReportCut},
		{"cut in the middle", line[:len(line)/2], reportKey, ErrReportCut},
		{"one letter less", line[:120] + line[121:], reportKey, ErrReportCut},
		{"one letter else", line[:120] + string('A'+(line[120]-'A'+1)%26) + line[121:], reportKey, ErrReportCut},
		{"mixed with other output", line[:120] + "warning" + line[120:], reportKey, ErrReportCut},
		{"the answer to another job", line, secret.New("of another"), ErrReportCut},
	} {
		if _, err := DecodeReport([]byte(c.output), c.key); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

func FuzzWhatComesFromAMachine(f *testing.F) {
	line, err := EncodeReport(report(), reportKey)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(line))
	f.Fuzz(func(t *testing.T, data []byte) {
		if report, err := DecodeReport(data, reportKey); err == nil {
			if _, err := EncodeReport(report, reportKey); err != nil {
				t.Error(err)
			}
		}
		var form jobForm
		if err := unpack(data, &form); err == nil {
			_ = fmt.Sprintf("%+v", form.Components)
		}
	})
}

// A machine that is not ours any more has the key of its job, and reports what it
// likes. What is taken for a report is one again when it is written and read.
func FuzzReport(f *testing.F) {
	whole, err := json.Marshal(report())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte(`{"format":` + fmt.Sprint(Format) + `,"at":"9999-12-31T23:59:59-23:59","tasks":[{"seconds":1e308,"lost":"AAAA"}],"components":[{"chain":null,"settings":{"\ud800":"x"},"entries":[{"notAfter":"0000-01-01T00:00:00+23:59"}]}]}`))
	f.Add([]byte(strings.Repeat(`{"components":[`, 6000)))
	f.Fuzz(func(t *testing.T, plain []byte) {
		packed, err := pack(json.RawMessage(plain))
		if err != nil {
			return
		}
		text := base64.StdEncoding.EncodeToString(packed)
		got, err := DecodeReport([]byte(reportMark+hex.EncodeToString(signed([]byte(text), reportKey))+":"+text+reportEnd), reportKey)
		if err != nil {
			return
		}
		line, err := EncodeReport(got, reportKey)
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeReport([]byte(line), reportKey)
		if err != nil {
			t.Fatal(err)
		}
		one, _ := json.Marshal(got)
		two, _ := json.Marshal(again)
		if string(one) != string(two) {
			t.Errorf("%s\nis read again as\n%s", one, two)
		}
		_ = got.Failed()
	})
}
