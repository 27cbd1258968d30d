package rocketsim

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
)

// say takes a new message or a reply. The first message to a person makes the direct room.
func (p *chatPage) say(form url.Values) (choice, string, error) {
	at := choiceOf(form)
	if strings.TrimSpace(form.Get("text")) == "" {
		return at, "", errors.New("rocketsim: write something first")
	}
	if err := p.meet(at); err != nil {
		return at, "", err
	}
	id, err := p.sim.Say(Say{
		From: at.As, Room: at.Room, Text: unixLines(form), Thread: at.Thread, Show: at.Thread != "" && form.Get("tshow") != "",
	})
	return at, messageAnchor(id, at.Thread != ""), err
}

// unixLines is the text of a form, whose lines browsers end in their own way.
func unixLines(form url.Values) string { return strings.ReplaceAll(form.Get("text"), "\r\n", "\n") }

// meet makes the direct room of two people who have not talked yet; any other room is there, or is missed later.
func (p *chatPage) meet(at choice) error {
	s := p.sim
	name, ok := strings.CutPrefix(at.Room, "@")
	if !ok {
		return nil
	}
	s.mu.Lock()
	me, err := s.person(at.As)
	other, otherErr := s.person(name)
	known := err == nil && s.place(me, at.Room) != nil
	s.mu.Unlock()
	if err = errors.Join(err, otherErr); err != nil || known {
		return err
	}
	_, err = s.AddRoom(Room{Type: Direct, Members: []string{me.ID, other.ID}})
	return err
}

// messageAnchor is the id of a message's element, in the room or in the thread beside it.
func messageAnchor(id string, inThread bool) string {
	if inThread {
		return "reply-" + id
	}
	return "message-" + id
}

func (p *chatPage) edit(form url.Values) (choice, string, error) {
	return p.onMessage(form, p.sim.EditAs(form.Get("as"), form.Get("id"), unixLines(form)))
}

func (p *chatPage) erase(form url.Values) (choice, string, error) {
	return p.onMessage(form, p.sim.DeleteAs(form.Get("as"), form.Get("id")))
}

// react gives a reaction, or takes it back when it is given already.
func (p *chatPage) react(form url.Values) (choice, string, error) {
	return p.onMessage(form, p.sim.as(form.Get("as"), form.Get("id"), func(u *user, m *message) error {
		return p.sim.react(u, m, form.Get("emoji"), nil)
	}))
}

// onMessage is where to look after something was done with a message.
func (p *chatPage) onMessage(form url.Values, err error) (choice, string, error) {
	at := choiceOf(form)
	return at, messageAnchor(form.Get("id"), at.Thread != ""), err
}

// breakIt injects the chosen fault.
func (p *chatPage) breakIt(form url.Values) (choice, string, error) {
	const most = 1000
	at := choiceOf(form)
	times, err := strconv.Atoi(form.Get("times"))
	if err != nil || times < 0 || times > most {
		return at, "", errors.New("rocketsim: choose how often")
	}
	return at, "faults", p.sim.Break(form.Get("fault"), times)
}

// mend clears all faults.
func (p *chatPage) mend(form url.Values) (choice, string, error) {
	p.sim.ClearFaults()
	return choiceOf(form), "faults", nil
}

// faultsView is what the panel of faults shows.
type faultsView struct {
	Choice choice // to come back to
	Kinds  []faultKind
	Times  []timesChoice
	Active []activeFault
	Status []string // who is connected
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
			{"shuffle:3", "Three delivered in another order"},
		}},
		{"Realtime", []faultChoice{
			{"live-cut", "Connections cut now"},
			{"live-stall", "Connections silent from now on"},
			{"live-refused", "New connection refused"},
			{"live-silent", "New connection silent"},
			{"login-refused", "Login refused"},
			{"event-lost", "Event lost"},
			{"event-dup", "Event twice"},
			{"event-garbage", "Half a frame before an event"},
			{"event-cut", "Connection cut instead of an event"},
		}},
	}
}

// lookFaults builds the panel; the caller holds s.mu.
func (s *Server) lookFaults(at choice) faultsView {
	v := faultsView{
		Choice: at, Kinds: faultKinds(), Status: s.lookStatus(),
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
	for _, f := range s.hooks.faults {
		add(f.name, f.Times)
	}
	for _, f := range s.live.faults {
		add(f.name, f.Times)
	}
	return v
}

// lookStatus says in words which ways lead from here to the relay.
func (s *Server) lookStatus() []string {
	on := 0
	for _, in := range s.integrations {
		if in.Enabled {
			on++
		}
	}
	hooks := strconv.Itoa(on) + " of " + strconv.Itoa(len(s.integrations)) + " webhooks on"
	if len(s.integrations) == 0 {
		hooks = "No webhooks"
	}
	live := s.realtime()
	words := strconv.Itoa(live.Connections) + " realtime connections"
	switch live.Connections {
	case 0:
		words = "Nobody on the realtime API"
	case 1:
		words = "1 realtime connection"
	}
	return []string{hooks, words}
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
