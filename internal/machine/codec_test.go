package machine

import (
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
	encoded, err := Encode(job)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(encoded.Reveal(), "\r\n ") {
		t.Error("a protected parameter is one line")
	}
	got, err := Decode([]byte(encoded.Reveal() + "\r\n"))
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
	encoded, err := Encode(Job{Format: Format + 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Decode([]byte(encoded.Reveal())); err == nil || !strings.Contains(err.Error(), "different versions") {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsNoJobIsRefusedWithoutShowingIt(t *testing.T) {
	t.Parallel()
	whole, err := Encode(Job{Format: Format, Host: "hunter2", Password: secret.New("hunter2")})
	if err != nil {
		t.Fatal(err)
	}
	bomb, err := pack(strings.Repeat(" ", maxPlain))
	if err != nil {
		t.Fatal(err)
	}
	notAJob, err := pack("hunter2")
	if err != nil {
		t.Fatal(err)
	}
	for name, input := range map[string]string{
		"nothing":     "",
		"text":        "hunter2",
		"cut":         whole.Reveal()[:len(whole.Reveal())-20],
		"other JSON":  notAJob,
		"bomb":        bomb,
		"bigger yet":  strings.Repeat("A", maxEncoded+1),
		"plain JSON":  `{"Format":1,"Password":"hunter2"}`,
		"two in line": whole.Reveal() + whole.Reveal(),
	} {
		if _, err := Decode([]byte(input)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func report() Report {
	return Report{Format: Format, Host: "gis1.example.com", At: time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC),
		Components: []Seen{{Component: Component{Product: Server, Port: 6443}, Chain: [][]byte{{1, 2, 3}}}}}
}

func TestAReportIsFoundInOtherOutput(t *testing.T) {
	t.Parallel()
	line, err := EncodeReport(report())
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
		got, err := DecodeReport([]byte(output))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !reflect.DeepEqual(got, report()) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestAReportThatIsNotWholeIsNotRead(t *testing.T) {
	t.Parallel()
	line, err := EncodeReport(report())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, output string
		want         error
	}{
		{"nothing", "", ErrNoReport},
		{"only the tail, as Run Command keeps it", line[40:], ErrNoReport},
		{"cut in the mark", line[1:], ErrNoReport},
		{"cut at the end", line[:len(line)-1], ErrReportCut},
		{"cut in the middle", line[:len(line)/2], ErrReportCut},
		{"one letter less", line[:120] + line[121:], ErrReportCut},
		{"one letter else", line[:120] + string('A'+(line[120]-'A'+1)%26) + line[121:], ErrReportCut},
		{"mixed with other output", line[:120] + "warning" + line[120:], ErrReportCut},
	} {
		if _, err := DecodeReport([]byte(c.output)); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

func FuzzWhatComesFromAMachine(f *testing.F) {
	line, err := EncodeReport(report())
	if err != nil {
		f.Fatal(err)
	}
	job, err := Encode(Job{Format: Format, Host: "h"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(line))
	f.Add([]byte(job.Reveal()))
	f.Fuzz(func(t *testing.T, data []byte) {
		if report, err := DecodeReport(data); err == nil {
			if _, err := EncodeReport(report); err != nil {
				t.Error(err)
			}
		}
		if job, err := Decode(data); err == nil {
			_ = fmt.Sprintf("%+v", job)
		}
	})
}
