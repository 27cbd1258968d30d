package relaytest

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

func findChecks() []check {
	finder := []Interface{Sender, Finder}
	return []check{
		{"find/sent", finder, findSent},
		{"find/not sent", finder, findNotSent},
		{"find/never sent", finder, findNever},
		{"find/parts", []Interface{Sender, Finder, Capable}, findParts},
		{"find/changed", []Interface{Sender, Finder, Capable}, findChanged},
		{"send/twice", []Interface{Sender, Capable}, sendTwice},
	}
}

// unknown are the ways in which a call ends without its outcome being known; with done, it was carried out before.
func (s *suite) unknown(done bool) map[string]fault {
	kind, body := s.p.Verdicts.Refuse(http.StatusInternalServerError, "", "something went wrong")
	faults := map[string]fault{
		"a 500":             answering(http.StatusInternalServerError, kind, body),
		"a proxy's 502":     answering(http.StatusBadGateway, "text/html", []byte("<html>Bad Gateway</html>")),
		"a cut connection":  {cut: true},
		"an empty answer":   answering(http.StatusOK, "", nil),
		"a proxy's welcome": answering(http.StatusOK, "text/html", []byte("<html>Welcome</html>")),
	}
	if done {
		faults["half an answer"] = fault{half: true}
	}
	for what, x := range faults {
		x.changing, x.times, x.done = true, 1, done
		faults[what] = x
	}
	return faults
}

// attempt sends an action while something goes wrong, whose outcome is then not known.
func (b *bench) attempt(what string, a event.Action, x fault) {
	b.t.Helper()
	b.front.inject(x)
	_, err := b.send(b.ctx, a)
	if kind, ok := errorKind(err); !ok || kind != relay.Temporary {
		b.t.Errorf("%s: %s returns %v, want a Failure of the kind %s", what, a.Type, err, relay.Temporary)
	}
	if b.front.pending() {
		b.t.Errorf("%s: %s has changed nothing", what, a.Type)
	}
	b.front.clear()
}

// sought looks for an action, as the same process and as a restarted one would.
func (b *bench) sought(what string, a event.Action, want bool) event.Receipt {
	b.t.Helper()
	var first event.Receipt
	for i, l := range []*link{b.link, b.connect()} {
		r, found, err := l.find(b.ctx, a)
		if err != nil || found != want {
			b.t.Errorf("%s: Find of the %s returns %t, %v, want %t", what, a.Type, found, err, want)
		}
		if i == 0 {
			first = r
		} else if !reflect.DeepEqual(r, first) {
			b.t.Errorf("%s: Find of the %s returns %+v, and at another connection %+v", what, a.Type, first, r)
		}
	}
	return first
}

// findSent: what was carried out is found, although the answer said something else or nothing.
func findSent(s *suite) {
	b := s.stand(StageConfig{})
	for what, x := range s.unknown(true) {
		for _, in := range []event.ThreadRef{b.group(), b.direct()} {
			in.Root = b.say(in, "a root")
			for _, typ := range []event.ActionType{event.Reply, event.Post} {
				a := b.action(typ, in, "")
				before := len(b.stage.Lines())
				b.attempt(what, a, x)
				b.say(in, "and people go on talking")
				lines := b.stage.Lines()[before:]
				if len(lines) != 2 {
					s.t.Errorf("%s: %s became %d messages, want 1", what, typ, len(lines)-1)
				}
				r := b.sought(what, a, true)
				if r.Action != a.ID || r.Message != lines[0].ID || len(r.Parts) > 0 {
					s.t.Errorf("%s: Find of %s returns %+v, want action %s, message %s", what, typ, r, a.ID, lines[0].ID)
				}
			}
		}
	}
}

// findNotSent: what was not carried out is not found, and can be sent again.
func findNotSent(s *suite) {
	b := s.stand(StageConfig{})
	for what, x := range s.unknown(false) {
		in := b.thread(b.scene.Group, b.say(b.group(), "a root"))
		for _, typ := range []event.ActionType{event.Reply, event.Post} {
			a := b.action(typ, in, "")
			b.attempt(what, a, x)
			b.sought(what, a, false)
			b.matches(b.carried(a), a)
			b.sought(what+", sent again", a, true)
		}
	}
}

