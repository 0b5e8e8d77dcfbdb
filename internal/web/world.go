package web

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim"
	"github.com/cartouche-gis/cartouche/internal/sim/entra"
	"github.com/cartouche-gis/cartouche/internal/sim/ground"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
)

// The panel of the simulated world: what goes wrong is switched on here. Nothing
// of it exists where the pages work with Azure.

func (s *Server) worldRoutes() {
	if s.options.Simulated == nil {
		return
	}
	s.practice = newPractice(s.options.Simulated)
	s.handle("GET /world", s.world)
	s.handle("GET /world/files/{name}", s.worldFile)
	s.handle("POST /world/faults", s.switchFaultOn)
	s.handle("POST /world/faults/off", s.switchFaultsOff)
	s.handle("POST /world/time", s.advanceWorld)
}

// worldPage is what templates/world.html shows.
type worldPage struct {
	Name        string
	Deployments []sim.Deployment
	People      []entra.Person
	// SiteAdmin and the like are the logins that the wizard asks for.
	Logins []sim.Variable
	Files  []sim.PracticeFile
	// On are the faults that will happen, Lessons the first ones to try, Kinds all.
	On      []faultOn
	Lessons []lesson
	Kinds   []faultKind
	// GatewayWrites and Restarts are as the world has counted them.
	GatewayWrites, Restarts int
	Violations              []string
	Now                     time.Time
}

type faultOn struct{ Name, Step, What, Times string }

type faultKind struct {
	sim.FaultDoc
	Steps []string
}

// lesson is a fault with what there is to learn from it.
type lesson struct{ Name, Step, Title, Learn string }

// lessons are the faults that show most.
var lessons = []lesson{
	{"wrong-leaf", "edge", "The gateway serves another certificate than it was given", "The proof fails, and the run goes back."},
	{"broken-chain", "edge", "The gateway leaves the intermediates out", "Browsers would get along, ArcGIS would not: the proof fails, and the run goes back."},
	{"stale-instance", "edge", "One instance of the gateway keeps the old certificate", "Every second handshake shows the old one: the run waits for all of them."},
	{"lost-response", "gateway-put", "The answer to the change is lost", "Nobody knows whether it took effect: the run looks before it does anything else."},
	{"conflict", "gateway-put", "The gateway is busy", "The run waits and tries again."},
	{"throttle", "gateway-get", "Azure asks to slow down", "The run waits as long as Azure says."},
	{"failed-operation", "gateway-put", "Azure takes the change and fails at it", "The run goes back, and proves that."},
}

// lessonsAtMachines are those about the certificates of machines.
var lessonsAtMachines = []lesson{
	{"machine-does-not-return", "restart", "A machine stays away after its restart", "The run stops at that machine, and those that were changed go back."},
	{"import-vanishes", "import", "A machine says that it took the certificate, and did not", "The run looks before it goes on."},
	{"wrong-leaf", "edge", "Clients are served another certificate meanwhile", "The proof fails, and the machines go back."},
}

func (s *Server) world(w http.ResponseWriter, _ *http.Request) error {
	world := s.options.Simulated
	files, err := s.practice.files()
	if err != nil {
		return err
	}
	value := worldPage{
		Name: world.Name(), Deployments: world.Deployments(), People: world.People(), Logins: loginsOf(world), Files: files,
		Lessons: lessons, Now: world.Ground().Clock.Now(), Violations: s.practice.violations(),
		GatewayWrites: world.Ground().Ledger.Count(ground.GatewayWrite), Restarts: world.Ground().Ledger.Count(ground.MachineRestart),
	}
	for _, fault := range world.Ground().Faults.On() {
		value.On = append(value.On, faultOn{fault.Name, fault.Step, whatHappens(fault), timesWords(fault.Times)})
	}
	for _, doc := range sim.Faults() {
		value.Kinds = append(value.Kinds, faultKind{doc, doc.At()})
	}
	return s.write(w, http.StatusOK, "world", pages.Page{Title: "World", Active: "world", Data: value})
}

// loginsOf are the logins of the world's sites, which nobody can use elsewhere.
func loginsOf(world *sim.World) []sim.Variable {
	titles := map[string]string{
		"CARTOUCHE_SITE_ADMIN": "Site administrator", "CARTOUCHE_SITE_ADMIN_PASSWORD": "its password",
		"CARTOUCHE_SERVICE_ACCOUNT": "Service account", "CARTOUCHE_SERVICE_ACCOUNT_PASSWORD": "its password",
	}
	var list []sim.Variable
	for _, variable := range world.Environment() {
		if title, known := titles[variable.Name]; known {
			list = append(list, sim.Variable{Name: title, Value: variable.Value})
		}
	}
	return list
}

func whatHappens(fault ground.Fault) string {
	for _, doc := range sim.Faults() {
		if doc.Name == fault.Name && (fault.Step == "*" || slices.Contains(doc.At(), fault.Step)) {
			return doc.What
		}
	}
	return ""
}

func timesWords(times int) string {
	switch {
	case times < 0:
		return "always"
	case times == 1:
		return "once"
	}
	return strconv.Itoa(times) + " times"
}

func (s *Server) worldFile(w http.ResponseWriter, r *http.Request) error {
	files, err := s.practice.files()
	if err != nil {
		return err
	}
	for _, file := range files {
		if file.Name == r.PathValue("name") {
			w.Header().Set("Content-Type", "application/x-pkcs12")
			w.Header().Set("Content-Disposition", `attachment; filename="`+file.Name+`"`)
			_, err := w.Write(file.PFX)
			return err
		}
	}
	return notFound("The world has no file of this name.")
}

func (s *Server) switchFaultOn(w http.ResponseWriter, r *http.Request) error {
	name, step, _ := strings.Cut(r.PostFormValue("fault"), "@")
	times, err := strconv.Atoi(r.PostFormValue("times"))
	if err != nil || times == 0 || times > 1000 {
		return badRequest("Say how often it is to happen: once, or up to 1000 times.")
	}
	fault := ground.Fault{Name: name, Step: step, Times: times}
	if err := sim.CheckFault(fault); err != nil {
		return badRequest(fmt.Sprintf("This cannot go wrong: %v.", err))
	}
	s.options.Simulated.Ground().Faults.Add(fault)
	return leadTo(w, r, "/world#on")
}

func (s *Server) switchFaultsOff(w http.ResponseWriter, r *http.Request) error {
	faults := s.options.Simulated.Ground().Faults
	if fault := r.PostFormValue("fault"); fault != "" {
		name, step, _ := strings.Cut(fault, "@")
		faults.Off(name, step)
	} else {
		faults.Clear()
	}
	return leadTo(w, r, "/world#on")
}

func (s *Server) advanceWorld(w http.ResponseWriter, r *http.Request) error {
	hours, err := strconv.Atoi(r.PostFormValue("hours"))
	if err != nil || hours < 1 || hours > 24*60 {
		return badRequest("The world's time moves on by 1 to 1440 hours.")
	}
	if err := s.options.Simulated.Advance(r.Context(), time.Duration(hours)*time.Hour); err != nil {
		return err
	}
	return leadTo(w, r, "/world")
}
