package cli_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/arcgis"
	"github.com/cartouche-gis/cartouche/internal/cli"
	"github.com/cartouche-gis/cartouche/internal/evidence"
	"github.com/cartouche-gis/cartouche/internal/lease"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// TestEveryFieldIsDocumented holds what is written as JSON about machines
// against docs/json.md: each field is named in the section about it.
func TestEveryFieldIsDocumented(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, about := range []struct {
		section string
		values  []any
	}{
		{"## show", []any{rotation.State{}, rotation.Dark{}}},
		{"### A run that was cut off", []any{rotation.Aftermath{}, rotation.StepFound{}}},
		{"### A claim", []any{lease.Claim{}}},
		{"### A machine", []any{rotation.Machine{}, machine.Report{}, machine.Seen{}, machine.Entry{}, machine.Binding{}, machine.TaskResult{}, arcgis.FederatedServer{}}},
		{"## plan --internal", []any{rollout.Plan{}, rollout.Root{}, rollout.Trust{}, rollout.Port{}, rollout.Step{}}},
		{"## plan", []any{rotation.Plan{}, rotation.Move{}, rotation.Step{}, rotation.Operation{}, rotation.Trusting{}, rotation.Authority{}, rotation.Pinned{}}},
		{"## apply, undo, clean", []any{rotation.Result{}, rotation.MachineDone{}}},
		{"## evidence verify", []any{evidence.Report{}, evidence.Signature{}}},
		{"## rehearse", cli.RehearsalValues()},
		{"### apply --internal", []any{rollout.Result{}, rollout.Changed{}, machine.Validated{}}},
	} {
		text := sectionOf(string(document), about.section)
		if text == "" {
			t.Errorf("there is no section %q", about.section)
		}
		for _, value := range about.values {
			for _, field := range jsonFields(reflect.TypeOf(value)) {
				if !strings.Contains(text, "`"+field+"`") {
					t.Errorf("%T: the field %q is not in the section %q", value, field, about.section)
				}
			}
		}
	}
}

// sectionOf is what stands below a heading, to the next of its rank or above.
func sectionOf(document, heading string) string {
	_, text, _ := strings.Cut(document, "\n"+heading+"\n")
	rank := strings.IndexByte(heading, ' ')
	var section []string
	for row := range strings.SplitSeq(text, "\n") {
		if n := strings.IndexByte(row, ' '); n > 0 && n <= rank && strings.Trim(row[:n], "#") == "" {
			break
		}
		section = append(section, row)
	}
	return strings.Join(section, "\n")
}

// jsonFields are the names under which a struct's fields are written, those of
// embedded structs included.
func jsonFields(of reflect.Type) []string {
	var names []string
	for i := range of.NumField() {
		field := of.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-" || !field.IsExported():
		case field.Anonymous && name == "":
			names = append(names, jsonFields(field.Type)...)
		case name != "":
			names = append(names, name)
		}
	}
	return names
}
