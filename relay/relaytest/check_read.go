package relaytest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

func readChecks() []check {
	reader := []Interface{Reader}
	return []check{
		{"read/thread", reader, readThread},
		{"read/conversation", reader, readConversation},
		{"read/user", reader, readUser},
		{"read/gone", reader, readGone},
	}
}

// reading is a Reader's method that returns pages.
type reading func(ctx context.Context, t event.ThreadRef, p relay.PageRequest) (relay.History, error)

// readAll reads page by page to the end, and returns the messages from the first to the last.
func (b *bench) readAll(what string, read reading, in event.ThreadRef, p relay.PageRequest) []relay.Said {
	b.t.Helper()
	var all []relay.Said
	for range manyPages {
		h, err := read(b.ctx, in, p)
		b.must(err)
		if p.Limit > 0 && len(h.Messages) > p.Limit {
			b.t.Errorf("%s: a page has %d messages, wanted are %d at most", what, len(h.Messages), p.Limit)
		}
		all = append(all, h.Messages...)
		if h.Next == "" {
			if !p.OldestFirst {
				slices.Reverse(all)
			}
			return all
		}
		p.Cursor = h.Next
	}
	b.t.Fatalf("%s: after %d pages there is still more", what, manyPages)
	return nil
}

// inEveryWay reads a history by pages of all sizes, in both orders, and compares it with what was said.
func (b *bench) inEveryWay(name string, read reading, in event.ThreadRef, said []spoken) {
	b.t.Helper()
	for limit := range len(said) + 3 {
		for _, oldestFirst := range []bool{false, true} {
			what := fmt.Sprintf("%s by %d, oldest first %t", name, limit, oldestFirst)
			all := b.readAll(what, read, in, relay.PageRequest{Limit: limit, OldestFirst: oldestFirst})
			if len(all) != len(said) {
				b.t.Errorf("%s: %d messages, said were %d", what, len(all), len(said))
				continue
			}
			for i, want := range said {
				m := all[i]
				e := event.Event{
					Version: event.Version, ID: "history", Type: event.MessageCreated, Time: m.Time, Platform: b.p.Name, Thread: m.Thread,
					Self: b.scene.Self, Message: &m.Message,
				}
				if m.ID != want.id {
					b.t.Errorf("%s: message %d is %s, want %s", what, i, m.ID, want.id)
				} else if fault := b.misplaced(e, want); fault != "" {
					b.t.Errorf("%s: message %s: %s", what, m.ID, fault)
				}
				if !m.Edited.IsZero() {
					b.t.Errorf("%s: message %s was never edited, and has the time %s", what, m.ID, m.Edited)
				}
			}
		}
	}
}

// recall says something as the first of the people, for later comparison.
func (b *bench) recall(in event.ThreadRef, text string) spoken {
	b.t.Helper()
	return spoken{id: b.say(in, text), by: b.scene.People[0], in: in, text: text}
}

// readThread: a thread is its root and the replies to it, each once and in order, whatever the size of a page.
func readThread(s *suite) {
	for _, newestFirst := range []bool{false, true} {
		b := s.stand(StageConfig{NewestFirst: newestFirst})
		root := b.recall(b.group(), "the root")
		in := b.thread(b.scene.Group, root.id)
		said := []spoken{root}
		b.inEveryWay("a thread without replies", b.readThread, in, said)
		for i := range 5 {
			said = append(said, b.recall(in, fmt.Sprintf("reply %d", i)))
			b.say(b.group(), "elsewhere")
			b.must(b.stage.Delete(b.scene.People[0], b.say(in, "oops")))
		}
		b.inEveryWay("a thread", b.readThread, in, said)
	}
}

// readConversation: a conversation is all that was said in it, also in threads, and nothing of other conversations.
func readConversation(s *suite) {
	for _, newestFirst := range []bool{false, true} {
		b := s.stand(StageConfig{NewestFirst: newestFirst})
		for _, in := range []event.ThreadRef{b.group(), b.direct()} {
			b.inEveryWay("an empty conversation", b.readConversation, in, nil)
			var said []spoken
			for i := range 5 {
				place := in
				if i >= 2 {
					place.Root = said[i%2].id
				}
				said = append(said, b.recall(place, fmt.Sprintf("line %d", i)))
				b.must(b.stage.Delete(b.scene.People[0], b.say(in, "oops")))
			}
			b.inEveryWay("conversation "+string(in.Conversation), b.readConversation, in, said)
		}
		edited := b.recall(b.group(), "before")
		b.must(b.stage.Edit(b.scene.People[0], edited.id, "after"))
		all := b.readAll("an edited message", b.readConversation, b.group(), relay.PageRequest{})
		last := all[len(all)-1]
		if last.ID != edited.id || last.Text != "after" || time.Since(last.Edited).Abs() > time.Minute {
			s.t.Errorf("an edited message is %q, edited at %s", last.Text, last.Edited)
		}
	}
}

// readUser: a user is found with the name that others see, and one that does not exist is Denied.
func readUser(s *suite) {
	b := s.stand(StageConfig{})
	said, ok := b.line(b.say(b.group(), "hi"))
	u, err := b.user(s.ctx, b.scene.People[0])
	if err != nil || !ok || u.ID != b.scene.People[0] || u.Name != said.Name || u.System {
		s.t.Errorf("user %s is %+v, %v, want the name %q", b.scene.People[0], u, err, said.Name)
	}
	if _, err := b.user(s.ctx, b.scene.Nobody); err == nil {
		s.t.Errorf("user %s, who does not exist, is found", b.scene.Nobody)
	} else if kind, ok := errorKind(err); !ok || kind != relay.Denied {
		s.t.Errorf("user %s, who does not exist, is %v, want a Failure of the kind %s", b.scene.Nobody, err, relay.Denied)
	}
}

// readGone: a thread whose root is not there says so.
func readGone(s *suite) {
	b := s.stand(StageConfig{})
	for _, oldestFirst := range []bool{false, true} {
		_, err := b.readThread(s.ctx, b.thread(b.scene.Group, b.scene.NoMessage), relay.PageRequest{OldestFirst: oldestFirst})
		if kind, ok := errorKind(err); !ok || kind != relay.RootGone {
			s.t.Errorf("the thread of a message that is not there returns %v, want a Failure of the kind %s", err, relay.RootGone)
		}
	}
}
