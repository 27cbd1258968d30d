package bus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
)

// heard is a message as a group's handler got it.
type heard struct {
	group, id, payload string
	attempt            int
	metadata           message.Metadata
}

// listen runs a handler per group on the events topic. A handler fails for good while fails says so, and reports every call.
func listen(t *testing.T, b *bus.Bus, fails func(heard) bool, groups ...string) <-chan heard {
	t.Helper()
	w, err := b.Worker(bus.WorkerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	out := make(chan heard, 1000)
	for _, g := range groups {
		err := w.Consume(bus.Events, bus.SubscriberConfig{Group: g, Retry: quick()}, func(m *message.Message) error {
			d, _ := bus.DeliveryOf(m.Context())
			h := heard{g, m.UUID, string(m.Payload), d.Attempt, m.Metadata}
			out <- h
			if fails(h) {
				return bus.Permanent(fmt.Errorf("%s: %w", g, errTest))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	run(t, w)
	return out
}

// until reads what was heard until a message with this payload has reached every one of the groups, and returns all of it.
func until(t *testing.T, out <-chan heard, payload string, groups int) []heard {
	t.Helper()
	var all []heard
	for groups > 0 {
		h := bustest.Receive(t, out)
		all = append(all, h)
		if h.payload == payload {
			groups--
		}
	}
	return all
}

func TestReplayReachesTheGroupThatGaveUpAlone(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	out := listen(t, b, func(h heard) bool { return h.group == "g" && h.id == "a-0" }, "g", "other")
	bad := say("a", 0)
	bad.Metadata.Set("x-kept", "yes")
	publish(t, b, bad, say("a", 1))
	until(t, out, "1", 2) // the lane has gone on, so the letter is stored
	letter := onlyLetter(t, b)
	if err := b.Replay(bustest.Context(t), letter.ID, bus.ReplayConfig{}); err != nil {
		t.Fatal(err)
	}
	wantNoLetters(t, b)
	publish(t, b, say("a", 2))
	var replayed []heard
	for _, h := range until(t, out, "2", 2) {
		if h.payload == "0" {
			replayed = append(replayed, h)
		}
	}
	if len(replayed) != 1 || replayed[0].group != "g" {
		t.Fatalf("the replay was handled by %+v, want g alone", replayed)
	}
	h := replayed[0]
	if h.id != "a-0#replay-"+letter.ID || h.attempt != 1 {
		t.Errorf("it came as %q, attempt %d", h.id, h.attempt)
	}
	for k, want := range map[string]string{"x-kept": "yes", bus.LaneKey: "test.a", bus.ReplayKey: "a-0", bus.ReplayGroupKey: "g"} {
		if got := h.metadata.Get(k); got != want {
			t.Errorf("%s is %q, want %q", k, got, want)
		}
	}
	for k := range h.metadata {
		if strings.HasPrefix(k, "Relay-Dead-") || strings.HasPrefix(k, "Nats-") {
			t.Errorf("metadata %s", k)
		}
	}
}

func TestAReplayThatDiesIsANewLetter(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	out := listen(t, b, func(h heard) bool { return h.payload == "0" }, "g")
	publish(t, b, say("a", 0), say("a", 1))
	until(t, out, "1", 1)
	seen := map[string]bool{}
	for round := 2; round < 5; round++ {
		letter := onlyLetter(t, b)
		if seen[letter.ID] {
			t.Fatalf("round %d: letter %s again", round, letter.ID)
		}
		seen[letter.ID] = true
		if err := b.Replay(bustest.Context(t), letter.ID, bus.ReplayConfig{}); err != nil {
			t.Fatal(err)
		}
		publish(t, b, say("a", round))
		all := until(t, out, fmt.Sprint(round), 1)
		if len(all) != 2 || all[0].id != "a-0#replay-"+letter.ID || all[0].metadata.Get(bus.ReplayKey) != "a-0" {
			t.Errorf("round %d: %+v", round, all)
		}
	}
	last := onlyLetter(t, b)
	if last.ReplayOf() != "a-0" || last.Attempts != 1 || last.Consumer != "g" {
		t.Errorf("the last letter is %+v", last)
	}
}

// A replay that was interrupted between the publication and the removal of the letter is stored once.
func TestAnInterruptedReplayIsStoredOnce(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	at := "relay.events.3.test.a"
	letter := bus.DeadLetter{
		Stage: bus.Events, Consumer: "g", Key: "7", Reason: "x", Attempts: 1, Subject: at, Sequence: 7,
		Header: nats.Header{"Nats-Msg-Id": {"a-7"}, "Nats-Expected-Last-Sequence": {"6"}, "x-many": {"1", "2"}}, Payload: []byte("7"),
	}
	if err := b.Bury(bustest.Context(t), letter); err != nil {
		t.Fatal(err)
	}
	id := onlyLetter(t, b).ID
	interrupted := say("a", 7)
	interrupted.UUID = "a-7#replay-" + id
	publish(t, b, interrupted)
	if err := b.Replay(bustest.Context(t), id, bus.ReplayConfig{}); err != nil {
		t.Fatal(err)
	}
	if got := srv.Stored(bus.EventsStream); len(got) != 1 {
		t.Errorf("%d messages are stored, want 1", len(got))
	}
	if err := b.Replay(bustest.Context(t), id, bus.ReplayConfig{}); !errors.Is(err, bus.ErrNoDeadLetter) {
		t.Errorf("a second replay: %v", err)
	}
}

func TestReplayKeepsHeaders(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	for sequence, header := range map[uint64]nats.Header{
		7: {"Nats-Msg-Id": {"a-7"}, "Nats-Expected-Last-Sequence": {"99"}, "x-many": {"1", "2"}},
		8: {"x-without": {"an id"}},
	} {
		key := fmt.Sprint(sequence)
		err := b.Bury(bustest.Context(t), bus.DeadLetter{
			Stage: bus.Events, Consumer: "g", Key: key, Reason: "x", Subject: "relay.events.3._._", Sequence: sequence, Header: header, Payload: []byte(key),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for d, err := range b.DeadLetters(bustest.Context(t), bus.DeadFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Replay(bustest.Context(t), d.ID, bus.ReplayConfig{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range srv.Stored(bus.EventsStream) {
		want := map[string]string{"Relay-Replay": "a-7", "x-many": "1, 2"}
		if string(m.Data) == "8" {
			want = map[string]string{"Relay-Replay": "events:8", "x-without": "an id"}
		}
		for k, v := range want {
			if got := m.Header.Get(k); got != v {
				t.Errorf("message %s: %s is %q, want %q", m.Data, k, got, v)
			}
		}
		if m.Header.Get("Nats-Expected-Last-Sequence") != "" || !strings.HasSuffix(m.Subject, "._._") {
			t.Errorf("message %s on %s with %v", m.Data, m.Subject, m.Header)
		}
	}
	wantNoLetters(t, b)
}

func TestReplayOfWebhookCalls(t *testing.T) {
	b := bustest.Open(t)
	if err := b.Bury(bustest.Context(t), bus.DeadLetter{Stage: bus.StageIngest, Consumer: "support", Key: "k", Reason: "x", Payload: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	id := onlyLetter(t, b).ID
	refuse := func(context.Context, string, []byte) error { return errTest }
	for want, cfg := range map[error]bus.ReplayConfig{bus.ErrReplayAtIngest: {}, errTest: {Reingest: refuse}} {
		if err := b.Replay(bustest.Context(t), id, cfg); !errors.Is(err, want) {
			t.Errorf("replayed: %v, want %v", err, want)
		}
		if got := onlyLetter(t, b).ID; got != id {
			t.Errorf("the letter is %s now", got)
		}
	}
	var got string
	take := func(_ context.Context, connection string, body []byte) error {
		got = connection + " " + string(body)
		return nil
	}
	if err := b.Replay(bustest.Context(t), id, bus.ReplayConfig{Reingest: take}); err != nil || got != "support {}" {
		t.Errorf("taken in: %q, %v", got, err)
	}
	wantNoLetters(t, b)
}

func TestReplayOfWhatHasNoWayBack(t *testing.T) {
	b := bustest.Open(t)
	for _, d := range []bus.DeadLetter{
		{Stage: bus.Events, Consumer: "g", Key: "1", Reason: "no subject"},
		{Stage: "elsewhere", Consumer: "g", Key: "1", Reason: "no topic", Subject: "relay.elsewhere.1.a.b", Sequence: 1},
		{Stage: "dead", Consumer: "g", Key: "1", Reason: "dead", Subject: "relay.dead.1.a.b", Sequence: 1},
	} {
		if err := b.Bury(bustest.Context(t), d); err != nil {
			t.Fatal(err)
		}
		id := onlyLetter(t, b).ID
		if err := b.Replay(bustest.Context(t), id, bus.ReplayConfig{}); err == nil || !strings.Contains(err.Error(), "letter "+id) {
			t.Errorf("%s: replayed: %v", d.Reason, err)
		}
		if err := b.Drop(bustest.Context(t), id); err != nil { // still there
			t.Error(err)
		}
	}
}

func TestSkipReplay(t *testing.T) {
	cases := []struct {
		metadata message.Metadata
		want     bool
	}{
		{nil, false},
		{message.Metadata{bus.ReplayKey: "a"}, false},
		{message.Metadata{bus.ReplayKey: "a", bus.ReplayGroupKey: "g"}, false},
		{message.Metadata{bus.ReplayKey: "a", bus.ReplayGroupKey: "h"}, true},
	}
	for _, c := range cases {
		if got := bus.SkipReplay("g", c.metadata); got != c.want {
			t.Errorf("%v: %v", c.metadata, got)
		}
	}
}
