package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay/sim"
)

// shelf reads what was stored at a NATS server.
type shelf struct {
	t  *testing.T
	js jetstream.JetStream
}

func newShelf(t *testing.T, url string) shelf {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return shelf{t, js}
}

// events returns all events that bots can see, in the order in which they were stored.
func (s shelf) events() (all []event.Event) {
	s.t.Helper()
	ctx := bustest.Context(s.t)
	stream, err := s.js.Stream(ctx, bus.EventsStream)
	if err != nil {
		s.t.Fatal(err)
	}
	info, err := stream.Info(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	for seq := uint64(1); seq <= info.State.LastSeq; seq++ {
		m, err := stream.GetMsg(ctx, seq)
		if err != nil {
			s.t.Fatal(err)
		}
		var e event.Event
		if err := json.Unmarshal(m.Data, &e); err != nil {
			s.t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// about waits until an event of a type about a message is stored, and returns all such.
func (s shelf) about(typ event.Type, id string) (found []event.Event) {
	s.t.Helper()
	ctx := bustest.Context(s.t)
	for ctx.Err() == nil {
		found = found[:0]
		for _, e := range s.events() {
			if e.Type == typ && (e.Message != nil && string(e.Message.ID) == id || e.Reaction != nil && string(e.Reaction.Message) == id) {
				found = append(found, e)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	s.t.Fatalf("no %s about message %s was stored", typ, id)
	return nil
}

// Reactions, edits and deletes reach the thread of their message, whatever the platform's report of them leaves out, and once
// although webhooks and polls both bring them.
func TestChangesReachTheirThread(t *testing.T) {
	for name, live := range map[string]bool{"documented webhooks": false, "live webhooks": true} {
		t.Run(name, func(t *testing.T) {
			s := newTestStage(t)
			broker := newBroker(t)
			r := serveInside(t, s.polled(t.TempDir(), "NATS_URL="+broker.URL()))
			err := s.chat.AddWebhook(sim.Webhook{
				ID: "relay", URL: "http://" + r.public + "/hooks/cometchat", Username: demoHook, Password: hookPassword, LiveShape: live,
			})
			if err != nil {
				t.Fatal(err)
			}
			root := s.say(sim.Say{From: "ben", ToGroup: "engineering", Text: "root"})
			s.await(root.ID, "root")
			reply := s.say(sim.Say{From: "ana", Parent: root.ID, Text: "reply"})
			s.await(root.ID, "reply")
			s.change(t, reply.ID)

			kept := newShelf(t, broker.URL())
			for _, typ := range []event.Type{event.ReactionAdded, event.ReactionRemoved, event.MessageEdited, event.MessageDeleted} {
				got := kept.about(typ, reply.ID)
				if len(got) != 1 {
					t.Errorf("%d events %s", len(got), typ)
				}
				if at := got[0].Thread; string(at.Root) != root.ID || at.Conversation != "group/engineering" || got[0].Incomplete {
					t.Errorf("%s is in thread %s, want that of message %s", typ, at, root.ID)
				}
			}
			if got := kept.about(event.MessageEdited, reply.ID)[0].Message.Text; got != "changed" {
				t.Errorf("the edit says %q", got)
			}
			r.awaitCount("threadrelay_completions_total", 2)
			if code := r.drain(); code != exitDone {
				t.Errorf("exit code %d", code)
			}
			s.wantAnswers(root.ID, "root", "reply")
			ids := kept.ids()
			if twice := len(ids) - len(slices.Compact(ids)); twice > 0 {
				t.Errorf("%d events are stored twice:\n%s", twice, strings.Join(ids, "\n"))
			}
		})
	}
}

// ids returns the ids of all events, sorted.
func (s shelf) ids() (ids []string) {
	for _, e := range s.events() {
		ids = append(ids, string(e.ID))
	}
	slices.Sort(ids)
	return ids
}

// change does to a message what can be done.
func (s *testStage) change(t *testing.T, id string) {
	t.Helper()
	if err := s.chat.React("ben", id, "👍"); err != nil {
		t.Fatal(err)
	}
	if err := s.chat.Unreact("ben", id, "👍"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.chat.Edit("ana", id, "changed"); err != nil {
		t.Fatal(err)
	}
	if err := s.chat.Delete("ana", id); err != nil {
		t.Fatal(err)
	}
}

// What moderation holds wakes no bot until it is approved, and then once; what it rejects never does.
func TestModeration(t *testing.T) {
	environments := map[string]func(*testStage) []string{
		"webhooks": func(s *testStage) []string { return s.environment(s.t.TempDir()) },
		"poll":     func(s *testStage) []string { return s.unhooked(s.t.TempDir()) },
		"both":     func(s *testStage) []string { return s.polled(s.t.TempDir()) },
	}
	for name, environ := range environments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestStage(t)
			s.t = t
			s.chat.Moderate(&sim.Moderation{Pending: []string{"hmm"}, Blocked: []string{"damn"}})
			r := serveInside(t, environ(s))
			if name != "poll" {
				s.hook(r)
			}
			held := s.say(sim.Say{From: "ana", ToUser: demoBot, Text: "hmm, is that so?"})
			s.say(sim.Say{From: "ana", ToUser: demoBot, Text: "damn"})
			clean := s.say(sim.Say{From: "ana", ToUser: demoBot, Text: "good morning"})
			s.await(clean.ID, clean.Text)
			if got := s.answered(); got != 1 {
				t.Errorf("%d answers before the approval, want 1", got)
			}
			if err := s.chat.Approve(held.ID); err != nil {
				t.Fatal(err)
			}
			s.await(held.ID, held.Text)
			last := s.say(sim.Say{From: "ana", Parent: held.ID, Text: "thank you"})
			s.await(held.ID, last.Text)
			if code := r.drain(); code != exitDone {
				t.Errorf("exit code %d", code)
			}
			s.wantAnswers(held.ID, held.Text, last.Text)
			if got := s.answered(); got != 3 {
				t.Errorf("%d answers, want 3", got)
			}
		})
	}
}
