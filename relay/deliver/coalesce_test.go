package deliver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay/deliver"
)

// edit is an edit of a message of the platform.
func edit(n int, target, text string) event.Action {
	a := reply("a", fmt.Sprint("edit-", n))
	a.Type, a.Target, a.Text = event.Edit, event.MessageID(target), text
	return a
}

// Of edits that follow each other in their lane the last one is made, and nothing else is left out.
func TestEditsThatWaitBecomeTheLast(t *testing.T) {
	with := func(a event.Action, change func(*event.Action)) event.Action {
		change(&a)
		return a
	}
	tags := func(a *event.Action) { a.Tags = []string{"t"} }
	cases := map[string]struct {
		waiting    []event.Action
		superseded int
	}{
		"three of one message":    {[]event.Action{edit(1, "m1", "1"), edit(2, "m1", "2"), edit(3, "m1", "3")}, 2},
		"then something else":     {[]event.Action{edit(1, "m1", "1"), edit(2, "m1", "2"), reply("a", "x")}, 1},
		"of two messages in turn": {[]event.Action{edit(1, "m1", "1"), edit(2, "m2", "2"), edit(3, "m1", "3")}, 0},
		"of two bots":             {[]event.Action{edit(1, "m1", "1"), with(edit(2, "m1", "2"), func(a *event.Action) { a.Bot = "other" })}, 0},
		"in two names":            {[]event.Action{edit(1, "m1", "1"), with(edit(2, "m1", "2"), func(a *event.Action) { a.As = "zoe" })}, 0},
		"the first brings tags":   {[]event.Action{with(edit(1, "m1", "1"), tags), edit(2, "m1", "2")}, 0},
		"both bring tags":         {[]event.Action{with(edit(1, "m1", "1"), tags), with(edit(2, "m1", "2"), tags)}, 1},
		"the first brings metadata": {[]event.Action{
			with(edit(1, "m1", "1"), func(a *event.Action) { a.Metadata = json.RawMessage(`{"a":1}`) }), edit(2, "m1", "2"),
		}, 0},
		"a later one waits for another": {[]event.Action{edit(1, "m1", "1"), with(edit(2, "m1", "2"), func(a *event.Action) { a.Follows = "a-first" })}, 0},
		"an edit and a delete":          {[]event.Action{edit(1, "m1", "1"), with(edit(2, "m1", ""), func(a *event.Action) { a.Type = event.Delete })}, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			srv := newStage(t)
			entered, release := make(chan struct{}, 100), make(chan struct{})
			p := &chat{during: func(ctx context.Context) {
				entered <- struct{}{}
				select {
				case <-release:
				case <-ctx.Done():
				}
			}}
			d := srv.deliver(t, deliver.Config{Connections: p.connections()})
			got := receipts(t, srv.bus)
			// The last one's receipt shows that all have been read, since it waits for nobody.
			publish(t, srv.bus, reply("a", "first"))
			bustest.Receive(t, entered)
			publish(t, srv.bus, c.waiting...)
			srv.awaitLag(t, float64(len(c.waiting)))
			close(release)
			all := await(t, got, ids(c.waiting...)...)
			superseded := 0
			for _, r := range all {
				if r.Outcome == event.Superseded {
					superseded++
				}
			}
			if superseded != c.superseded || len(p.calls) != 1+len(c.waiting)-c.superseded {
				t.Errorf("%d superseded, %d calls, want %d superseded", superseded, len(p.calls), c.superseded)
			}
			if last := c.waiting[len(c.waiting)-1]; all[last.ID].Outcome != event.Done || p.calls[len(p.calls)-1].ID != last.ID {
				t.Errorf("the last one: %+v", all[last.ID])
			}
			d.stop()
		})
	}
}
