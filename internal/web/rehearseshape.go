package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rehearse"
	"github.com/cartouche-gis/cartouche/internal/shape"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// Rehearsing with a shape that was saved. Nobody is signed in for it, and no
// deployment is asked for anything.

// shapeForm is rehearse.html.
type shapeForm struct {
	Lessons []lesson
	// Wrong says by field what is wrong with what was sent.
	Wrong map[string]string
}

// shapeFormKind is of what a rehearsal puts down that could not read what was sent.
const shapeFormKind = "shape"

func (s *Server) showRehearseShape(w http.ResponseWriter, page shapeForm) error {
	page.Lessons = lessons
	return s.write(w, http.StatusOK, "rehearse", pages.Page{Title: "Rehearse with a saved shape", Active: "deployments", Scripts: []string{"drop.js", "forget.js"}, Data: page})
}

// rehearseShapeAgain shows what was wrong.
func (s *Server) rehearseShapeAgain(w http.ResponseWriter, r *http.Request) error {
	if wk, there := s.book.Get(r.PathValue("work")); there {
		if page, kept := wk.Value(shapeFormKind).(shapeForm); kept {
			return s.showRehearseShape(w, page)
		}
	}
	return leadTo(w, r, "/rehearse")
}

// rehearseShape rehearses a renewal with the files that were sent.
func (s *Server) rehearseShape(w http.ResponseWriter, r *http.Request) error {
	form, err := wizard.ReadUpload(w, r, "password")
	if err != nil {
		return badRequest(unreadableForm(err))
	}
	faults, err := faultsOf(form.Value("fault"))
	if err != nil {
		return err
	}
	begun := rehearsing{asked: rehearse.Asked{Scale: s.scale(), Faults: faults}}
	file, _ := form.File("shape")
	pfx, _ := form.File("pfx")
	sent := sha256.New() // who sends the same twice begins one
	sent.Write(file.Data)
	sent.Write(pfx.Data)
	job := work.Job{Kind: rehearsalKind, Title: "Rehearsing with a saved shape", Back: "/rehearse", Key: rehearsalKey(fmt.Sprintf("%x", sent.Sum(nil)), begun.asked.Faults)}
	return s.showWork(w, r, s.play(job, begun, func(ctx context.Context, wk *work.Work) (*rehearse.Original, func(), error) {
		saved, wrong := readShapeForm(form, &begun.asked)
		if len(wrong) > 0 {
			wk.Put(shapeFormKind, shapeForm{Wrong: wrong})
			wk.Lead("/rehearse/" + wk.ID)
			return nil, nil, nil
		}
		original, err := rehearse.FromShape(ctx, s.options.App.With(wk), saved, begun.asked)
		return original, nil, err
	}))
}

// readShapeForm reads the files that were sent, and says by field what is wrong.
func readShapeForm(form *wizard.Upload, asked *rehearse.Asked) (saved shape.Shape, wrong map[string]string) {
	wrong = map[string]string{}
	file, given := form.File("shape")
	if !given {
		wrong["shape"] = "Choose the file of a shape."
		return saved, wrong
	}
	saved, err := shape.Read(bytes.NewReader(file.Data))
	if err != nil {
		wrong["shape"] = pages.Sentences(file.Name + " is no shape that was saved: " + err.Error())
		return saved, wrong
	}
	pfx, given := form.File("pfx")
	if !given {
		if !saved.Masked {
			wrong["pfx"] = "Choose the new certificate, too. Only a shape whose names are masked is rehearsed with one that is made for it."
		}
		return saved, wrong
	}
	bundle, err := pki.ReadPFX(pfx.Data, form.Secret("password"))
	clear(pfx.Data)
	switch {
	case app.IsWrongPassword(err):
		wrong["password"] = "This is not the password of " + pfx.Name + ". Choose the files again and type its password."
	case err != nil:
		wrong["pfx"] = unusableFile(pfx.Name, err)
	default:
		asked.Renewal.Bundle, asked.Renewal.File = bundle, pfx.Name
	}
	return saved, wrong
}
