package bus

import (
	"testing"
	"time"
)

// cautionRig is a subscription whose lanes that are made ready come out of a channel.
func cautionRig(concurrency int) (*subscription, <-chan *lane) {
	served := make(chan *lane, 16)
	s := &subscription{caution: newCaution(concurrency)}
	s.workers = workers{limit: 16, serve: func(l *lane) { served <- l }}
	return s, served
}

// try and leave are what a partition does with a lane, under its lock.
func try(l *lane) bool {
	l.home.mu.Lock()
	defer l.home.mu.Unlock()
	return l.home.care(l)
}

func leave(l *lane) {
	l.home.mu.Lock()
	defer l.home.mu.Unlock()
	l.home.uncare(l)
}

func wantServed(t *testing.T, served <-chan *lane, want *lane) {
	t.Helper()
	select {
	case l := <-served:
		if l != want {
			t.Errorf("lane %s was let in, want %s", l.subject, want.subject)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("lane %s was not let in", want.subject)
	}
}

func TestCautionPassesPlacesOn(t *testing.T) {
	s, served := cautionRig(1) // two places
	here, gone := &partition{sub: s}, &partition{sub: s, ended: true}
	a, b := &lane{home: here, subject: "a"}, &lane{home: here, subject: "b"}
	left, last := &lane{home: gone, subject: "left"}, &lane{home: here, subject: "last"}
	if !try(a) || !try(b) {
		t.Error("there was room")
	}
	if try(left) || try(last) {
		t.Error("more were let in than there are places")
	}
	leave(a)
	wantServed(t, served, last) // past the one whose partition was left meanwhile
	if !try(last) {
		t.Error("a lane that was let in has to wait")
	}
	leave(b)
	leave(last)
	if !try(a) || !try(b) {
		t.Error("places were lost")
	}
}

func TestCautionLetsOneSuspectIn(t *testing.T) {
	s, served := cautionRig(2)
	p := &partition{sub: s}
	first, second := &lane{home: p, subject: "first", started: 1}, &lane{home: p, subject: "second", started: 1}
	other := &lane{home: p, subject: "other"}
	if !try(first) || try(second) || !try(other) {
		t.Error("one suspect was to be let in, and who is none")
	}
	leave(other)
	if len(served) > 0 {
		t.Error("two suspects were let in")
	}
	worse, third := &lane{home: p, subject: "worse", started: 2}, &lane{home: p, subject: "third", started: 5, attempts: 4}
	if try(worse) || try(third) {
		t.Error("two suspects were let in")
	}
	for _, pair := range [][2]*lane{{first, second}, {second, third}, {third, worse}} {
		leave(pair[0])
		wantServed(t, served, pair[1])
	}
	leave(worse)
	if !try(first) {
		t.Error("the suspects' place was lost")
	}
}

// During whose handling two processes have ended, that waits until this one has lived for a while.
func TestCautionQuarantines(t *testing.T) {
	for name, c := range map[string]struct {
		held    time.Duration
		crashes int
		want    bool
	}{
		"once, just taken over":  {0, 1, true},
		"twice, just taken over": {0, 2, false},
		"twice, long ago":        {quarantine, 2, true},
	} {
		s, served := cautionRig(1)
		p := &partition{sub: s, since: time.Now().Add(-c.held)}
		l := &lane{home: p, subject: name, started: 3 + c.crashes, attempts: 3}
		if got := try(l); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
		if !c.want {
			wantServed(t, served, l)
		}
	}
}
