package web

import (
	"encoding"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/handshake"
	"github.com/cartouche-gis/cartouche/internal/pki"
)

// schemas makes JSON schemas of Go types, with what their comments say.
type schemas struct {
	t          *testing.T
	components map[string]any
	names      map[reflect.Type]string
	comments   map[string]map[string]string // of a package's types ("Plan") and fields ("Plan.Hash")
}

func newSchemas(t *testing.T) *schemas {
	t.Helper()
	return &schemas{t: t, components: map[string]any{}, names: map[reflect.Type]string{}, comments: map[string]map[string]string{}}
}

// failedFields are what every failure adds to a value.
type failedFields struct {
	Error *app.Failure `json:"error,omitempty"`
	Exit  int          `json:"exit,omitempty"`
}

// answerOf is the schema of an answer.
func (s *schemas) answerOf(about saying) any {
	switch about.value {
	case reflect.TypeFor[checkAnswer]():
		return map[string]any{"oneOf": []any{
			s.joined("FileJudged", reflect.TypeFor[app.CheckFileValue](), false), s.joined("HostJudged", reflect.TypeFor[app.CheckHostValue](), false),
		}}
	case reflect.TypeFor[map[string]any]():
		return map[string]any{"type": "object"}
	}
	if about.findings {
		return s.joined("Verified", about.value, false)
	}
	if about.machines != nil {
		return map[string]any{"anyOf": []any{s.of(about.value), s.of(about.machines)}}
	}
	return s.of(about.value)
}

// failureOf is the schema of a failed answer, with the value that it may have.
func (s *schemas) failureOf(about saying) any {
	alone := s.joined("Failed", reflect.TypeFor[struct{}](), true)
	if about.failed == nil {
		return alone
	}
	list := []any{alone, s.joined("Failed"+s.nameOf(about.failed), about.failed, true)}
	if about.runs { // it may have been refused before it began
		list = append(list, s.joined("FailedPlan", plan, true))
	}
	if about.machines != nil {
		for _, t := range []reflect.Type{machinesResult, atMachines} {
			list = append(list, s.joined("Failed"+s.nameOf(t), t, true))
		}
	}
	return map[string]any{"anyOf": list}
}

// joined are the fields of a value with those of a failure; must tells that it is one.
func (s *schemas) joined(name string, t reflect.Type, must bool) any {
	if _, there := s.components[name]; !there {
		object := s.object(t)
		extra := s.object(reflect.TypeFor[failedFields]())
		properties := object["properties"].(map[string]any)
		maps.Copy(properties, extra["properties"].(map[string]any))
		if must {
			object["required"] = append(object["required"].([]string), "error", "exit")
		}
		s.components[name] = object
	}
	return ref(name)
}

func ref(name string) any { return map[string]any{"$ref": "#/components/schemas/" + name} }

