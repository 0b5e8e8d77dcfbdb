package web

import (
	"bytes"
	"net/http"
	"regexp"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/shape"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/portrait"
)

// saveShape gives the shape of a deployment as it was last looked at, as a file to
// keep, to share and to rehearse with.
func (s *Server) saveShape(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	seen, known := s.looks.get(id)
	if !known { // the way to it leads through the deployment
		if !pathID.MatchString(id) {
			return s.notFound(w, r)
		}
		return leadTo(w, r, "/deployments/"+id)
	}
	saved, err := shapeSeen(seen, r.URL.Query().Get("mask") != "")
	if err != nil {
		return &answer{http.StatusConflict, "There is no shape of it", pages.Notice{
			Kind: "warning", Title: "It has no shape to rehearse with", Text: pages.Sentences(err.Error()), Link: "/deployments/" + id, LinkText: "Back to the deployment",
		}}
	}
	var text bytes.Buffer
	if err := saved.Write(&text); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="`+shapeFile(saved)+`"`)
	_, err = w.Write(text.Bytes())
	return err
}

// shapeSeen is the shape of what was looked at, with its names masked if that was
// asked for.
func shapeSeen(seen portrait.Seen, mask bool) (shape.Shape, error) {
	saved, err := shape.Of(seen.State, seen.Roots)
	if err != nil || !mask {
		return saved, err
	}
	return shape.Masked(saved)
}

var unfitForFiles = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

// shapeFile is what the file of a shape is called. A masked name stays one.
func shapeFile(saved shape.Shape) string {
	name := strings.Trim(unfitForFiles.ReplaceAllString(saved.Deployment.Name, "-"), ".-")
	if name == "" || len(name) > 80 {
		return "shape.json"
	}
	return "shape-" + name + ".json"
}
