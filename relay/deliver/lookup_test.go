package deliver_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/deliver"
)

// native is a platform that recognises a repeat by our id.
type native struct{ seeing }

func (native) Capabilities() event.Capabilities { return event.Capabilities{Idempotence: event.Native} }

// Whatever goes wrong with a call, its action is seen once, or is a dead letter with the reason.
func TestUnknownOutcomes(t *testing.T) {
	first := func(n int) fault {
		if n == 1 {
			return before
		}
		return fine
	}
	always := func(f fault) func(int) fault { return func(int) fault { return f } }
	cases := map[string]struct {
		fault   fault
		blind   bool
		unknown deliver.UnknownPolicy
		lookups func(int) fault
		sends   int
		seen    string
		kind    string // of the receipt, if it fails
		answer  string // what is counted
	}{
		"lost reply":                   {fault: after, sends: 1, seen: "one", answer: "found"},
		"panic after it was done":      {fault: panics, sends: 1, seen: "one", answer: "found"},
		"failure before":               {fault: before, sends: 2, seen: "one", answer: "missing"},
		"the look-up fails once":       {fault: after, lookups: first, sends: 1, seen: "one", answer: "found"},
		"the look-up fails for ever":   {fault: after, lookups: always(before), sends: 1, seen: "one", kind: "temporary"},
		"one may not look, resend":     {fault: before, lookups: always(denied), sends: 2, seen: "one", answer: "resent"},
		"one may not look, park":       {fault: after, lookups: always(denied), unknown: deliver.Park, sends: 1, seen: "one", kind: "parked", answer: "parked"},
		"nobody can look, resend":      {fault: after, blind: true, sends: 2, seen: "one one", answer: "resent"},
		"nobody can look, park":        {fault: after, blind: true, unknown: deliver.Park, sends: 1, seen: "one", kind: "parked", answer: "parked"},
		"rate limited, nobody can ask": {fault: busy, blind: true, unknown: deliver.Park, sends: 2, seen: "one"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			srv := newStage(t)
			b := srv.bus
			one, two := reply("a", "one"), reply("a", "two")
			p := &chat{blind: c.blind, faults: on(one.ID, 1, c.fault), lookups: c.lookups}
			d := srv.deliver(t, deliver.Config{Connections: p.connections(), Default: deliver.Policy{Retry: quick(), Unknown: c.unknown}})
			got := receipts(t, b)
			publish(t, b, one, two)
			r := await(t, got, ids(one, two)...)[one.ID]
			p.wantSeen(t, "a", c.seen+" two")
			if n := p.sends(one.ID); n != c.sends {
				t.Errorf("%d calls, want %d", n, c.sends)
			}
			if r.Kind != c.kind || (c.kind == "") != (r.Outcome == event.Done) {
				t.Errorf("receipt %+v", r)
			}
			if letters := srv.Stored(bus.DeadStream); (c.kind == "") != (len(letters) == 0) {
				t.Errorf("%d dead letters", len(letters))
			}
			want := map[string]int{}
			if c.answer != "" {
				want[`answer="`+c.answer+`",connection="support"`] = 1
			}
			bustest.WantCounts(t, d.metrics, "threadrelay_unknown_outcomes_total", want)
		})
	}
}

// A platform that recognises repeats is not asked.
func TestNativeIdempotenceNeedsNoLookUp(t *testing.T) {
	srv := newStage(t)
	b := srv.bus
	one := reply("a", "one")
	p := &chat{faults: on(one.ID, 1, after)}
	srv.deliver(t, deliver.Config{Connections: map[event.ConnectionID]relay.Sender{"support": native{seeing{p}}}})
	publish(t, b, one)
	await(t, receipts(t, b), one.ID)
	if p.looked() != 0 || p.sends(one.ID) != 2 {
		t.Errorf("%d look-ups, %d calls", p.looked(), p.sends(one.ID))
	}
}

// What was stored before the process began may have been sent by another: it is looked for, and what came since is not.
func TestInheritedActionsAreLookedForFirst(t *testing.T) {
	srv := newStage(t)
	b := srv.bus
	old, fresh := reply("a", "old"), reply("b", "fresh")
	p := &chat{}
	p.messages = []*said{{id: "m1", action: old.ID, root: "a", text: "old"}}
	publish(t, b, old)
	srv.deliver(t, deliver.Config{Connections: p.connections()})
	got := receipts(t, b)
	publish(t, b, fresh)
	all := await(t, got, old.ID, fresh.ID)
	p.wantSeen(t, "a", "old")
	p.wantSeen(t, "b", "fresh")
	if p.looked() != 1 || p.sends(old.ID) != 0 || all[old.ID].Message != "m1" || all[old.ID].Root != "a" {
		t.Errorf("%d look-ups, %d calls, receipt %+v", p.looked(), p.sends(old.ID), all[old.ID])
	}
	if want := old.Time.Add(-time.Minute); !p.since.Equal(want) {
		t.Errorf("looked back to %s, want %s", p.since, want)
	}
}

// A bot's clock that is ahead does not keep its action from being found.
func TestTheLookUpBelievesTheEarlierClock(t *testing.T) {
	b := bustest.Open(t)
	ahead := reply("a", "x")
	ahead.Time = time.Now().Add(time.Hour)
	p := &chat{}
	publish(t, b, ahead)
	start(t, deliver.Config{Bus: b, Connections: p.connections()})
	await(t, receipts(t, b), ahead.ID)
	if back := time.Since(p.since); back < time.Minute || back > 2*time.Minute {
		t.Errorf("looked back to %s ago", back)
	}
}

// A replay is looked for; one that was parked is sent again, since somebody has decided that.
func TestReplays(t *testing.T) {
	for name, c := range map[string]struct {
		blind bool
		seen  string
	}{"found": {false, "one"}, "parked, replayed": {true, "one one"}} {
		t.Run(name, func(t *testing.T) {
			srv := newStage(t)
			b := srv.bus
			one := reply("a", "one")
			var replayed atomic.Bool
			p := &chat{blind: c.blind, faults: on(one.ID, 1, after), lookups: func(int) fault {
				if !replayed.Load() {
					return before // until it is given up
				}
				return fine
			}}
			srv.deliver(t, deliver.Config{Connections: p.connections(), Default: deliver.Policy{Retry: quick(), Unknown: deliver.Park}})
			got := receipts(t, b)
			publish(t, b, one)
			if r := await(t, got, one.ID)[one.ID]; r.Outcome != event.Failed || !strings.HasPrefix(r.ID, "a-one:failed:") || r.Reason == "" {
				t.Errorf("receipt %+v", r)
			}
			srv.awaitCount(t, bus.DeadStream, 1)
			replayed.Store(true)
			for letter, err := range b.DeadLetters(bustest.Context(t), bus.DeadFilter{}) {
				if err != nil {
					t.Fatal(err)
				}
				if err := b.Replay(bustest.Context(t), letter.ID, bus.ReplayConfig{}); err != nil {
					t.Fatal(err)
				}
			}
			if r := bustest.Receive(t, got); r.Outcome != event.Done || r.ID != "a-one:done" {
				t.Errorf("receipt %+v", r)
			}
			p.wantSeen(t, "a", c.seen)
		})
	}
}
