package deliver_test

import (
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay/deliver"
)

// post is something that a bot wants said in the conversation itself.
func post(text string) event.Action {
	a := reply("", text)
	a.ID, a.Type = event.ActionID("post-"+text), event.Post
	return a
}

// answer replies to what another action sends.
func answer(to event.Action, text string) event.Action {
	a := reply("", text)
	a.ID, a.Follows = to.ID+event.ActionID("-"+text), to.ID
	return a
}

// change is about what another action sends.
func change(of event.Action, typ event.ActionType, text string) event.Action {
	a := of
	a.ID = of.ID + event.ActionID(":"+string(typ)+"-"+text)
	a.Type, a.Text, a.TargetAction, a.Follows = typ, text, of.ID, of.Follows
	if typ == event.React {
		a.Text, a.Emoji = "", text
	}
	return a
}

// A reply to a message that is yet to be sent goes into its thread, and needs no handler to wait for it.
func TestAReplyFollowsItsRoot(t *testing.T) {
	srv := newStage(t)
	p := &chat{}
	srv.deliver(t, deliver.Config{Connections: p.connections(), Concurrency: 1})
	root := post("root")
	first, second, elsewhere := answer(root, "first"), answer(root, "second"), reply("b", "elsewhere")
	got := receipts(t, srv.bus)
	publish(t, srv.bus, first, second, elsewhere)
	await(t, got, elsewhere.ID) // with the only handler
	publish(t, srv.bus, root)
	all := await(t, got, first.ID, second.ID, root.ID)
	p.wantSeen(t, "", "root")
	p.wantSeen(t, all[root.ID].Message, "first second")
	if r := all[first.ID]; r.Root != all[root.ID].Message || r.Thread.Root != "" {
		t.Errorf("receipt %+v", r)
	}
	if p.looked() != 0 {
		t.Error("to wait has cost an attempt")
	}
	under := answer(first, "under") // what follows a reply goes into the same thread
	publish(t, srv.bus, under)
	if r := await(t, got, under.ID)[under.ID]; r.Root != all[root.ID].Message {
		t.Errorf("receipt %+v", r)
	}
}

// Changes of what another action sends find its message, also one that takes another lane.
func TestChangesFindTheMessage(t *testing.T) {
	srv := newStage(t)
	p := &chat{}
	srv.deliver(t, deliver.Config{Connections: p.connections()})
	said := reply("a", "helo")
	edit, react := change(said, event.Edit, "hello"), change(said, event.React, "⚓")
	react.Thread.Root = "other"
	got := receipts(t, srv.bus)
	publish(t, srv.bus, react, said, edit)
	all := await(t, got, ids(said, edit, react)...)
	p.wantSeen(t, "a", "hello")
	for _, a := range []event.Action{edit, react} {
		if r := all[a.ID]; r.Message != all[said.ID].Message || r.Outcome != event.Done {
			t.Errorf("receipt %+v", r)
		}
	}
	for _, call := range p.calls {
		if call.Type != event.Reply && (call.Target != all[said.ID].Message || call.TargetAction != "") {
			t.Errorf("the platform was given %+v", call)
		}
	}
	gone := change(said, event.Delete, "")
	publish(t, srv.bus, gone)
	await(t, got, gone.ID)
	p.wantSeen(t, "a", "")
}

// A message of several parts is edited and deleted as a whole, however often an attempt fails in the middle.
func TestChangesOfSeveralParts(t *testing.T) {
	for _, typ := range []event.ActionType{event.Edit, event.Delete} {
		srv := newStage(t)
		said := reply("a", "long")
		changed := change(said, typ, "short")
		calls := 0
		p := &chat{parts: 3, faults: func(_ int, a event.Action) fault {
			if a.ID == changed.ID {
				if calls++; calls == 2 {
					return before
				}
			}
			return fine
		}}
		srv.deliver(t, deliver.Config{Connections: p.connections()})
		got := receipts(t, srv.bus)
		publish(t, srv.bus, said, changed)
		all := await(t, got, said.ID, changed.ID)
		if len(all[said.ID].Parts) != 3 || all[changed.ID].Message != all[said.ID].Message {
			t.Errorf("receipts %+v", all)
		}
		p.wantSeen(t, "a", map[event.ActionType]string{event.Edit: "short", event.Delete: ""}[typ])
	}
}

