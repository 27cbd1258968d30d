package deliver_test

import (
	"testing"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay/deliver"
)

// gone makes replies to some roots fail since those are gone; other is what goes wrong with everything else.
func gone(roots map[event.MessageID]bool, other func(int, event.Action) fault) func(int, event.Action) fault {
	return func(n int, a event.Action) fault {
		if a.Type == event.Reply && roots[a.Thread.Root] {
			return rootGone
		}
		if other != nil {
			return other(n, a)
		}
		return fine
	}
}

func TestWhatBecomesOfRepliesToARootThatIsGone(t *testing.T) {
	one, two := reply("a", "one"), reply("a", "two")
	posts := func(f fault) func(int, event.Action) fault {
		struck := false
		return func(_ int, a event.Action) fault {
			if a.Type == event.Post && !struck {
				struck = true
				return f
			}
			return fine
		}
	}
	cases := map[string]struct {
		policy deliver.RootGonePolicy
		roots  map[event.MessageID]bool
		other  func(int, event.Action) fault
		top    string // what is seen at the top
		under  string // and in the thread of the first of that
		want   [2]event.Receipt
	}{
		"dead": {roots: map[event.MessageID]bool{"a": true}, want: [2]event.Receipt{{Kind: "root_gone"}, {Kind: "root_gone"}}},
		"flat": {policy: deliver.PostFlat, roots: map[event.MessageID]bool{"a": true}, top: "one two",
			want: [2]event.Receipt{{Message: "m1", Fallback: "post-flat"}, {Message: "m2", Fallback: "post-flat"}}},
		"flat, with a lost reply": {policy: deliver.PostFlat, roots: map[event.MessageID]bool{"a": true}, other: posts(after), top: "one two",
			want: [2]event.Receipt{{Message: "m1", Fallback: "post-flat"}, {Message: "m2", Fallback: "post-flat"}}},
		"new root": {policy: deliver.NewRoot, roots: map[event.MessageID]bool{"a": true}, top: "one", under: "two",
			want: [2]event.Receipt{{Message: "m1", Fallback: "new-root"}, {Message: "m2", Root: "m1", Fallback: "new-root"}}},
		"new root, with a failure before": {policy: deliver.NewRoot, roots: map[event.MessageID]bool{"a": true}, other: posts(before), top: "one", under: "two",
			want: [2]event.Receipt{{Message: "m1", Fallback: "new-root"}, {Message: "m2", Root: "m1", Fallback: "new-root"}}},
		"new root, which goes too": {policy: deliver.NewRoot, roots: map[event.MessageID]bool{"a": true, "m1": true}, top: "one two",
			want: [2]event.Receipt{{Message: "m1", Fallback: "new-root"}, {Message: "m2", Fallback: "new-root"}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			srv := newStage(t)
			p := &chat{faults: gone(c.roots, c.other)}
			d := srv.deliver(t, deliver.Config{Connections: p.connections(), Policies: map[event.ConnectionID]deliver.Policy{
				"support": {Retry: quick(), RootGone: c.policy},
			}})
			got := receipts(t, srv.bus)
			publish(t, srv.bus, one, two)
			all := await(t, got, one.ID, two.ID)
			d.stop()
			p.wantSeen(t, "", c.top)
			p.wantSeen(t, "m1", c.under)
			p.wantSeen(t, "a", "")
			dead := 0
			for i, id := range ids(one, two) {
				r, want := all[id], c.want[i]
				if r.Message != want.Message || r.Root != want.Root || r.Fallback != want.Fallback || r.Kind != want.Kind {
					t.Errorf("receipt %+v, want %+v", r, want)
				}
				if want.Kind != "" {
					dead++
				}
			}
			if n := srv.Count(bus.DeadStream); n != dead {
				t.Errorf("%d dead letters, want %d", n, dead)
			}
		})
	}
}
