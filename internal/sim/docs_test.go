package sim_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/sim/arm"
	"github.com/cartouche-gis/cartouche/internal/sim/storage"
)

// Every switch of storage is documented, and what is documented is there.
func TestSwitchesOfMachinesAndStorageAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/simulator.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "<!-- compute: begin -->")
	table, _, found := strings.Cut(rest, "<!-- compute: end -->")
	if !found {
		t.Fatal("docs/simulator.md has no table compute")
	}
	ofMachines, ofStorage := reflect.TypeFor[arm.Guesses](), reflect.TypeFor[storage.Guesses]()
	documented := map[string]bool{}
	for _, name := range regexp.MustCompile("(?m)^\\| `(\\w+)`").FindAllStringSubmatch(table, -1) {
		_, first := ofMachines.FieldByName(name[1])
		_, second := ofStorage.FieldByName(name[1])
		if documented[name[1]] = true; !first && !second {
			t.Errorf("there is no switch %s", name[1])
		}
	}
	for i := range ofStorage.NumField() {
		if name := ofStorage.Field(i).Name; !documented[name] {
			t.Errorf("storage.Guesses.%s is not documented", name)
		}
	}
}