// An edit leaves the files alone that went with a message, and a deletion takes them along.
func TestAnEditLeavesFiles(t *testing.T) {
	srv := newStage(t)
	said := reply("a", "long")
	edit, gone := change(said, event.Edit, "short"), change(said, event.Delete, "")
	p := &chat{parts: 3, files: 1}
	srv.deliver(t, deliver.Config{Connections: p.connections()})
	got := receipts(t, srv.bus)
	publish(t, srv.bus, said, edit)
	await(t, got, edit.ID)
	p.wantSeen(t, "a", "short long")
	publish(t, srv.bus, gone)
	await(t, got, gone.ID)
	p.wantSeen(t, "a", "")
}

// Who follows what fails fails with that reason, at once, and the next in its lane goes on.
func TestWhoFollowsWhatFailsFails(t *testing.T) {
	srv := newStage(t)
	root := post("root")
	p := &chat{faults: on(root.ID, 1, rejected)}
	d := srv.deliver(t, deliver.Config{Connections: p.connections()})
	got := receipts(t, srv.bus)
	under, itself := answer(root, "under"), reply("a", "itself")
	edit := change(root, event.Edit, "x")
	itself.Follows = itself.ID
	react := change(edit, event.React, "⚓")
	publish(t, srv.bus, under, root, edit, itself, react, reply("a", "next"))
	all := await(t, got, under.ID, root.ID, edit.ID, itself.ID, react.ID, "a-next")
	for id, want := range map[event.ActionID][2]string{
		root.ID:   {"rejected", "chat: rejected: connection reset by peer"},
		under.ID:  {"follows", "action post-root, for which action " + string(under.ID) + " waits, has failed: chat: rejected: connection"},
		edit.ID:   {"follows", "action post-root, for which action " + string(edit.ID) + " waits, has failed: chat: rejected: connection"},
		react.ID:  {"follows", "has failed: deliver: action post-root"},
		itself.ID: {"follows", "waits for itself"},
	} {
		if r := all[id]; r.Outcome != event.Failed || r.Kind != want[0] || !strings.Contains(r.Reason, want[1]) {
			t.Errorf("receipt %+v, want %v", r, want)
		}
	}
	d.stop()
	if n := srv.Count(bus.DeadStream); n != 5 {
		t.Errorf("%d dead letters", n)
	}
	p.wantSeen(t, "a", "next")
	p.wantSeen(t, "", "")
}

// What never comes is not waited for longer than the retry budget allows.
func TestTheWaitForAnotherIsBounded(t *testing.T) {
	srv := newStage(t)
	p := &chat{}
	retry := quick()
	retry.Age = 200 * time.Millisecond
	d := srv.deliver(t, deliver.Config{Connections: p.connections(), Default: deliver.Policy{Retry: retry}})
	got := receipts(t, srv.bus)
	lost := answer(post("never"), "lost")
	unknown := change(post("never"), event.Delete, "")
	publish(t, srv.bus, lost, unknown)
	all := await(t, got, lost.ID, unknown.ID)
	for _, r := range all {
		if r.Kind != "follows" || !strings.Contains(r.Reason, "waits for action post-never, of which nothing is known") {
			t.Errorf("receipt %+v", r)
		}
	}
	d.stop()
	bustest.WantCounts(t, d.metrics, "threadrelay_actions_total", map[string]int{`connection="support",outcome="failed"`: 2})
}

// Who waits for what stands behind it in its own lane would wait in vain.
func TestWhatStandsBehindIsNotWaitedFor(t *testing.T) {
	srv := newStage(t)
	p := &chat{}
	srv.deliver(t, deliver.Config{Connections: p.connections()})
	got := receipts(t, srv.bus)
	said := reply("a", "said")
	early := change(said, event.React, "⚓")
	publish(t, srv.bus, early, said)
	all := await(t, got, early.ID, said.ID)
	if r := all[early.ID]; r.Kind != "follows" || !strings.Contains(r.Reason, "waits for action a-said, which stands behind it in the same lane") {
		t.Errorf("receipt %+v", r)
	}
	p.wantSeen(t, "a", "said")
}
