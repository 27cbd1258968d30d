package relaytest

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/threadrelay/threadrelay/bus/event"
)

func lookupChecks() []check {
	return []check{
		{"members/answers", []Interface{Members}, memberAnswers},
		{"probe/fine", []Interface{Prober}, probeFine},
		{"probe/broken", []Interface{Prober}, probeBroken},
	}
}

// memberAnswers: who belongs to a conversation is told apart from who does not.
func memberAnswers(s *suite) {
	b := s.stand(StageConfig{})
	for _, c := range []struct {
		in   event.ConversationID
		user event.UserID
		want bool
	}{
		{b.scene.Group, "", true},
		{b.scene.Group, b.scene.Self, true},
		{b.scene.Group, b.scene.People[0], true},
		{b.scene.Group, b.scene.Stranger, false},
		{b.scene.Direct, "", true},
		{b.scene.Direct, b.scene.People[0], true},
		{b.scene.Direct, b.scene.Stranger, false},
	} {
		got, err := b.member(s.ctx, event.MembershipQuery{Connection: s.p.Connection, Conversation: c.in, User: c.user})
		if err != nil || got != c.want {
			s.t.Errorf("that %q belongs to %s is %t, %v, want %t", c.user, c.in, got, err, c.want)
		}
	}
	if member, err := b.member(s.ctx, event.MembershipQuery{Connection: s.p.Connection, Conversation: "\x00/../"}); err == nil || member {
		s.t.Errorf("that somebody belongs to what is no conversation is %t, %v, want an error", member, err)
	}
}

// probeFine: a configuration that is as it should be has no fault, and is checked without changing anything.
func probeFine(s *suite) {
	b := s.stand(StageConfig{})
	findings := b.probe(s.ctx)
	if len(findings) == 0 {
		s.t.Error("the probe checks nothing")
	}
	for _, f := range findings {
		if f.Subject == "" || f.Fault != nil {
			s.t.Errorf("all is well, and the probe finds %q: %v", f.Subject, f.Fault)
		}
	}
	switch all, changing := b.front.count(); {
	case all == 0:
		s.t.Error("the probe asks nobody")
	case changing > 0:
		s.t.Errorf("the probe makes %d requests that change something", changing)
	}
}

// probeBroken: each thing that is not as it should be has a fault of its own, which tells people what to do.
func probeBroken(s *suite) {
	if len(s.p.Broken) == 0 {
		s.t.Error("there are no broken configurations")
	}
	seen := map[string]string{}
	for _, broken := range s.p.Broken {
		b := s.stand(StageConfig{})
		l := &link{s: s, conn: broken.Connect(s.t, b.stage, Address{URL: b.server.URL})}
		faults := 0
		for _, f := range l.probe(s.ctx) {
			if f.Fault == nil {
				continue
			}
			faults++
			text := f.Fault.Error()
			if f.Subject == "" || !isSentence(text) {
				s.t.Errorf("%s: the fault of %q is no sentence: %q", broken.Name, f.Subject, text)
			}
			if other, again := seen[text]; again && other != broken.Name {
				s.t.Errorf("%s: the fault is the same as that of %s: %s", broken.Name, other, text)
			}
			seen[text] = broken.Name
		}
		if faults == 0 {
			s.t.Errorf("%s: the probe finds no fault", broken.Name)
		}
	}
}

// isSentence reports whether a text begins and ends as a sentence does, and has some words.
func isSentence(s string) bool {
	const fewest = 4
	first, _ := utf8.DecodeRuneInString(s)
	return unicode.IsUpper(first) && strings.ContainsAny(s[len(s)-1:], ".)") && len(strings.Fields(s)) >= fewest
}
