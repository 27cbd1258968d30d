package sim

import (
	"net/http"
	"net/url"
	"strconv"
)

// faultsView is what the panel of faults shows.
type faultsView struct {
	Me, Key string // to come back to
	Kinds   []faultKind
	Times   []timesChoice
	Active  []activeFault
}

type faultKind struct {
	Label   string
	Choices []faultChoice
}

// faultChoice is a fault that the panel offers, with its name for Break.
type faultChoice struct{ Name, Label string }

type timesChoice struct {
	N     int
	Label string
}

// activeFault is an injected fault.
type activeFault struct{ Label, Left string }

func faultKinds() []faultKind {
	return []faultKind{
		{"Requests of the relay", []faultChoice{
			{"500", "Server error, nothing done"},
			{"500-after", "Server error, but it is done"},
			{"429:10", "Too many requests, wait 10 s"},
			{"403", "Refused"},
			{"reset", "Connection cut, nothing done"},
			{"lost-reply", "Connection cut, but it is done"},
			{"truncate", "Half an answer"},
			{"slow:2", "Answer trickles for 2 s"},
			{"hang:5", "Answer comes after 5 s"},
		}},
		{"Webhooks to the relay", []faultChoice{
			{"dup", "Delivered twice"},
			{"drop", "Never delivered"},
			{"delay:5", "Delivered 5 s later"},
			{"reorder", "Delivered after the next one"},
		}},
	}
}

// lookFaults builds the panel; the caller holds s.mu.
func (s *CometChat) lookFaults(me, key string) faultsView {
	v := faultsView{
		Me: me, Key: key, Kinds: faultKinds(),
		Times: []timesChoice{{1, "once"}, {2, "twice"}, {3, "3 times"}, {10, "10 times"}, {0, "until cleared"}},
	}
	labels := map[string]string{}
	for _, k := range v.Kinds {
		for _, c := range k.Choices {
			labels[c.Name] = c.Label
		}
	}
	add := func(name string, times int) {
		label, known := labels[name]
		switch {
		case name == "":
			label = "Set by a program"
		case !known:
			label = name
		}
		v.Active = append(v.Active, activeFault{Label: label, Left: leftOf(times)})
	}
	for _, f := range s.faults {
		add(f.name, f.Times)
	}
	for _, f := range s.deliveryFaults {
		add(f.name, f.Times)
	}
	return v
}

func leftOf(times int) string {
	switch times {
	case 0:
		return "until cleared"
	case 1:
		return "once more"
	}
	return strconv.Itoa(times) + " times more"
}

// breakIt injects the chosen fault.
func (p *page) breakIt(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		return
	}
	const most = 1000
	times, err := strconv.Atoi(r.PostForm.Get("times"))
	if err != nil || times < 0 || times > most {
		err = badField("times", "Choose how often.")
	} else {
		err = p.sim.Break(r.PostForm.Get("fault"), times)
	}
	p.afterFaults(w, r, err)
}

// mend clears all faults.
func (p *page) mend(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		return
	}
	p.sim.ClearFaults()
	p.afterFaults(w, r, nil)
}

// afterFaults answers the script with a status, and a browser without one with the page again.
func (p *page) afterFaults(w http.ResponseWriter, r *http.Request, err error) {
	q := url.Values{"as": {r.PostForm.Get("as")}, "with": {r.PostForm.Get("with")}}
	switch {
	case err != nil:
		http.Error(w, tellPerson(err), http.StatusUnprocessableEntity)
	case r.Header.Get("X-Live") != "":
		w.WriteHeader(http.StatusNoContent)
	default:
		at := url.URL{RawQuery: q.Encode(), Fragment: "faults"}
		w.Header().Set("Location", "./"+at.String())
		w.WriteHeader(http.StatusSeeOther)
	}
}

// readForm parses a posted form, and answers what cannot be read.
func readForm(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form cannot be read or is too large", http.StatusBadRequest)
		return false
	}
	return true
}
