package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

// Each way by which messages come in suffices: what is said in a channel, in a thread and directly is answered once, there and in
// order, and what is said where the bot is not, or by the bot, is not.
func TestRocketChatByOneWay(t *testing.T) {
	ways := map[string]struct {
		environ func(*rocketTestStage) []string
		ready   func(*rocketTestStage, *relayProcess)
	}{
		"webhook": {
			func(s *rocketTestStage) []string { return []string{s.byHook()} },
			func(s *rocketTestStage, r *relayProcess) { s.hookAt(r) },
		},
		"poll": {
			func(*rocketTestStage) []string { return byPoll() },
			func(s *rocketTestStage, _ *relayProcess) { s.awaitPolled() },
		},
		"realtime": { // its polls are too rare to bring anything
			func(*rocketTestStage) []string { return []string{byStream(), "ROCKETCHAT_POLL_INTERVAL=1h"} },
			func(s *rocketTestStage, r *relayProcess) {
				s.awaitSubscribed()
				s.awaitPolled()
				r.awaitStatus(200, `"open":true`)
				r.awaitStatus(200, `"waiting":0`)
			},
		},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			s := newRocketTestStage(t)
			r := serveInside(t, s.environment(t.TempDir(), way.environ(s)...))
			way.ready(s, r)
			polls := s.count("chat.syncMessages")
			said := s.talk(8)
			for root, texts := range said {
				s.await(root, texts...)
			}
			if more := s.count("chat.syncMessages") - polls; name != "poll" && more > 0 {
				t.Errorf("%d polls were made, so %s was not alone", more, name)
			}
			if n := len(s.chat.Deliveries()); name != "webhook" && n > 0 {
				t.Errorf("%d webhooks were called, so %s was not alone", n, name)
			}
			if code := r.drain(); code != exitDone {
				t.Errorf("exit code %d", code)
			}
			s.wantSaid(said)
		})
	}
}

// talk has somebody speak in a channel, in its thread and directly, n times in each, and to others besides. It returns what is to
// be answered, by root.
func (s *rocketTestStage) talk(n int) map[string][]string {
	s.t.Helper()
	said := map[string][]string{}
	channel := s.say(rocketsim.Say{From: "ben", Room: "#engineering", Text: "a root"})
	direct := s.say(rocketsim.Say{From: "ana", Room: s.direct, Text: "a direct root"})
	said[channel], said[direct] = []string{"a root"}, []string{"a direct root"}
	for i := range n {
		for root, texts := range said {
			text := fmt.Sprint("line ", i)
			s.say(rocketsim.Say{From: "ana", Thread: root, Text: text})
			said[root] = append(texts, text)
		}
		s.say(rocketsim.Say{From: "ben", Room: "#general", Text: "where the bot is not"})
		s.say(rocketsim.Say{From: demoBot, Room: "#engineering", Text: "by hand"})
	}
	return said
}

// wantSaid fails the test unless all that was said was answered, and nothing else.
func (s *rocketTestStage) wantSaid(said map[string][]string) {
	s.t.Helper()
	all := 0
	for root, texts := range said {
		s.wantAnswers(root, texts...)
		all += len(texts)
	}
	if got := s.answered(); got != all {
		s.t.Errorf("%d answers, want %d", got, all)
	}
}

