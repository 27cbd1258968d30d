package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay/sim"
)

// books are what the relay has stored in the end.
type books struct {
	actions  []event.Action // in the order of the stream
	repeats  int            // actions that lie there once more
	receipts map[event.ActionID]event.Receipt
	dead     map[event.ActionID]string // with the reason
	// unheard are the messages of people that are dead letters, with the reason: the bot may have answered them, or not.
	unheard map[string]string
}

// openBooks reads the folder of a server that has stopped.
func openBooks(t *testing.T, dir string) *books {
	t.Helper()
	srv := bustest.StartServer(t, dir)
	b := &books{receipts: make(map[event.ActionID]event.Receipt), dead: make(map[event.ActionID]string), unheard: make(map[string]string)}
	seen := make(map[event.ActionID]bool)
	for _, m := range srv.Stored(bus.ActionsStream) {
		a := decoded(t, m, event.DecodeAction)
		if seen[a.ID] {
			b.repeats++
			continue
		}
		seen[a.ID] = true
		b.actions = append(b.actions, a)
	}
	for _, m := range srv.Stored(bus.ReceiptsStream) {
		r := decoded(t, m, event.DecodeReceipt)
		b.receipts[r.Action] = r
	}
	for d, err := range srv.Open(bus.Config{}).DeadLetters(context.Background(), bus.DeadFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		b.bury(t, d)
	}
	return b
}

// bury takes a dead letter into the books.
func (b *books) bury(t *testing.T, d bus.DeadLetter) {
	t.Helper()
	t.Logf("a dead letter of stage %s: %s", d.Stage, d.Reason)
	if d.Reason == "" {
		t.Errorf("dead letter %s has no reason", d.ID)
	}
	if d.Stage == bus.Events {
		if e, err := event.DecodeEvent(d.Payload); err == nil && e.Message != nil {
			b.unheard[string(e.Message.ID)] = d.Reason
			return
		}
	}
	a, err := event.DecodeAction(d.Payload)
	if err != nil || d.Stage != bus.Actions {
		t.Errorf("dead letter %s is neither an action nor a message: %s", d.ID, d.Payload)
	}
	b.dead[a.ID] = d.Reason
}

func decoded[T any](t *testing.T, m *jetstream.RawStreamMsg, read func([]byte) (T, error)) T {
	t.Helper()
	v, err := read(m.Data)
	if err != nil {
		t.Fatalf("%s: %v", m.Subject, err)
	}
	return v
}

// isSaying reports whether an action becomes a message.
func isSaying(a event.Action) bool { return a.Type == event.Reply || a.Type == event.Post }

// wantOnce holds every action against what is seen: it has a receipt, and is seen once, or it is a dead letter with its reason,
// and is not seen. And the bot has said nothing that is no action.
func (p *proof) wantOnce(b *books) {
	p.t.Helper()
	seen := make(map[string]sim.Message)
	for _, m := range p.spoken(p.chat.Messages()) {
		seen[m.ID] = m
	}
	said := 0
	for _, a := range b.actions {
		r, told := b.receipts[a.ID]
		reason, dead := b.dead[a.ID]
		m, there := seen[string(r.Message)]
		switch {
		case !told:
			p.t.Errorf("action %s (%s %q): no receipt", a.ID, a.Type, a.Text)
		case dead != (r.Outcome == event.Failed):
			p.t.Errorf("action %s (%s %q): the receipt says %q, and the dead letter %q", a.ID, a.Type, a.Text, r.Outcome, reason)
		case isSaying(a) && !dead:
			said++
			if id := markerOf(m); !there || m.DeletedAt.IsZero() && id != a.ID {
				p.t.Errorf("action %s (%q): the receipt names message %q, which is of action %q", a.ID, a.Text, r.Message, id)
			}
		}
	}
	if len(seen) != said {
		p.t.Errorf("%d messages are seen of %d actions", len(seen), said)
	}
	marked := make(map[event.ActionID]string)
	for id, m := range seen {
		if other := marked[markerOf(m)]; other != "" && m.DeletedAt.IsZero() {
			p.t.Errorf("action %s is seen twice, as messages %s and %s", markerOf(m), other, id)
		}
		marked[markerOf(m)] = id
	}
	traffic := p.chat.Traffic()
	p.t.Logf("%d actions, %d of which say something and are seen; %d dead letters of actions, %d of messages; %d actions stored twice; "+
		"%d relays killed; %d requests, of which %d struck by a fault and %d too many",
		len(b.actions), said, len(b.dead), len(b.unheard), b.repeats, len(p.fleet.gone), traffic.Requests, traffic.Struck, traffic.TooMany)
}

// markerOf is the action that a message says it comes from.
func markerOf(m sim.Message) event.ActionID {
	var metadata struct {
		Threadrelay struct {
			Action event.ActionID `json:"action"`
		} `json:"threadrelay"`
	}
	_ = json.Unmarshal(m.Metadata, &metadata) // what carries none comes from no action
	return metadata.Threadrelay.Action
}

// wantAnswers holds the threads against what was said in them: each has the answers in order, save for those that are dead
// letters, or whose question is one.
func (p *proof) wantAnswers(b *books) {
	p.t.Helper()
	dead := make(map[string]bool)
	for _, a := range b.actions {
		if _, ok := b.dead[a.ID]; ok {
			dead[string(a.Thread.Root)+a.Text] = true
		}
	}
	for root, all := range p.said {
		var want, got []string
		for _, m := range p.spoken(p.chat.Thread(root)) {
			got = append(got, m.Text)
		}
		for _, m := range all {
			answer := "You said: " + m.Text
			_, unheard := b.unheard[m.ID]
			if !dead[root+answer] && (!unheard || slices.Contains(got, answer)) {
				want = append(want, answer)
			}
		}
		if !slices.Equal(got, want) {
			p.t.Errorf("thread %s holds\n%s\nwant\n%s", root, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}
