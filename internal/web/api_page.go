package web

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/web/pages"
)

//go:generate go test . -run TestTheDocumentIsFresh -update

// openAPI is the document of the API. api_document_test.go writes it, and holds it
// to the code.
//
//go:embed openapi.json
var openAPI []byte

func (c *call) document() (any, error) {
	c.w.Header().Set("Content-Type", "application/json")
	_, _ = c.w.Write(openAPI) // nobody is left to be told
	return nil, nil
}

// apiPage lists what can be asked for, as the document says it.
func (s *Server) apiPage(w http.ResponseWriter, _ *http.Request) error {
	list, err := listOf(openAPI)
	if err != nil {
		return err
	}
	return s.write(w, http.StatusOK, "api", pages.Page{Title: "For programs", Data: list})
}

// apiList is what the page of the API lists.
type apiList struct {
	Path   string
	Groups []apiGroup
}

type apiGroup struct {
	Name       string
	Operations []apiOperation
}

// apiOperation is one thing that can be asked for.
type apiOperation struct {
	Method, Path string
	Summary      string
	More         []textOrCode
	Parameters   []apiField
	Fields       []apiField
}

type apiField struct {
	Name   string
	Said   []textOrCode
	Secret bool
}

// textOrCode is a part of a text: the document has code between backticks.
type textOrCode struct {
	Text string
	Code bool
}

func partsOfText(text string) []textOrCode {
	var parts []textOrCode
	for i, part := range strings.Split(text, "`") {
		if part != "" {
			parts = append(parts, textOrCode{part, i%2 == 1})
		}
	}
	return parts
}

// openAPIDocument is what of the document is shown.
type openAPIDocument struct {
	Tags  []struct{ Name string }
	Paths map[string]map[string]openAPIOperation
}

type openAPIOperation struct {
	Tags                 []string
	Summary, Description string
	Parameters           []struct{ Name, Description string }
	RequestBody          struct {
		Content map[string]struct {
			Schema struct {
				Properties map[string]struct{ Description, Format string }
			}
		}
	}
}

// listOf reads the document.
func listOf(document []byte) (apiList, error) {
	var read openAPIDocument
	if err := json.Unmarshal(document, &read); err != nil {
		return apiList{}, err
	}
	list := apiList{Path: apiPath}
	for _, tag := range read.Tags {
		group := apiGroup{Name: tag.Name}
		for path, methods := range read.Paths {
			for method, said := range methods {
				if slices.Contains(said.Tags, tag.Name) {
					group.Operations = append(group.Operations, operationOf(method, path, said))
				}
			}
		}
		slices.SortFunc(group.Operations, func(a, b apiOperation) int {
			return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Method, b.Method))
		})
		group.sayOnce()
		list.Groups = append(list.Groups, group)
	}
	return list, nil
}

// sayOnce explains a parameter where it is met first.
func (g *apiGroup) sayOnce() {
	said := map[string]bool{}
	for i := range g.Operations {
		o := &g.Operations[i]
		o.Parameters = slices.DeleteFunc(o.Parameters, func(p apiField) bool { return said[p.Name] })
		for _, p := range o.Parameters {
			said[p.Name] = true
		}
	}
}

func operationOf(method, path string, said openAPIOperation) apiOperation {
	o := apiOperation{Method: strings.ToUpper(method), Path: apiPath + path, Summary: said.Summary, More: partsOfText(said.Description)}
	for _, p := range said.Parameters {
		o.Parameters = append(o.Parameters, apiField{p.Name, partsOfText(p.Description), false})
	}
	for name, field := range said.RequestBody.Content["multipart/form-data"].Schema.Properties {
		o.Fields = append(o.Fields, apiField{name, partsOfText(field.Description), field.Format == "password"})
	}
	slices.SortFunc(o.Fields, func(a, b apiField) int { return strings.Compare(a.Name, b.Name) })
	return o
}
