package main

import "errors"

// fault is one thing that is wrong with the configuration.
type fault struct {
	name    string
	problem string
	allowed string
}

// Error names the variable, what is wrong with it and what is allowed.
func (f fault) Error() string {
	if f.allowed == "" {
		return f.name + ": " + f.problem
	}
	return f.name + ": " + f.problem + "; allowed: " + f.allowed
}

// faults gathers what is wrong, so that an operator can mend all of it at once.
type faults struct {
	allowed  map[string]string
	excluded map[string]bool
	all      []error
}

// newFaults knows from the variables what to say after "allowed".
func newFaults(known []variable) *faults {
	f := &faults{allowed: make(map[string]string, len(known)), excluded: make(map[string]bool)}
	for _, v := range known {
		f.allowed[v.Name] = v.Allowed
	}
	return f
}

// add records a fault of the variable unless its value could not be read in the first place: then what looks wrong about
// it (that it is absent, say) is only a consequence.
func (f *faults) add(name, problem string) {
	if f.excluded[name] {
		return
	}
	f.all = append(f.all, fault{name: name, problem: problem, allowed: f.allowed[name]})
}

// exclude records a fault of a variable whose value is unknown from here on.
func (f *faults) exclude(name, problem string) {
	f.add(name, problem)
	f.excluded[name] = true
}

// err is nil when nothing is wrong, and otherwise all faults, one per line.
func (f *faults) err() error { return errors.Join(f.all...) }
