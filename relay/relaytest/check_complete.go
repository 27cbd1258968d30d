package relaytest

import (
	"reflect"
	"slices"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

func completeChecks() []check {
	completer := []Interface{Receiver, Completer}
	return []check{
		{"complete/place", completer, completePlace},
		{"complete/whole", completer, completeWhole},
		{"complete/gone", completer, completeGone},
		{"complete/remembered", []Interface{Receiver, Completer, Rememberer}, completeRemembered},
	}
}

// incompletes returns incomplete events about a root, a reply and a direct message, each with where it was said.
func (b *bench) incompletes() map[event.ID]incomplete {
	b.t.Helper()
	found := map[event.ID]incomplete{}
	root := b.say(b.group(), "a root")
	in := b.thread(b.scene.Group, root)
	for id, at := range map[event.MessageID]event.ThreadRef{
		root:                    in,
		b.say(in, "a reply"):    in,
		b.say(b.direct(), "hi"): b.direct(),
	} {
		if at.Root == "" {
			at.Root = id
		}
		if e, ok := b.incomplete(id); ok {
			found[e.ID] = incomplete{e, at}
		}
	}
	if len(found) == 0 {
		b.t.Errorf("a Completer is promised, and the webhooks that tell of %v leave nothing open", b.p.Tells.Hooks)
	}
	return found
}

// incomplete is an event with the thread that it does not name.
type incomplete struct {
	event.Event
	at event.ThreadRef
}

// completePlace: a completed event is in its thread, and has its final id, the same at every connection.
func completePlace(s *suite) {
	b := s.stand(StageConfig{})
	for _, e := range b.incompletes() {
		var ids []event.ID
		for _, l := range []*link{b.link, b.link, b.connect()} {
			whole, err := l.complete(s.ctx, e.Event)
			if err != nil {
				s.t.Errorf("%s: %v", e.ID, err)
				continue
			}
			ids = append(ids, whole.ID)
			switch fault := b.unfit(whole); {
			case fault != "":
				s.t.Errorf("%s, completed: %s", e.ID, fault)
			case whole.Incomplete:
				s.t.Errorf("%s is incomplete after it was completed", e.ID)
			case whole.Thread != e.at:
				s.t.Errorf("%s, completed, is in %s, want %s", e.ID, whole.Thread, e.at)
			case whole.ID == e.ID:
				s.t.Errorf("%s, completed, has the id of the incomplete event, which is stored already", e.ID)
			case whole.Type != e.Type || about(whole) != about(e.Event):
				s.t.Errorf("%s, completed, is %s about %s", e.ID, whole.Type, about(whole))
			}
		}
		if len(slices.Compact(ids)) != 1 {
			s.t.Errorf("%s, completed several times, has the ids %v", e.ID, ids)
		}
	}
}

// completeWhole: an event that lacks nothing stays as it is, and nobody is asked.
func completeWhole(s *suite) {
	b := s.stand(StageConfig{})
	before, _ := b.front.count()
	for _, name := range s.payloads() {
		events, err := b.receive(s.signed(name))
		if err != nil {
			continue // which golden tells
		}
		for _, e := range events {
			if e.Incomplete {
				continue
			}
			if whole, err := b.complete(s.ctx, e); err != nil || !reflect.DeepEqual(whole, e) {
				s.t.Errorf("%s is not incomplete, and becomes %+v, %v", e.ID, whole, err)
			}
		}
	}
	if after, _ := b.front.count(); after != before {
		s.t.Errorf("events that are not incomplete cost %d requests", after-before)
	}
}

// completeGone: an event about a message that is not there any more says so; a deletion may do without it.
func completeGone(s *suite) {
	b := s.stand(StageConfig{})
	for _, e := range b.incompletes() {
		gone := e.Event
		if gone.Reaction != nil {
			r := *gone.Reaction
			r.Message, gone.Reaction = b.scene.NoMessage, &r
		}
		if gone.Message != nil {
			m := *gone.Message
			m.ID, gone.Message = b.scene.NoMessage, &m
		}
		_, err := b.complete(s.ctx, gone)
		if err == nil && gone.Type == event.MessageDeleted {
			continue
		}
		if kind, ok := errorKind(err); !ok || kind != relay.RootGone {
			s.t.Errorf("%s of a message that is not there returns %v, want a Failure of the kind %s", gone.Type, err, relay.RootGone)
		}
	}
}

// completeRemembered: what was told before need not be asked for.
func completeRemembered(s *suite) {
	b := s.stand(StageConfig{})
	events := b.incompletes()
	rememberer := as[relay.Rememberer](b.link)
	for _, e := range events {
		rememberer.Remember(b.whole(b.told(event.MessageCreated, about(e.Event))))
		rememberer.Remember(e.Event) // which tells nothing
		if slices.Contains(s.p.Tells.Timeless, e.Type) {
			rememberer.Remember(b.whole(e.Event))
		}
	}
	rememberer.Remember(event.Event{})
	before, _ := b.front.count()
	for _, e := range events {
		if whole, err := b.complete(s.ctx, e.Event); err != nil || whole.Thread != e.at {
			s.t.Errorf("%s, of a message that was told, is completed to %s, %v, want %s", e.ID, whole.Thread, err, e.at)
		}
	}
	if after, _ := b.front.count(); after != before {
		s.t.Errorf("what was told before cost %d requests", after-before)
	}
}
