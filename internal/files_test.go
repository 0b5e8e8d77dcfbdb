package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// otherModes are the files that others may read, with why. Everything else that
// the program makes is its owner's alone from the first byte.
var otherModes = map[string]string{
	"sim/environment.go":            "ca.pem is public, and read by other programs that talk to a world",
	"sim/computer/run.go":           "0500: a script on a machine of a world, as Azure's agent leaves it",
	"sim/computer/tools_other.go":   "0700: a program of a machine of a world",
	"sim/computer/tools_unix.go":    "0700: the same",
	"sim/computer/computer.go":      "opens what is there",
	"egress/proxytest/proxytest.go": "is for tests",
}

// TestFilesAreTheirOwnersAlone walks the source: whatever makes a file names a
// mode that shuts others out, at the call itself. os.Create has none.
func TestFilesAreTheirOwnersAlone(t *testing.T) {
	modes := map[string]string{"WriteFile": "0o600", "OpenFile": "0o600", "Mkdir": "0o700", "MkdirAll": "0o700", "Create": "none", "Chmod": "none"}
	calls := 0
	for _, root := range []string{".", "../cmd"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			files := token.NewFileSet()
			source, err := parser.ParseFile(files, path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(source, func(node ast.Node) bool {
				call, isCall := node.(*ast.CallExpr)
				if !isCall {
					return true
				}
				function, isName := call.Fun.(*ast.SelectorExpr)
				if !isName {
					return true
				}
				of, _ := function.X.(*ast.Ident)
				want, makes := modes[function.Sel.Name]
				if of == nil || of.Name != "os" || !makes {
					return true
				}
				calls++
				mode, _ := call.Args[len(call.Args)-1].(*ast.BasicLit)
				if (mode == nil || mode.Value != want) && otherModes[filepath.ToSlash(path)] == "" {
					t.Errorf("%s: os.%s with another mode than %s: others may read what it makes", files.Position(call.Pos()), function.Sel.Name, want)
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if calls < 10 {
		t.Errorf("only %d calls were seen", calls)
	}
	for file := range otherModes {
		if found, _ := filepath.Glob(filepath.FromSlash(file)); !slices.Contains(found, filepath.FromSlash(file)) {
			t.Errorf("%s is gone; mend the table", file)
		}
	}
}
