package bus_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
)

// list returns the letters that fit.
func list(t *testing.T, b *bus.Bus, f bus.DeadFilter) []bus.DeadLetter {
	t.Helper()
	var all []bus.DeadLetter
	for d, err := range b.DeadLetters(bustest.Context(t), f) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

func onlyLetter(t *testing.T, b *bus.Bus) bus.DeadLetter {
	t.Helper()
	all := list(t, b, bus.DeadFilter{})
	if len(all) != 1 {
		t.Fatalf("%d dead letters, want 1: %+v", len(all), all)
	}
	return all[0]
}

func wantNoLetters(t *testing.T, b *bus.Bus) {
	t.Helper()
	if all := list(t, b, bus.DeadFilter{}); len(all) > 0 {
		t.Errorf("dead letters: %+v", all)
	}
}

// bury stores letters that differ in every field that a filter looks at.
func bury(t *testing.T, b *bus.Bus) {
	t.Helper()
	for i, d := range []bus.DeadLetter{
		{Stage: bus.StageIngest, Consumer: "support", Reason: "unknown shape"},
		{Stage: bus.Events, Consumer: "bot-echo", Reason: "echo: no paper", Subject: "relay.events.3.support.a"},
		{Stage: bus.Actions, Consumer: "deliver", Reason: "denied: no access", Subject: "relay.actions.3.ops.a"},
		{Stage: bus.Actions, Consumer: "deliver", Reason: "rejected: no paper", Subject: "relay.actions.3.support.b"},
		{Stage: bus.Actions, Consumer: "deliver", Reason: "rejected", Subject: "relay.actions.3._._"},
	} {
		d.Key, d.Payload = fmt.Sprint(i), []byte(fmt.Sprint(i))
		if err := b.Bury(bustest.Context(t), d); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatWasBuriedIsReadBack(t *testing.T) {
	b := bustest.Open(t)
	at := time.Date(2026, 11, 1, 12, 30, 0, 123456789, time.UTC)
	want := bus.DeadLetter{
		Stage: bus.Actions, Consumer: "deliver", Key: "12", Reason: "denied: it is", Attempts: 3, First: at, Last: at.Add(time.Hour),
		Subject: "relay.actions.3.support.b", Sequence: 12, Payload: []byte("raw \xff bytes"),
		Header: nats.Header{"Nats-Msg-Id": {"id"}, "Nats-Expected-Stream": {"X"}, "x-many": {"1", "2"}, "Relay-Dead-End": {"yes"}},
	}
	if err := b.Bury(bustest.Context(t), want); err != nil {
		t.Fatal(err)
	}
	listed := onlyLetter(t, b)
	got, err := b.DeadLetter(bustest.Context(t), listed.ID)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, listed) {
		t.Errorf("read %+v, listed %+v", got, listed)
	}
	if age := time.Since(got.Stored); age < 0 || age > bustest.Patience {
		t.Errorf("stored at %v", got.Stored)
	}
	if got.ID != "1" || got.Connection() != "support" || got.ReplayOf() != "" {
		t.Errorf("letter %s of %q, replay of %q", got.ID, got.Connection(), got.ReplayOf())
	}
	for _, f := range []struct {
		name      string
		got, want any
	}{
		{"stage", got.Stage, want.Stage}, {"consumer", got.Consumer, want.Consumer}, {"key", got.Key, want.Key},
		{"reason", got.Reason, want.Reason}, {"attempts", got.Attempts, want.Attempts}, {"first", got.First, want.First},
		{"last", got.Last, want.Last}, {"subject", got.Subject, want.Subject}, {"sequence", got.Sequence, want.Sequence},
		{"payload", got.Payload, want.Payload}, {"header", got.Header, want.Header},
	} {
		if !reflect.DeepEqual(f.got, f.want) {
			t.Errorf("%s is %v, want %v", f.name, f.got, f.want)
		}
	}
}

func TestDeadFilter(t *testing.T) {
	b := bustest.Open(t)
	bury(t, b)
	cases := []struct {
		filter bus.DeadFilter
		want   string
	}{
		{bus.DeadFilter{}, "0 1 2 3 4"},
		{bus.DeadFilter{Connection: "support"}, "0 1 3"},
		{bus.DeadFilter{Connection: "ops"}, "2"},
		{bus.DeadFilter{Connection: "_"}, ""},
		{bus.DeadFilter{Connection: "none"}, ""},
		{bus.DeadFilter{Stage: bus.Actions}, "2 3 4"},
		{bus.DeadFilter{Consumer: "bot-echo"}, "1"},
		{bus.DeadFilter{Stage: bus.Events, Consumer: "deliver"}, ""},
		{bus.DeadFilter{Reason: "no paper"}, "1 3"},
		{bus.DeadFilter{Reason: "No paper"}, ""},
		{bus.DeadFilter{Connection: "support", Stage: bus.Actions, Consumer: "deliver", Reason: "rejected"}, "3"},
		{bus.DeadFilter{Stage: ">"}, ""},
		{bus.DeadFilter{Consumer: "a.b"}, ""},
		{bus.DeadFilter{Stage: "actions.deliver"}, ""},
	}
	for _, c := range cases {
		var got []string
		for _, d := range list(t, b, c.filter) {
			got = append(got, string(d.Payload))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v finds %v, want %s", c.filter, got, c.want)
		}
	}
}

func TestDrop(t *testing.T) {
	b := bustest.Open(t)
	bury(t, b)
	ctx := bustest.Context(t)
	for _, id := range []string{"2", "5"} {
		if err := b.Drop(ctx, id); err != nil {
			t.Fatal(err)
		}
		if err := b.Drop(ctx, id); !errors.Is(err, bus.ErrNoDeadLetter) || !strings.Contains(err.Error(), id) {
			t.Errorf("dropped twice: %v", err)
		}
		if _, err := b.DeadLetter(ctx, id); !errors.Is(err, bus.ErrNoDeadLetter) {
			t.Errorf("read what was dropped: %v", err)
		}
	}
	var left []string
	for _, d := range list(t, b, bus.DeadFilter{}) {
		left = append(left, d.ID)
	}
	if !slices.Equal(left, []string{"1", "3", "4"}) {
		t.Errorf("left are %v", left)
	}
	if err := b.Bury(ctx, bus.DeadLetter{Stage: bus.Events, Consumer: "bot-echo", Key: "1", Reason: "again"}); err != nil {
		t.Fatal(err)
	}
	again := list(t, b, bus.DeadFilter{Reason: "again"})
	if len(again) != 1 || again[0].ID != "6" {
		t.Errorf("a dropped letter that comes again: %+v", again)
	}
}

func TestDeadLetterIDs(t *testing.T) {
	b := bustest.Open(t)
	ctx := bustest.Context(t)
	for _, id := range []string{"", "0", "01", "-1", "+1", "1.5", "x", "18446744073709551616", "1 "} {
		_, readErr := b.DeadLetter(ctx, id)
		for what, err := range map[string]error{
			"check": bus.CheckDeadLetterID(id), "read": readErr, "drop": b.Drop(ctx, id), "replay": b.Replay(ctx, id, bus.ReplayConfig{}),
		} {
			if !errors.Is(err, bus.ErrDeadLetterID) || !strings.Contains(err.Error(), fmt.Sprintf("%q", id)) {
				t.Errorf("%s %q: %v", what, id, err)
			}
		}
	}
	for _, id := range []string{"1", "18446744073709551615"} {
		if err := bus.CheckDeadLetterID(id); err != nil {
			t.Error(err)
		}
		if _, err := b.DeadLetter(ctx, id); !errors.Is(err, bus.ErrNoDeadLetter) {
			t.Errorf("letter %s: %v", id, err)
		}
	}
}

// A listing holds what was stored when it began, so that to replay all of what dies again comes to an end.
func TestAListingEnds(t *testing.T) {
	b := bustest.Open(t)
	bury(t, b)
	n := 0
	for d, err := range b.DeadLetters(bustest.Context(t), bus.DeadFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		d.Key = fmt.Sprint("again", n)
		if err := b.Bury(bustest.Context(t), d); err != nil {
			t.Fatal(err)
		}
		if n > 5 {
			t.Fatal("the listing goes on")
		}
	}
	if n != 5 {
		t.Errorf("%d letters", n)
	}
}

func TestAListingThatIsLeftOrCut(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	bury(t, b)
	for d, err := range b.DeadLetters(bustest.Context(t), bus.DeadFilter{}) {
		if err != nil || d.ID != "1" {
			t.Errorf("letter %q, %v", d.ID, err)
		}
		break
	}
	ctx, cancel := context.WithCancel(bustest.Context(t))
	defer cancel()
	var failed error
	for _, err := range b.DeadLetters(ctx, bus.DeadFilter{}) {
		if failed != nil {
			t.Fatal("the listing goes on after an error")
		}
		failed = err
		cancel()
	}
	if !errors.Is(failed, context.Canceled) {
		t.Errorf("a cancelled listing: %v", failed)
	}
}

func TestDeadLettersWithoutAServer(t *testing.T) {
	srv := bustest.StartServer(t, "")
	nc := srv.Connect()
	b, err := bus.Open(bustest.Context(t), bus.Config{Conn: nc})
	if err != nil {
		t.Fatal(err)
	}
	bury(t, b)
	nc.Close()
	ctx := bustest.Context(t)
	var listErr error
	for _, listErr = range b.DeadLetters(ctx, bus.DeadFilter{}) {
	}
	_, readErr := b.DeadLetter(ctx, "1")
	for what, err := range map[string]error{
		"list": listErr, "read": readErr, "drop": b.Drop(ctx, "1"), "replay": b.Replay(ctx, "2", bus.ReplayConfig{}),
	} {
		if !errors.Is(err, bus.ErrNotConnected) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
