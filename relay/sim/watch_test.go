package sim_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/threadrelay/threadrelay/relay/sim"
)

func TestAwait(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	evaluated, done := make(chan struct{}, 16), make(chan error, 1)
	ctx := within(t)
	go func() {
		done <- a.Await(ctx, func(all []sim.Message) bool { evaluated <- struct{}{}; return len(all) == 2 })
	}()
	<-evaluated
	a.say(sim.Say{From: "ann", ToUser: "bot", Text: "1"})
	<-evaluated
	a.say(sim.Say{From: "ann", ToUser: "bot", Text: "2"})
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Await(ended, func([]sim.Message) bool { return false }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestWatchTellsMessagesEditsAndDeletions(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	watch := a.Watch(ctx)
	m := a.say(sim.Say{From: "ann", ToUser: "bot", Text: "one"})
	if _, err := a.Edit("ann", m.ID, "two"); err != nil {
		t.Fatal(err)
	}
	if err := a.Delete("ann", m.ID); err != nil {
		t.Fatal(err)
	}
	var got []string
	for range 3 {
		m := <-watch
		got = append(got, fmt.Sprintf("%s %q edited=%v deleted=%v", m.ID, m.Text, !m.EditedAt.IsZero(), !m.DeletedAt.IsZero()))
	}
	if want := `[1 "one" edited=false deleted=false 1 "two" edited=true deleted=false 1 "" edited=true deleted=true]`; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	cancel()
	if _, open := <-watch; open {
		t.Error("watch is open after its context ended")
	}
}

func TestManyAtOnce(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	h := newHook(t, nil)
	a.hook(sim.Webhook{ID: "w", URL: h.URL})
	const senders, each = 8, 10
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			for range each {
				if i%2 == 0 {
					if r := a.do("POST", "/messages", "bot", text("group", "team", "x")); r.Status != 200 {
						t.Errorf("got %+v", r)
					}
				} else if _, err := a.Say(sim.Say{From: "ann", ToUser: "ben", Text: "x"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if err := a.Await(within(t), func(all []sim.Message) bool { return len(all) == senders*each }); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	a.awaitAttempts(senders * each)
	for i, m := range a.Messages() {
		if m.ID != fmt.Sprint(i+1) {
			t.Fatalf("message %d has id %s", i, m.ID)
		}
	}
}
