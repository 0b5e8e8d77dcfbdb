// Package wizard keeps renewals while they are being prepared in the pages: what
// was answered so far, which step comes next, and the forms with files that are
// sent to it. It asks nobody and changes nothing outside of itself.
//
// A renewal lives in the memory of the server, in a bounded number and for a
// bounded time. Its secrets go when the pages are locked, when it ends, and when
// it is too old, whichever comes first.
package wizard

import "slices"

// Step is one page of the wizard.
type Step string

// The steps, in the order of Cloud Builder's pages.
const (
	SignIn       Step = "sign-in"
	Tenant       Step = "tenant"
	Subscription Step = "subscription"
	Deployment   Step = "deployment"
	Certificate  Step = "certificate"
	Credentials  Step = "credentials"
	Review       Step = "review"
)

var steps = []struct {
	step  Step
	title string
	// missing says what has to be done first when this was not answered.
	missing string
}{
	{SignIn, "Sign in", "Sign in to Azure first."},
	{Tenant, "Tenant", "Choose the tenant first."},
	{Subscription, "Subscription", "Choose the subscription first."},
	{Deployment, "Deployment", "Choose the deployment first."},
	{Certificate, "Certificate", "Choose the new certificate first."},
	{Credentials, "Logins", "Say first which logins are to be used: they are checked, and the plan is made with them."},
	{Review, "Review", ""},
}

// Known tells whether there is such a step.
func (s Step) Known() bool { return s.index() >= 0 }

func (s Step) index() int {
	for i := range steps {
		if steps[i].step == s {
			return i
		}
	}
	return -1
}

// Title is what the step is called.
func (s Step) Title() string { return steps[s.index()].title }

// Before is the step before this one, "" for the first.
func (s Step) Before() Step {
	if i := s.index(); i > 0 {
		return steps[i-1].step
	}
	return ""
}

// After is the step after this one, "" for the last.
func (s Step) After() Step {
	if i := s.index(); i < len(steps)-1 {
		return steps[i+1].step
	}
	return ""
}

// Answers says for each step that is answered with what. A step that needed no
// question is answered, too.
type Answers map[Step]string

// Missing is the first step before this one that is not answered, and a sentence
// about it; "" when all are.
func (a Answers) Missing(before Step) (step Step, sentence string) {
	for _, s := range steps[:max(before.index(), 0)] {
		if _, answered := a[s.step]; !answered {
			return s.step, s.missing
		}
	}
	return "", ""
}

// Mark is one step of the list above each page.
type Mark struct {
	Step          Step
	Title, Answer string
	// Done was answered; Current is the one on the page; Open can be gone to.
	Done, Current, Open bool
}

// Marks is the list above the page of a step. Steps can be gone to as far as
// those before them are answered.
func (a Answers) Marks(current Step) []Mark {
	marks := make([]Mark, len(steps))
	for i, s := range steps {
		answer, done := a[s.step]
		missing, _ := a.Missing(s.step)
		marks[i] = Mark{Step: s.step, Title: s.title, Answer: answer, Done: done, Current: s.step == current, Open: missing == "" && s.step != current}
	}
	return marks
}

// forget takes the answers of a step and of all that follow it away: they rested
// on what was said there.
func (a Answers) forget(from Step) {
	for _, s := range steps[from.index():] {
		delete(a, s.step)
	}
}

// Steps are all steps in their order.
func Steps() []Step {
	list := make([]Step, 0, len(steps))
	for _, s := range steps {
		list = append(list, s.step)
	}
	return slices.Clip(list)
}