// All ways at once, while webhooks come twice, late or never and the realtime connection breaks, loses and repeats: everything
// is answered once. A restart in between loses nothing of what is said meanwhile.
func TestRocketChatByAllWays(t *testing.T) {
	const threads, lines = 4, 5
	s := newRocketTestStage(t, func(cfg *rocketsim.Config) { cfg.Speed = 20 })
	dir := t.TempDir()
	environ := s.environment(dir, append(byPoll(), s.byHook(), byStream())...)
	r := serveInside(t, environ)
	s.hookAt(r)
	s.awaitSubscribed()
	s.awaitPolled()
	said := map[string][]string{}
	s.disturb()
	s.converse(said, threads, lines)
	if code := r.drain(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	var waiting []string
	for root := range said {
		text := "while nobody listened"
		s.say(rocketsim.Say{From: "ana", Thread: root, Text: text})
		said[root] = append(said[root], text)
		waiting = append(waiting, root)
	}
	again := serveInside(t, environ)
	s.hookAt(again)
	for _, root := range waiting {
		s.await(root, "while nobody listened")
	}
	s.converse(said, threads, lines)
	s.chat.ClearFaults()
	if err := s.chat.AwaitHooks(bustest.Context(t)); err != nil {
		t.Error(err)
	}
	if code := again.drain(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	s.wantSaid(said)
	s.wantDisturbed()
	if st := s.chat.Realtime(); st.Accepted < 3 {
		t.Errorf("the realtime connection was opened %d times, so it was not broken", st.Accepted)
	}
}

// disturb has webhooks and events go wrong, again and again.
func (s *rocketTestStage) disturb() {
	for range 6 {
		s.chat.InjectDelivery(rocketsim.DeliveryFault{Drop: true, Times: 2})
		s.chat.InjectDelivery(rocketsim.DeliveryFault{Duplicate: true, Times: 2})
		s.chat.InjectDelivery(rocketsim.DeliveryFault{Shuffle: 3, Times: 3})
		s.chat.InjectDelivery(rocketsim.DeliveryFault{Reorder: true, Times: 1})
		s.chat.InjectRealtime(rocketsim.RealtimeFault{Lose: true, Times: 2})
		s.chat.InjectRealtime(rocketsim.RealtimeFault{Duplicate: true, Times: 2})
		s.chat.InjectRealtime(rocketsim.RealtimeFault{Cut: true, Times: 1})
	}
}

// wantDisturbed fails the test unless webhooks were lost, and came twice.
func (s *rocketTestStage) wantDisturbed() {
	s.t.Helper()
	calls := map[string]int{}
	for _, d := range s.chat.Deliveries() {
		calls[d.MessageID]++
	}
	lost, twice := 0, 0
	for _, m := range s.chat.Messages("#engineering") {
		switch calls[m.ID] {
		case 0:
			lost++
		case 1:
		default:
			twice++
		}
	}
	if lost == 0 || twice == 0 {
		s.t.Errorf("%d webhooks were lost and %d came twice, so nothing was disturbed", lost, twice)
	}
}

// converse has threads begin, side by side. In each, everybody waits for an answer before going on, since what is said at the
// same time may come in in any order.
func (s *rocketTestStage) converse(said map[string][]string, threads, lines int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range threads {
		wg.Go(func() {
			texts := []string{fmt.Sprint("thread ", i)}
			root := s.say(rocketsim.Say{From: "ana", Room: "#engineering", Text: texts[0]})
			ok := s.await(root, texts[0])
			for n := 0; ok && n < lines; n++ {
				text := fmt.Sprintf("line %d of thread %d", n, i)
				s.say(rocketsim.Say{From: "ben", Thread: root, Text: text})
				texts = append(texts, text)
				if n == i {
					s.chat.DropRealtime()
				}
				ok = s.await(root, text)
			}
			mu.Lock()
			defer mu.Unlock()
			said[root] = texts
		})
	}
	wg.Wait()
}

// Edits, deletions and reactions reach the thread of their message once, although several ways bring them.
func TestRocketChatChanges(t *testing.T) {
	s := newRocketTestStage(t)
	broker := newBroker(t)
	r := serveInside(t, s.environment(t.TempDir(), append(byPoll(), s.byHook(), byStream(), "NATS_URL="+broker.URL())...))
	s.hookAt(r)
	s.awaitSubscribed()
	s.awaitPolled()
	root := s.say(rocketsim.Say{From: "ben", Room: "#engineering", Text: "root"})
	s.await(root, "root")
	reply := s.say(rocketsim.Say{From: "ana", Thread: root, Text: "reply"})
	s.await(root, "reply")
	kept := newShelf(t, broker.URL())
	for _, step := range []struct {
		typ event.Type
		do  func() error
	}{
		{event.ReactionAdded, func() error { return s.chat.ReactAs("ben", reply, ":thumbsup:", true) }},
		{event.ReactionRemoved, func() error { return s.chat.ReactAs("ben", reply, ":thumbsup:", false) }},
		{event.MessageEdited, func() error { return s.chat.EditAs("ana", reply, "changed") }},
		{event.MessageDeleted, func() error { return s.chat.DeleteAs("ana", reply) }},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		e := kept.about(step.typ, reply)[0]
		if string(e.Thread.Root) != root || !strings.HasPrefix(string(e.ID), "rocketchat:rocketchat:"+reply) {
			t.Errorf("%s is %s in thread %s, want that of message %s", step.typ, e.ID, e.Thread, root)
		}
		if step.typ == event.MessageEdited && e.Message.Text != "changed" {
			t.Errorf("the edit says %q", e.Message.Text)
		}
	}
	after := s.say(rocketsim.Say{From: "ben", Thread: root, Text: "after it"})
	s.await(root, "after it")
	kept.about(event.MessageCreated, after)
	if code := r.drain(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	s.wantAnswers(root, "root", "reply", "after it")
	ids := kept.ids()
	if twice := len(ids) - len(slices.Compact(ids)); twice > 0 {
		t.Errorf("%d events are stored twice", twice)
	}
}
