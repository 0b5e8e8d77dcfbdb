package web

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/web/pages"
)

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

// apiList is what the page of the API lists.
type apiList struct {
	Path       string
	Operations []apiOperation
}

// apiOperation is one thing that can be asked for, as the document says it.
type apiOperation struct {
	Method, Path         string
	Summary, Description string
	Parameters           []apiParameter
	Fields               []apiParameter
}

type apiParameter struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Secret      bool   `json:"-"`
}

// apiPage lists what can be asked for.
func (s *Server) apiPage(w http.ResponseWriter, _ *http.Request) error {
	list, err := listOf(openAPI)
	if err != nil {
		return err
	}
	return s.write(w, http.StatusOK, "api", pages.Page{Title: "For programs", Data: list})
}

// listOf reads the document.
func listOf(document []byte) (apiList, error) {
	var read struct {
		Paths map[string]map[string]struct {
			Summary     string         `json:"summary"`
			Description string         `json:"description"`
			Parameters  []apiParameter `json:"parameters"`
			RequestBody struct {
				Content map[string]struct {
					Schema struct {
						Properties map[string]struct {
							Description string `json:"description"`
							Format      string `json:"format"`
						} `json:"properties"`
					} `json:"schema"`
				} `json:"content"`
			} `json:"requestBody"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(document, &read); err != nil {
		return apiList{}, err
	}
	list := apiList{Path: apiPath}
	for path, methods := range read.Paths {
		for method, said := range methods {
			o := apiOperation{
				Method: strings.ToUpper(method), Path: apiPath + path, Summary: said.Summary, Description: said.Description, Parameters: said.Parameters,
			}
			for name, field := range said.RequestBody.Content["multipart/form-data"].Schema.Properties {
				o.Fields = append(o.Fields, apiParameter{name, field.Description, field.Format == "password"})
			}
			slices.SortFunc(o.Fields, func(a, b apiParameter) int { return strings.Compare(a.Name, b.Name) })
			list.Operations = append(list.Operations, o)
		}
	}
	slices.SortFunc(list.Operations, func(a, b apiOperation) int {
		return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method)
	})
	return list, nil
}
