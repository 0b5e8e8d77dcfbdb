package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

// The JSON of `--json`, for the programs of who sits at this computer. The values
// and the failures are the application's; here is only what HTTP makes of them.

// apiPath is where it is.
const apiPath = "/api/v1"

// apiRoute is one thing that can be asked for.
type apiRoute struct {
	method, path string
	// query may follow the ?, form is what may be sent; anything else is a mistake
	// that must not be passed over.
	query, form []string
	answer      func(*call) (any, error)
}

// pattern is the route as http.ServeMux takes it.
func (r apiRoute) pattern() string { return r.method + " " + apiPath + r.path }

// apiTable is all that can be asked for. openapi.json says the same to strangers.
var apiTable = []apiRoute{
	{"GET", "/version", nil, nil, (*call).version},
	{"GET", "/account", nil, nil, (*call).account},
	{"GET", "/account/tenants", nil, nil, (*call).tenants},
	{"GET", "/account/subscriptions", nil, nil, (*call).subscriptions},
	{"POST", "/account", nil, []string{"tenant", "subscription"}, (*call).goElsewhere},
	{"POST", "/account/sign-in", nil, signInFields, (*call).signIn},
	{"GET", "/account/sign-in/{signin}", nil, nil, (*call).signInResult},
	{"POST", "/account/sign-in/{signin}/stop", nil, []string{}, (*call).stopSignIn},
	{"POST", "/account/sign-out", nil, []string{}, (*call).signOut},
	{"GET", "/deployments", nil, nil, (*call).deployments},
	{"GET", "/deployments/{deployment}", []string{"at"}, nil, (*call).show},
	{"GET", "/deployments/{deployment}/verify", nil, nil, (*call).verify},
	{"POST", "/deployments/{deployment}/plan", nil, planFields, (*call).plan},
	{"POST", "/deployments/{deployment}/apply", nil, append([]string{"plan"}, planFields...), (*call).apply},
	{"POST", "/deployments/{deployment}/clean", nil, append([]string{"now", "internal"}, loginFields...), (*call).clean},
	{"GET", "/deployments/{deployment}/claim", nil, nil, (*call).claim},
	{"POST", "/deployments/{deployment}/unlock", nil, []string{"run"}, (*call).unlock},
	{"GET", "/deployments/{deployment}/shape", []string{"mask"}, nil, (*call).shape},
	{"POST", "/deployments/{deployment}/rehearse", nil, append([]string{"fault", "scale"}, planFields...), (*call).rehearse},
	{"GET", "/vaults", nil, nil, (*call).vaults},
	{"GET", "/vaults/{vault}/certificates", []string{"for"}, nil, (*call).certificates},
	{"GET", "/vaults/{vault}/certificates/{certificate}", []string{"for"}, nil, (*call).certificate},
	{"POST", "/vaults/{vault}/certificates/{certificate}", nil, uploadFields, (*call).upload},
	{"POST", "/check", nil, []string{"pfx", "password", "host", "for", "roots", "assume-trusted"}, (*call).check},
	{"GET", "/history", nil, nil, (*call).history},
	{"GET", "/history/{run}", nil, nil, (*call).run},
	{"GET", "/evidence", nil, nil, (*call).evidenceList},
	{"GET", "/evidence/{run}", nil, nil, (*call).evidenceFile},
	{"GET", "/runs/{run}/events", nil, nil, (*call).events},
	{"POST", "/runs/{run}/stop", nil, []string{}, (*call).stop},
	{"POST", "/runs/{run}/undo", nil, loginFields, (*call).undo},
	{"GET", "/openapi.json", nil, nil, (*call).document},
}

func (s *Server) apiRoutes() {
	for _, route := range apiTable {
		s.patterns = append(s.patterns, route.pattern())
		s.mux.HandleFunc(route.pattern(), func(w http.ResponseWriter, r *http.Request) { s.serveAPI(w, r, route) })
	}
	s.mux.HandleFunc(apiPath+"/", func(w http.ResponseWriter, _ *http.Request) {
		failAPI(w, &app.Failure{Code: "not-found", Message: "nothing is at this address, or not for this kind of request", Hint: "see " + apiPath + "/openapi.json", Exit: app.ExitUsage})
	})
	s.handle("GET /api", s.apiPage)
}

