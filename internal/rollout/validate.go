package rollout

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/arcgis"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pause"
	"github.com/cartouche-gis/cartouche/internal/rotation"
)

func parse(der []byte) (*x509.Certificate, error) { return x509.ParseCertificate(der) }

// validation is how a portal sees its servers and a hosting server its stores.
type validation struct {
	federation, stores []machine.Validated
	// known are the validations that were answered, whatever they said.
	known []machine.TaskKind
}

func (v *validation) add(report machine.Report) {
	for _, task := range report.Tasks {
		if task.State != machine.TaskFailed && task.State != machine.TaskSkipped {
			if validates(task.Kind) {
				v.known = append(v.known, task.Kind)
			}
			v.federation = append(v.federation, task.Federation...)
			v.stores = append(v.stores, task.Stores...)
		}
	}
}

func validates(kind machine.TaskKind) bool {
	return kind == machine.ValidateFederation || kind == machine.ValidateStores
}

// check is a validation at a machine.
type check struct {
	machine string
	task    machine.Task
}

// checks are one validation of the federation, by the primary portal, and one of
// the data stores, by a server that has some.
func checks(state rotation.State) []check {
	var list []check
	var federation, stores *check
	for _, o := range ports(state) {
		switch {
		case o.Product == machine.Portal && (federation == nil || strings.EqualFold(o.Role, "primary")):
			federation = &check{o.at.Name, machine.Task{Kind: machine.ValidateFederation, Port: o.Component.Port}}
		case o.Product == machine.Server && len(o.Stores) > 0 && stores == nil:
			stores = &check{o.at.Name, machine.Task{Kind: machine.ValidateStores, Port: o.Component.Port}}
		}
	}
	for _, one := range []*check{federation, stores} {
		if one != nil {
			list = append(list, *one)
		}
	}
	return list
}

// validationRank orders the words of a validation.
var validationRank = map[string]int{arcgis.Success: 3, arcgis.WithWarnings: 2, arcgis.Undetermined: 1, arcgis.Failure: 0}

// worse lists what validated better before.
func worse(before, after []machine.Validated) []string {
	var list []string
	for _, was := range before {
		i := slices.IndexFunc(after, func(v machine.Validated) bool { return v.Name == was.Name })
		switch {
		case i < 0:
			list = append(list, was.Name+" was validated before and is not listed now")
		case validationRank[strings.ToLower(after[i].Status)] < validationRank[strings.ToLower(was.Status)]:
			list = append(list, fmt.Sprintf("%s was validated as %q before and is now as %q: %s", was.Name, was.Status, after[i].Status, strings.Join(after[i].Messages, " ")))
		}
	}
	return list
}

// worseError says what validated better before: that was seen.
type worseError struct{ sentence string }

func (e *worseError) Error() string { return e.sentence }

// compared says whether a validation could be held against this one, from before.
// Where that had failed, what is not well now may have been so, and is told.
func (v validation) compared(now validation) string {
	if len(v.federation) == 0 && len(now.federation) > 0 || len(v.stores) == 0 && len(now.stores) > 0 {
		for _, one := range slices.Concat(now.federation, now.stores) {
			if status := strings.ToLower(one.Status); status != arcgis.Success {
				return fmt.Sprintf("; how they were before is not known, and %s is %q: %s", one.Name, status, strings.Join(one.Messages, " "))
			}
		}
		return "; how they were before is not known"
	}
	return " as before"
}

// prove validates federation and data stores from inside, and proves that
// clients are served as before.
func (r *run) prove(ctx context.Context) error {
	return r.memory.step(StepProve, "validate, and prove that clients are served as before", r.plan.Proofs, func() (any, error) {
		if err := r.validate(ctx); err != nil {
			return nil, err
		}
		if err := r.stillServed(ctx); err != nil {
			return nil, err
		}
		proof := r.Rotation.ProveUnchanged(ctx, rotation.PhaseProve, r.before)
		return proof, proof.Err()
	})
}

// stillServed looks once more at every machine that changed: somebody else may
// have given one another certificate since it had its turn.
func (r *run) stillServed(ctx context.Context) error {
	var work []preparation
	for _, port := range r.plan.Ports {
		if !slices.ContainsFunc(work, func(p preparation) bool { return strings.EqualFold(p.machine, port.Machine) }) {
			work = append(work, preparation{machine: port.Machine})
		}
	}
	for _, one := range r.sideBySide(ctx, rotation.PhaseProve, work) {
		if one.err != nil {
			return one.err
		}
		r.refreshed(one.report, one.machine)
		for _, port := range r.plan.Ports {
			if !strings.EqualFold(port.Machine, one.machine) {
				continue
			}
			if err := served(one.report, port, port.SHA256); err != nil {
				return &trouble{machine: port.Machine, code: machine.CodeWrongLeafServed, error: err}
			}
		}
	}
	return nil
}

// validate asks a few times, since a validation may catch a bad moment.
func (r *run) validate(ctx context.Context) error {
	var err error
	for attempt := range 4 {
		if attempt > 0 && pause.For(ctx, r.interval()) != nil {
			return ctx.Err()
		}
		var now validation
		err = nil
		for _, one := range checks(r.state) {
			report, failed := r.do(ctx, one.machine, one.task)
			if failed != nil && slices.Contains(r.baseline.known, one.task.Kind) {
				err = failed // what could not be asked before need not be answered now
			}
			now.add(report)
		}
		r.result.Federation, r.result.Stores = now.federation, now.stores
		bad := slices.Concat(worse(r.baseline.federation, now.federation), worse(r.baseline.stores, now.stores))
		if len(bad) > 0 {
			err = &worseError{bad[0]}
		}
		if err == nil {
			if n := len(now.federation) + len(now.stores); n > 0 {
				r.tell(rotation.PhaseProve, fmt.Sprintf("%d federated servers and %d data stores validated", len(now.federation), len(now.stores))+r.baseline.compared(now))
			}
			return nil
		}
		r.tellWaiting(rotation.PhaseProve, err.Error())
	}
	return err
}