var (
	marshaler     = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// of is the schema of a type; a struct becomes a component.
func (s *schemas) of(t reflect.Type) any {
	switch t {
	case reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case reflect.TypeFor[json.RawMessage]():
		return map[string]any{}
	case reflect.TypeFor[[]byte]():
		return map[string]any{"type": "string", "contentEncoding": "base64"}
	case reflect.TypeFor[pki.Findings]():
		return map[string]any{"type": "array", "items": s.of(reflect.TypeFor[pki.Finding]())}
	case reflect.TypeFor[handshake.Observation](): // see its MarshalJSON
		return s.component(t)
	}
	if t.Kind() == reflect.Pointer {
		return s.of(t.Elem())
	}
	if t.Implements(marshaler) || t.Implements(textMarshaler) {
		s.t.Fatalf("%s writes itself in a way that is not known here", t)
	}
	switch t.Kind() {
	case reflect.Struct:
		return s.component(t)
	case reflect.Slice, reflect.Array:
		return map[string]any{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Interface:
		return map[string]any{}
	}
	s.t.Fatalf("no schema for %s", t)
	return nil
}

// nameOf is what a type is called in the document: as in Go, with its package
// where another one is called the same.
func (s *schemas) nameOf(t reflect.Type) string {
	if name, known := s.names[t]; known {
		return name
	}
	name := strings.TrimSuffix(strings.ToUpper(t.Name()[:1])+t.Name()[1:], "Value")
	taken := slices.Collect(maps.Values(s.names))
	if slices.Contains(taken, name) {
		room := t.PkgPath()[strings.LastIndex(t.PkgPath(), "/")+1:]
		name = strings.ToUpper(room[:1]) + room[1:] + name
	}
	if slices.Contains(taken, name) {
		s.t.Fatalf("two types are called %s", name)
	}
	s.names[t] = name
	return name
}

func (s *schemas) component(t reflect.Type) any {
	name := s.nameOf(t)
	if _, there := s.components[name]; !there {
		s.components[name] = nil // while it is made: it may hold itself
		s.components[name] = s.object(t)
	}
	return ref(name)
}

// object is the schema of a struct.
func (s *schemas) object(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	s.addFields(t, properties, &required)
	if t == reflect.TypeFor[handshake.Observation]() {
		properties["leaf"] = described(s.of(reflect.TypeFor[pki.Description]()), "The first certificate that was sent.")
		properties["chainDER"] = described(s.of(reflect.TypeFor[[][]byte]()), "All that were sent, each as base64 of its DER.")
	}
	object := map[string]any{"type": "object", "properties": properties, "required": required}
	if words := s.comment(t, t.Name()); words != "" {
		object["description"] = words
	}
	return object
}

func (s *schemas) addFields(t reflect.Type, properties map[string]any, required *[]string) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-" && options == "":
			continue
		case field.Anonymous && name == "":
			inner := field.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			s.addFields(inner, properties, required)
			continue
		case !field.IsExported():
			continue
		case name == "":
			s.t.Errorf("%s.%s is written, and has no name in JSON", t, field.Name)
			continue
		}
		schema := s.of(field.Type)
		absent := strings.Contains(options, "omit")
		if !absent {
			*required = append(*required, name)
			schema = nullable(field.Type, schema)
		}
		properties[name] = described(schema, s.comment(t, t.Name()+"."+field.Name))
	}
}

// nullable is a schema of what Go writes as null when there is none.
func nullable(t reflect.Type, schema any) any {
	switch t.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice:
	default:
		return schema
	}
	known := schema.(map[string]any)
	switch {
	case t == reflect.TypeFor[pki.Findings](), len(known) == 0:
		return schema
	case known["$ref"] != nil:
		return map[string]any{"anyOf": []any{schema, map[string]any{"type": "null"}}}
	}
	known["type"] = []any{known["type"], "null"}
	return known
}

// described adds words to a schema; beside a reference they are allowed since 3.1.
func described(schema any, words string) any {
	if words == "" {
		return schema
	}
	with := maps.Clone(schema.(map[string]any))
	with["description"] = words
	return with
}

var docLink = regexp.MustCompile(`\[([A-Za-z.]+)\]`)

// comment is what the source says of a type or of a field.
func (s *schemas) comment(t reflect.Type, name string) string {
	const module = "github.com/cartouche-gis/cartouche/internal/"
	room, ours := strings.CutPrefix(t.PkgPath(), module)
	if !ours {
		return ""
	}
	if s.comments[room] == nil {
		s.comments[room] = s.readComments(filepath.Join("..", filepath.FromSlash(room)))
	}
	return docLink.ReplaceAllString(strings.Join(strings.Fields(s.comments[room][name]), " "), "$1")
}

func (s *schemas) readComments(directory string) map[string]string {
	files, err := filepath.Glob(filepath.Join(directory, "*.go"))
	if err != nil || len(files) == 0 {
		s.t.Fatalf("no sources in %s: %v", directory, err)
	}
	read := map[string]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			general, ok := declaration.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range general.Specs {
				if of, isType := spec.(*ast.TypeSpec); isType {
					readType(read, general, of)
				}
			}
		}
	}
	return read
}

func readType(read map[string]string, general *ast.GenDecl, of *ast.TypeSpec) {
	read[of.Name.Name] = general.Doc.Text() + of.Doc.Text()
	fields, isStruct := of.Type.(*ast.StructType)
	if !isStruct {
		return
	}
	for _, field := range fields.Fields.List {
		for _, name := range field.Names {
			read[of.Name.Name+"."+name.Name] = field.Doc.Text() + field.Comment.Text()
		}
	}
}
