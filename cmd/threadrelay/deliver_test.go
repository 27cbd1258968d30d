package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/cometchat"
	"github.com/threadrelay/threadrelay/relay/deliver"
	"github.com/threadrelay/threadrelay/relay/sim"
)

// said is an action of the bot in the group.
func said(id string, typ event.ActionType, root, text string) event.Action {
	return event.Action{
		ID: event.ActionID(id), Type: typ, Text: text, Bot: "test", Time: time.Now(), As: demoBot,
		Thread: event.ThreadRef{Connection: "cometchat", Conversation: "group/engineering", Root: event.MessageID(root)},
	}
}

// faultyActions are replies in threads that exist, whose texts ask the simulator for faults, and a thread that is opened by an
// action, with changes of what actions send. It returns what is to be seen of the replies, by thread.
func faultyActions(roots []string) (all []event.Action, want map[string]string) {
	want = make(map[string]string)
	faults := []string{"", "[500-after] ", "", "[lost-reply] ", "[reset] ", "[503] ", "[truncate] ", "[429:1] "}
	for n := range 8 {
		for i, root := range roots {
			text := faults[(n+i)%len(faults)] + fmt.Sprint(n)
			want[root] += text + "|"
			all = append(all, said(fmt.Sprintf("%s-%d", root, n), event.Reply, root, text))
		}
	}
	opening := said("opening", event.Post, "", "[lost-reply] opening")
	first, second := said("first", event.Reply, "", "[500-after] first"), said("second", event.Reply, "", "second")
	edit, react, gone := said("edit", event.Edit, "", "[500-after] edited"), said("react", event.React, "", ""), said("gone", event.Delete, "", "")
	react.Emoji = "⚓"
	for of, changes := range map[*event.Action][]*event.Action{&opening: {&react}, &first: {&edit}, &second: {&gone}} {
		for _, a := range changes {
			a.TargetAction = of.ID
		}
	}
	for _, a := range []*event.Action{&first, &second, &edit, &gone} {
		a.Follows = "opening"
	}
	return append(all, first, edit, second, opening, react, gone), want
}

// Whatever the simulated CometChat does to calls, each action is seen once and in its order, across a restart.
func TestDeliveryThroughFaults(t *testing.T) {
	s := newTestStage(t)
	platform, err := cometchat.New(cometchat.Config{
		ID: "cometchat", AppID: "sim-app", APIKey: s.key, BaseURL: s.url() + "/v3", BotUID: demoBot,
	})
	if err != nil {
		t.Fatal(err)
	}
	var roots []string
	for i := range 4 {
		roots = append(roots, s.say(sim.Say{From: "ana", ToGroup: "engineering", Text: fmt.Sprint("root ", i)}).ID)
	}
	all, want := faultyActions(roots)
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	for _, a := range all {
		m, err := bus.ActionMessage(a)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Publisher().Publish(bus.Actions, m); err != nil {
			t.Fatal(err)
		}
	}
	runDelivery(t, srv, platform, len(all)/2)
	runDelivery(t, srv, platform, len(all))

	for root, texts := range want {
		if got := thread(s, root); got != texts {
			t.Errorf("thread %s: %s, want %s", root, got, texts)
		}
	}
	opening := ""
	for _, m := range s.chat.Messages() {
		if strings.HasSuffix(m.Text, "opening") {
			opening += m.ID
		}
	}
	if got := thread(s, opening); got != "[500-after] edited|" {
		t.Errorf("the thread that an action opened: %s", got)
	}
	if n := srv.Count(bus.DeadStream); n != 0 {
		t.Errorf("%d dead letters", n)
	}
}

// thread is the bot's texts in a thread.
func thread(s *testStage, root string) string {
	var out strings.Builder
	for _, m := range s.chat.Thread(root) {
		if m.Sender == demoBot && m.Text != "" {
			out.WriteString(m.Text + "|")
		}
	}
	return out.String()
}

// runDelivery delivers until so many receipts are stored.
func runDelivery(t *testing.T, srv *bustest.Server, platform *cometchat.Connection, receipts int) {
	t.Helper()
	d, err := deliver.New(deliver.Config{
		Bus: srv.Open(bus.Config{Exclusive: true}), Connections: map[event.ConnectionID]relay.Sender{"cometchat": platform}, Grace: 10 * time.Millisecond,
		Default: deliver.Policy{Retry: bus.Retry{Min: time.Millisecond, Max: 20 * time.Millisecond}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), bustest.Patience)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	<-d.Running()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for srv.Count(bus.ReceiptsStream) < receipts && ctx.Err() == nil {
		<-tick.C
	}
	if ctx.Err() != nil {
		t.Errorf("%d receipts of %d", srv.Count(bus.ReceiptsStream), receipts)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
