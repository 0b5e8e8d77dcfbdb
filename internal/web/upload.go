package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/rotation"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
	"github.com/cartouche-gis/cartouche/internal/web/work"
)

// Putting a file into a Key Vault and nothing else: which vault, which name and
// file, what that comes to, and the yes. What is typed is kept as that of a renewal
// is, in a book of its own.

func (s *Server) uploadRoutes() {
	s.uploads = wizard.NewBook(s.options.App.Now)
	s.atLock(s.uploads.Lock)
	s.handle("GET /upload", func(w http.ResponseWriter, _ *http.Request) error {
		return s.write(w, http.StatusOK, "upload", pages.Page{Title: "Put a file into a Key Vault", Data: uploadPage{}})
	})
	s.handle("POST /upload", func(w http.ResponseWriter, r *http.Request) error {
		return leadTo(w, r, uploadPath(s.uploads.Begin(), "certificate"))
	})
	s.handle("GET /upload/{upload}/certificate", s.ofUpload(s.showUpload))
	s.handle("POST /upload/{upload}/certificate", s.ofUpload(s.giveUpload))
	s.handle("GET /upload/{upload}/review", s.ofUpload(s.reviewUpload))
	s.handle("POST /upload/{upload}/review", s.ofUpload(s.uploadNow))
	s.handle("GET /uploaded/{work}", s.uploaded)
}

const uploadKind = "upload"

func uploadPath(u *wizard.Renewal, page string) string { return "/upload/" + u.ID + "/" + page }

func uploadKey(id string) string { return "upload " + id }

// ofUpload finds what was typed for an upload.
func (s *Server) ofUpload(h renewalHandler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		id := r.PathValue("upload")
		if u, known := s.uploads.Find(id); known {
			return h(w, r, u)
		}
		begun := s.book.Find(func(wk *work.Work) bool { return wk.Job().Key == uploadKey(id) })
		if len(begun) > 0 && r.Method == http.MethodPost {
			return s.showWork(w, r, begun[0]) // it was clicked twice
		}
		return s.write(w, http.StatusNotFound, "error", pages.Page{Title: "This is no longer kept", Data: pages.Notice{
			Kind: "info", Title: "It has ended, or nobody went on with it for long",
			Text: "What was typed is gone, and nothing was changed by it.", Link: "/upload", LinkText: "Put a file into a Key Vault",
		}})
	}
}

// uploadPage is upload.html.
type uploadPage struct {
	certificatePage
	// Names are those that the file has to cover, as they were typed.
	Names string
}

// showUpload asks for the vault, then for the name and the file.
func (s *Server) showUpload(w http.ResponseWriter, r *http.Request, u *wizard.Renewal) error {
	query := r.URL.Query()
	u.Lock()
	page := uploadPage{certificatePage{From: wizard.Create, Vault: u.Chosen.Vault, Choices: u.Choices, Back: "/"}, u.Chosen.Names}
	u.Unlock()
	if query.Has("vault") || query.Has("from") {
		page.Vault = query.Get("vault")
	}
	if sent, err := s.fillVaults(w, r, u, &page.certificatePage); sent || err != nil {
		return err
	}
	u.Lock()
	defer u.Unlock()
	page.Upload = page.Vault != ""
	fillJudged(&page.certificatePage, u, s.options.App.Now())
	if page.Compare != nil {
		page.Compare.Was = inVaultNow
	}
	page.RootsError = u.Wrong["roots"]
	page.ChoicesOpen = page.RootsError != "" || page.Names != "" || choicesMade(page.Choices) > 0
	page.Base = strings.TrimSuffix(uploadPath(u, ""), "/")
	if u.Notice != "" {
		page.Notice = &pages.Notice{Kind: "info", Title: u.Notice}
		u.Notice = ""
	}
	return s.write(w, http.StatusOK, "upload", pages.Page{Title: "Put a file into a Key Vault", Scripts: []string{"drop.js", "forget.js"}, Data: page})
}

// giveUpload takes name and file, and finds out what putting it there comes to.
func (s *Server) giveUpload(w http.ResponseWriter, r *http.Request, u *wizard.Renewal) error {
	back := uploadPath(u, "certificate")
	form, err := s.upload(w, r, u, back, "password")
	if form == nil {
		return err
	}
	back += "?" + url.Values{"vault": {form.Value("vault")}}.Encode()
	u.Lock()
	u.Wrong = wrongCertificate(wizard.Create, form, u.Chosen)
	u.Reopen(wizard.Certificate)
	u.Choices.AssumeTrusted = form.Value("assume-trusted") != ""
	takeRoots(form, &u.Choices, u.Wrong)
	chosen := wizard.Chosen{Source: wizard.Create, Vault: form.Value("vault"), Name: form.Value("name"), Names: form.Value("for")}
	var chosenNow bool
	if chosen.File, chosenNow = form.File("pfx"); !chosenNow {
		chosen.File = u.Chosen.File
	}
	u.Chosen = chosen
	if len(u.Wrong) > 0 {
		u.Unlock()
		return leadTo(w, r, back)
	}
	file := bytes.Clone(chosen.File.Data) // what is kept is wiped when the pages are locked
	turn, choices := u.Turn, u.Choices
	u.Unlock()
	password := form.Secret("password")
	job := work.Job{Kind: "check", Title: "Checking " + chosen.File.Name, Key: fmt.Sprint(u.ID, " check ", turn), Next: uploadPath(u, "review"), Back: back}
	return s.showWork(w, r, s.begin(job, func(ctx context.Context, session *app.Session) (any, error) {
		defer clear(file)
		bundle, err := pki.ReadPFX(file, password)
		if err != nil {
			u.Lock()
			defer u.Unlock()
			if u.Turn == turn {
				u.Wrong = unopened(chosen.File.Name, err)
				if u.Wrong["pfx"] != "" {
					u.Chosen.File = wizard.File{}
				}
			}
			return nil, leadElsewhere(back)
		}
		ready, err := prepareUpload(ctx, session, chosen, choices, bundle)
		refused, judgedBad := errors.AsType[*rotation.RefusedError](err)
		if err != nil && !judgedBad {
			return nil, err
		}
		u.Lock()
		defer u.Unlock()
		if u.Turn != turn {
			return nil, nil // something else was said meanwhile, or the pages were locked
		}
		u.Chosen.Bundle = bundle
		if judgedBad {
			u.Chosen.Judged = refused.Findings
			return nil, leadElsewhere(back + "#judged")
		}
		u.Chosen.Judged = ready.Value.Findings
		u.Keep(ready, func() {}) // its session has opened nothing
		return nil, nil
	}))
}