// call is one request, and who hears of the work for it: what is only a warning
// goes into a header of the answer, since the values of `--json` have no place for it.
type call struct {
	*Server
	w    http.ResponseWriter
	r    *http.Request
	form sentForm
	// session is that of this call once it is asked for; a plan that waits keeps it.
	session *app.Session
	kept    bool
	era     int // of the plans that wait, when the session was made

	mu       sync.Mutex
	warnings []string
}

// warningHeader has what a command writes to standard error as a warning.
const warningHeader = "Cartouche-Warning"

// Doing, Done and Event are of no interest to who waits for a value.
func (c *call) Doing(rotation.Phase, string) {}

// Done is of no interest, either.
func (c *call) Done() {}

// Event is of no interest, either.
func (c *call) Event(rotation.Event) {}

// Note keeps what is to be warned of.
func (c *call) Note(kind app.NoteKind, text string) {
	if kind != app.NoteWarning {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.warnings = append(c.warnings, text)
}

// serveAPI answers a request: with a value, or with a failure, to which a value
// may belong, too. A handler that has answered by itself gives neither.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request, route apiRoute) {
	c := &call{Server: s, w: w, r: r}
	defer func() {
		switch trouble := recover(); trouble {
		case nil:
		case http.ErrAbortHandler:
			panic(trouble)
		default: // it is not said: it may quote what was worked on
			failAPI(w, &app.Failure{Code: "panic", Message: "a mistake in the program; what was going on goes on", Exit: app.ExitUnexpected})
		}
	}()
	var value any
	err := c.begin(route)
	if err == nil {
		value, err = route.answer(c)
	}
	c.end()
	switch {
	case err != nil: // a value without a failure of its own is none
		failAPI(w, err)
	case value != nil:
		status := http.StatusOK
		if other, ok := value.(*reply); ok {
			status, value = other.status, other.value
		}
		writeAPI(w, status, value)
	}
}

// begin reads what was sent, and refuses what nobody would look at.
func (c *call) begin(route apiRoute) (err error) {
	for name, values := range c.r.URL.Query() {
		if !slices.Contains(route.query, name) || len(values) > 1 {
			return strange("parameter", name, route.query)
		}
	}
	if route.method == http.MethodPost {
		c.form, err = readForm(c.w, c.r, route.form)
	}
	return err
}

// end closes what was opened, and writes the warnings.
func (c *call) end() {
	if c.session != nil && !c.kept {
		c.session.Close(c.r.Context())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, text := range c.warnings {
		c.w.Header().Add(warningHeader, strconv.QuoteToASCII(text))
	}
}

// signedIn is the sign-in of the pages, for this call.
func (c *call) signedIn() (*app.Session, error) {
	if c.session == nil {
		c.era = c.pending.now()
		session, err := c.Server.session(c.r.Context())
		if err != nil {
			return nil, err
		}
		c.session = session.With(c)
	}
	return c.session, nil
}

// valued is a failure with the value that belongs to it, as a plan that is refused.
type valued struct {
	value any
	*app.Failure
}

// with gives a value with its failure, if it has one.
func with(value any, f *app.Failure) (any, error) {
	if f == nil {
		return value, nil
	}
	return nil, &valued{value, f}
}

// failAPI writes a failure in the form of every command's.
func failAPI(w http.ResponseWriter, err error) {
	var value any = struct{}{}
	if known, ok := errors.AsType[*valued](err); ok {
		value = known.value
	}
	f := apiFailure(err)
	writeAPI(w, httpStatus(f), app.Failed[any]{Value: value, Error: &f, Exit: f.Exit})
}

// apiFailure explains an error, also one that was made for a page.
func apiFailure(err error) app.Failure {
	if known, ok := errors.AsType[*valued](err); ok {
		return *known.Failure
	}
	if page, ok := errors.AsType[*answer](err); ok {
		f := app.Failure{Code: "usage", Message: page.notice.Text, Exit: app.ExitUsage}
		if page.status == http.StatusNotFound {
			f.Code = "not-found"
		}
		return f
	}
	return app.Explain(err)
}

// writeAPI answers with a value. It is made whole before its first byte is sent.
func writeAPI(w http.ResponseWriter, status int, value any) {
	document, err := json.Marshal(value)
	if err != nil { // our own plain values
		http.Error(w, "the answer could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(document, '\n')) // nobody is left to be told
}
