package relaytest

import (
	"fmt"
	"slices"

	"github.com/threadrelay/threadrelay/bus/event"
)

// chatter has people say n things that belong to a source, half of them in a thread, and something elsewhere after each.
func (b *bench) chatter(src Source, root event.MessageID, n int) []event.MessageID {
	b.t.Helper()
	var said []event.MessageID
	roots := map[event.ConversationID]event.MessageID{}
	for i := range n {
		in := b.thread(b.scene.Group, root) // of a thread's source
		if len(src.Conversations) > 0 {
			in.Conversation = src.Conversations[i%len(src.Conversations)]
			in.Root = ""
			if i%4 >= 2 {
				in.Root = roots[in.Conversation]
			}
		}
		id := b.say(in, fmt.Sprintf("line %d", i))
		said = append(said, id)
		if in.Root == "" {
			roots[in.Conversation] = id
		}
		for _, elsewhere := range []event.ConversationID{b.scene.Group, b.scene.Direct} {
			if !slices.Contains(src.Conversations, elsewhere) {
				b.say(b.thread(elsewhere, ""), "elsewhere")
			}
		}
	}
	return said
}

// toldAs compares the creations among events with what was said: each there, none besides, in the order in which it happened.
// An event may come twice, with the same id.
func (b *bench) toldAs(what string, events []event.Event, said []event.MessageID) {
	b.t.Helper()
	ids := map[event.MessageID]event.ID{}
	var order []event.MessageID
	for _, e := range events {
		if e.Type != event.MessageCreated {
			continue
		}
		id := about(e)
		known, again := ids[id]
		if again && known != e.ID {
			b.t.Errorf("%s: message %s is told as %s and as %s", what, id, known, e.ID)
		}
		if !again {
			ids[id] = e.ID
			order = append(order, id)
		}
	}
	if !slices.Equal(order, said) {
		b.t.Errorf("%s: told %v, said %v", what, order, said)
	}
}

// talk has lines said everywhere, and adds each to what was said of the sources that it belongs to.
func (b *bench) talk(sources []Source, root event.MessageID, said [][]event.MessageID) {
	b.t.Helper()
	for n := range 4 {
		in := b.group()
		switch n {
		case 1:
			in = b.direct()
		case 3:
			in.Root = root
		}
		id := b.say(in, fmt.Sprintf("late line %d", n))
		for i, src := range sources {
			thread := len(src.Conversations) == 0
			if thread && in.Root == root || slices.Contains(src.Conversations, in.Conversation) {
				said[i] = append(said[i], id)
			}
		}
	}
}

// pollPages: whatever the size and the order of the server's pages, everything is told once and in order, also what is said
// while the pages are read.
func pollPages(s *suite) {
	const things = 7
	for size := 1; size <= things+1; size++ {
		for _, newestFirst := range []bool{false, true} {
			b := s.stand(StageConfig{PageSize: size, NewestFirst: newestFirst})
			root := b.say(b.group(), "a root")
			for _, src := range b.sources(root) {
				what := fmt.Sprintf("source %s by %d, newest first %t", src.Name, size, newestFirst)
				r := b.read(src.Name)
				b.toldAs(what+", at first", r.drain(), nil)
				said := b.chatter(src, root, things)
				b.toldAs(what, r.drain(), said)

				said = b.chatter(src, root, things)
				var events []event.Event
				for range 4 { // and somebody goes on talking
					page, err := r.page()
					s.must(err)
					events = append(events, page.Events...)
					said = append(said, b.chatter(src, root, 2)...)
				}
				b.toldAs(what+", while people talk", append(events, r.drain()...), said)
			}
		}
	}
}
