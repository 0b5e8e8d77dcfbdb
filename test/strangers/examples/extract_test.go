package examples

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// source is one published example as a program of ours can run it.
type source struct {
	imports map[string]string // path to name, "" for the path's own
	body    string            // of the function, with its braces
}

// extract takes an example out of its file. The text of the example stays what
// it is, but for three things: its placeholders are filled in, where it throws
// its answer away the answer is shown to witness, and the answer that stands in
// its comments becomes code that is shown to expectation.
func extract(file, function string, fill *strings.Replacer) (source, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return source{}, err
	}
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, text, parser.ParseComments)
	if err != nil {
		return source{}, err
	}
	for _, declaration := range parsed.Decls {
		f, ok := declaration.(*ast.FuncDecl)
		if !ok || f.Name.Name != function {
			continue
		}
		body := string(text[set.Position(f.Body.Pos()).Offset:set.Position(f.Body.End()).Offset])
		body = awaken(fill.Replace(body))
		return source{imports: used(parsed, body), body: body}, nil
	}
	return source{}, fmt.Errorf("%s has no %s", filepath.Base(file), function)
}

// awaken turns the comment that describes the answer into code.
func awaken(body string) string {
	var out []string
	described := "" // "res" or "page" while its description is being read
	for _, line := range strings.Split(body, "\n") {
		trimmed := strings.TrimSpace(line)
		comment, isComment := strings.CutPrefix(trimmed, "//")
		switch {
		case trimmed == "_ = res":
			out = append(out, "witness(res)")
		case described == "" && strings.HasPrefix(trimmed, "// If the HTTP response code is"):
			described = "?"
		case described == "?" && isComment:
			name, _, _ := strings.Cut(strings.TrimSpace(comment), ".")
			name, _, _ = strings.Cut(name, " ")
			described = name
			if name == "page" {
				out = append(out, "witness(page)")
			}
			out = append(out, "{", name+" := blank("+name+")", comment)
		case described != "" && isComment:
			out = append(out, comment)
		case described != "":
			out = append(out, "expectation("+described+")", "}", line)
			described = ""
		default:
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

// used are the imports of a file that a body needs.
func used(file *ast.File, body string) map[string]string {
	imports := map[string]string{}
	for _, spec := range file.Imports {
		name, full := "", strings.Trim(spec.Path.Value, `"`)
		called := path.Base(full)
		if version, err := strconv.Atoi(strings.TrimPrefix(called, "v")); err == nil && version > 1 {
			called = path.Base(path.Dir(full))
		}
		if spec.Name != nil {
			name, called = spec.Name.Name, spec.Name.Name
		}
		if strings.Contains(body, called+".") {
			imports[full] = name
		}
	}
	return imports
}

// program is a Go program that runs the example which its argument names.
func program(examples map[string]source) string {
	imports := map[string]string{"encoding/json": "", "os": "", "fmt": ""}
	var functions, cases strings.Builder
	for name, example := range examples {
		for full, alias := range example.imports {
			imports[full] = alias
		}
		fmt.Fprintf(&functions, "func %s() %s\n\n", name, example.body)
		fmt.Fprintf(&cases, "\tcase %q:\n\t\t%s()\n", name, name)
	}
	var out strings.Builder
	out.WriteString("package main\n\nimport (\n")
	for full, alias := range imports {
		fmt.Fprintf(&out, "\t%s %q\n", alias, full)
	}
	out.WriteString(")\n\n")
	out.WriteString(`func show(what string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		fmt.Fprintln(os.Stderr, what, err)
		os.Exit(1)
	}
	fmt.Printf("%s %s\n", what, text)
}

func witness(value any)     { show("witness", value) }
func expectation(value any) { show("expectation", value) }
func blank[T any](T) (zero T) { return zero }

`)
	fmt.Fprintf(&out, "func main() {\n\tswitch os.Args[1] {\n%s\t}\n}\n\n%s", cases.String(), functions.String())
	return out.String()
}