// findNever: nothing else is taken for an action's message: neither another action's, nor the same words of others.
func findNever(s *suite) {
	b := s.stand(StageConfig{})
	in := b.thread(b.scene.Group, b.say(b.group(), "a root"))
	for _, typ := range []event.ActionType{event.Reply, event.Post} {
		a := b.action(typ, in, "")
		b.sought("in a quiet place", a, false)
		b.say(in, a.Text)
		other := b.action(typ, in, "")
		other.Text = a.Text
		b.carried(other)
		b.sought("among the same words", a, false)
	}
}

// findParts: of a text of several messages all have to be there; sent again, it is completed, and nothing is said twice.
func findParts(s *suite) {
	b := s.stand(StageConfig{})
	text := strings.Repeat("one two three ", b.abilities().TextLimit/5)
	in := b.thread(b.scene.Group, b.say(b.group(), "a root"))
	for _, typ := range []event.ActionType{event.Reply, event.Post} {
		whole := b.action(typ, in, "")
		whole.Text = text
		want, err := b.send(s.ctx, whole)
		s.must(err)
		if got := b.sought("a long text", whole, true); !reflect.DeepEqual(got.Parts, want.Parts) || got.Message != want.Message {
			s.t.Errorf("Find of a long %s returns %+v, want %+v", typ, got, want)
		}
		for nth := range want.Parts {
			last := nth == len(want.Parts)-1
			for what, x := range map[string]fault{"not sent": {cut: true}, "sent, and the answer lost": {cut: true, done: true}} {
				what = fmt.Sprintf("part %d of %d %s", nth+1, len(want.Parts), what)
				a := b.action(typ, in, "")
				a.Text = text
				before := len(b.stage.Lines())
				x.changing, x.skip, x.times = true, nth, 1
				b.attempt(what, a, x)
				b.sought(what, a, last && x.done)
				r, err := b.send(s.ctx, a)
				if err != nil {
					s.t.Errorf("%s: sent again: %v", what, err)
					continue
				}
				b.isSplit(what+", sent again", a, r, b.stage.Lines()[before:])
				if got := b.sought(what+", sent again", a, true); !reflect.DeepEqual(got.Parts, r.Parts) {
					s.t.Errorf("%s: Find returns parts %v, Send did %v", what, got.Parts, r.Parts)
				}
			}
		}
	}
}

// findChanged: a change that was made is found, and one that was not is not.
func findChanged(s *suite) {
	b := s.stand(StageConfig{})
	in := b.thread(b.scene.Group, b.say(b.group(), "a root"))
	for what, x := range s.unknown(true) {
		target := b.carried(b.action(event.Reply, in, "")).ID
		for _, typ := range []event.ActionType{event.Edit, event.React, event.Unreact, event.Delete} {
			if !able(b.abilities(), typ) {
				continue
			}
			a := b.action(typ, in, target)
			not := x
			not.done = false
			if !not.half {
				b.attempt(what+" before", a, not)
			}
			b.sought(what+" before", a, false)
			b.attempt(what+" after", a, x)
			if fault := b.unchanged(a); fault != "" {
				s.t.Errorf("%s after %s: %s", what, typ, fault)
			}
			if r := b.sought(what+" after", a, true); r.Action != a.ID || r.Message != target {
				s.t.Errorf("%s: Find of %s returns %+v, want action %s, message %s", what, typ, r, a.ID, target)
			}
		}
	}
}

// sendTwice: where the platform recognises a repeat, an action sent twice is one message.
func sendTwice(s *suite) {
	b := s.stand(StageConfig{})
	if b.abilities().Idempotence != event.Native {
		s.t.Logf("not covered: %s does not recognise a repeat by itself", s.p.Name)
		return
	}
	in := b.thread(b.scene.Group, b.say(b.group(), "a root"))
	for what, x := range s.unknown(true) {
		for _, typ := range []event.ActionType{event.Reply, event.Post} {
			a := b.action(typ, in, "")
			before := len(b.stage.Lines())
			b.attempt(what, a, x)
			for _, l := range []*link{b.link, b.connect(), b.link} {
				r, err := l.send(s.ctx, a)
				lines := b.stage.Lines()[before:]
				if err != nil || len(lines) != 1 || r.Message != lines[0].ID || r.Action != a.ID {
					s.t.Errorf("%s: %s sent again returns %+v, %v, and there are %d messages", what, typ, r, err, len(lines))
				}
			}
		}
	}
}