func prepareUpload(ctx context.Context, session *app.Session, chosen wizard.Chosen, choices wizard.Choices, bundle *pki.Bundle) (*app.Upload, error) {
	client, err := session.Vault(chosen.Vault)
	if err != nil {
		return nil, err
	}
	criteria, err := session.Criteria(ctx, "", session.Roots.With(choices.Roots...))
	if err != nil {
		return nil, err
	}
	criteria.Names, criteria.AssumeTrusted = namesTyped(chosen.Names), choices.AssumeTrusted
	return session.PrepareUpload(ctx, client, chosen.Name, bundle, criteria)
}

// inVaultNow is what an upload is compared with.
const inVaultNow = "In the vault now"

// uploadReview is upload-review.html.
type uploadReview struct {
	Base, Vault, Name, File string
	// What says what it comes to.
	What    string
	Compare comparison
	About   []about
	// Nothing tells that the file is there already, Earlier that it ends before
	// what is there, New that nobody has had this name and so nobody follows it.
	Nothing, Earlier, New bool
	Answer                string
}

// uploadWords say what an upload comes to.
var uploadWords = map[string]string{
	app.UploadCreated:   "It becomes a new certificate in the vault.",
	app.UploadVersion:   "It becomes the newest version of the certificate that is there. Policy and tags stay.",
	app.UploadRecovered: "A certificate of this name was deleted: it is recovered, and gets this as its newest version.",
	app.UploadUnchanged: "It is the newest version there already: nothing has to be done.",
}

func (s *Server) reviewUpload(w http.ResponseWriter, r *http.Request, u *wizard.Renewal) error {
	u.Lock()
	defer u.Unlock()
	ready, made := u.Ready.(*app.Upload)
	if !made {
		u.Notice = "Choose the file first."
		return leadTo(w, r, uploadPath(u, "certificate"))
	}
	fresh := pki.Describe(ready.Bundle.Leaf)
	var there *pki.Description
	if leaf := ready.There.Leaf; leaf != nil {
		described := pki.Describe(leaf)
		there = &described
	}
	compared := compare(there, &fresh, s.options.App.Now())
	compared.Was = inVaultNow
	page := uploadReview{
		Base: strings.TrimSuffix(uploadPath(u, ""), "/"), Vault: ready.Value.Vault, Name: ready.Name, File: u.Chosen.File.Name,
		What: uploadWords[ready.Value.Outcome], Compare: compared, About: abouts(ready.Value.Findings),
		Nothing: ready.NothingToDo(), Earlier: there != nil && fresh.NotAfter.Before(there.NotAfter), New: ready.Value.Outcome == app.UploadCreated, Answer: uploadAnswer(u),
	}
	return s.write(w, http.StatusOK, "upload-review", pages.Page{Title: "Put a file into a Key Vault", Data: page})
}

// uploadAnswer names what is answered with a yes: what was made anew since is
// something else.
func uploadAnswer(u *wizard.Renewal) string { return fmt.Sprint(u.Turn) }

// uploadNow puts the file there, and leads to what came of it.
func (s *Server) uploadNow(w http.ResponseWriter, r *http.Request, u *wizard.Renewal) error {
	u.Lock()
	ready, made := u.Ready.(*app.Upload)
	if !made || r.PostFormValue("answer") != uploadAnswer(u) {
		u.Unlock()
		return leadTo(w, r, uploadPath(u, "review")) // it was made anew: look again
	}
	u.Take()
	u.Unlock()
	job := work.Job{Kind: uploadKind, Title: "Putting " + ready.Name + " into the vault " + ready.Value.Vault, Key: uploadKey(u.ID), Page: "/uploaded/", Back: "/upload"}
	wk := s.book.Start(job, func(ctx context.Context, wk *work.Work) (any, error) {
		value, err := ready.As(wk).Carry(ctx)
		s.renewals.LookAgain()
		return value, err
	})
	s.uploads.Drop(u.ID)
	return s.showWork(w, r, wk)
}

// uploaded says what came of an upload. One that failed says so as all work does.
func (s *Server) uploaded(w http.ResponseWriter, r *http.Request) error {
	wk, there := s.book.Get(r.PathValue("work"))
	if !there || wk.Job().Kind != uploadKind {
		return notFound("This ended a while ago, or the program was started again since. What is in the vault shows when you choose it.")
	}
	if !wk.Ended() {
		return leadTo(w, r, "/work/"+wk.ID)
	}
	result, err := wk.Result()
	if err != nil {
		return err
	}
	return s.write(w, http.StatusOK, "uploaded", pages.Page{Title: "Put into the Key Vault", Data: result.(app.UploadValue)})
}
