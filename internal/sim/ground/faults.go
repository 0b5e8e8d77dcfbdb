package ground

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Fault is something that goes wrong on purpose: what, where, and how often.
// Its text form is "name@step" or "name@step*times": "conflict@gateway-put",
// "throttle@gateway-get*3". "name@*" strikes at any step.
type Fault struct {
	Name string
	Step string
	// Times is how often it happens; 0 means once, negative always.
	Times int
}

// ParseFault reads the text form.
func ParseFault(text string) (Fault, error) {
	name, place, found := strings.Cut(text, "@")
	if !found || name == "" || place == "" {
		return Fault{}, fmt.Errorf("fault %q: want name@step or name@step*times", text)
	}
	fault := Fault{Name: name, Step: place, Times: 1}
	if step, times, counted := strings.Cut(place, "*"); counted && step != "" {
		n, err := strconv.Atoi(times)
		if err != nil || n == 0 {
			return Fault{}, fmt.Errorf("fault %q: %q is not a number of times", text, times)
		}
		fault.Step, fault.Times = step, n
	}
	return fault, nil
}

func (f Fault) String() string { return fmt.Sprintf("%s@%s*%d", f.Name, f.Step, f.Times) }

// Faults are the faults that are switched on in a world.
type Faults struct {
	mu sync.Mutex
	on []Fault
}

// Add switches a fault on.
func (f *Faults) Add(fault Fault) {
	if fault.Times == 0 {
		fault.Times = 1
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.on = append(f.on, fault)
}

// Take uses one occurrence of the named fault at a step up and tells whether
// there was one.
func (f *Faults) Take(name, step string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.on {
		fault := &f.on[i]
		if fault.Name != name || fault.Step != step && fault.Step != "*" {
			continue
		}
		if fault.Times > 0 {
			fault.Times--
			if fault.Times == 0 {
				f.on = slices.Delete(f.on, i, i+1)
			}
		}
		return true
	}
	return false
}

// On are the faults that are on, in the order in which they were switched on,
// each with how often it is still to happen.
func (f *Faults) On() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.on)
}

// Off switches the named fault at a step off, however often it was to happen.
func (f *Faults) Off(name, step string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.on = slices.DeleteFunc(f.on, func(fault Fault) bool { return fault.Name == name && fault.Step == step })
}

// Clear switches all faults off.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.on = nil
}
