package deliver_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// fault is how a call goes wrong.
type fault int

const (
	fine   fault = iota
	before       // it fails, and nothing was done
	after        // it fails, and it was done
	busy         // the platform asks to wait
	denied
	rejected
	rootGone
	panics // after it was done
)

// errLost is what a client sees of a connection that breaks.
var errLost = errors.New("connection reset by peer")

func failure(k relay.Kind) error {
	return &relay.Failure{Kind: k, After: 5 * time.Millisecond, Err: errLost}
}

// said is a message of the fake platform.
type said struct {
	id     event.MessageID
	action event.ActionID
	root   event.MessageID
	text   string
	gone   bool
}

// chat is a fake platform that keeps what it is told. It can be asked by marker, unless blind.
type chat struct {
	blind bool
	// faults says what goes wrong with the n-th call of Send, from 1, and lookups the same for Find.
	faults  func(n int, a event.Action) fault
	lookups func(n int) fault
	parts   int // each saying becomes so many messages; 0 is one
	files   int // how many of them are files, the last
	during  func(ctx context.Context)

	mu       sync.Mutex
	messages []*said
	calls    []event.Action
	finds    []event.Action
	since    time.Time // of the last Find
}

// seeing is a chat with what it can be asked.
type seeing struct{ *chat }

// Find looks for messages by their action.
func (c seeing) Find(_ context.Context, a event.Action, since time.Time) (event.Receipt, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.finds, c.since = append(c.finds, a), since
	if c.lookups != nil {
		if err := errorOf(c.lookups(len(c.finds))); err != nil {
			return event.Receipt{}, false, err
		}
	}
	for _, m := range c.messages {
		if m.action == a.ID && m.root == a.Thread.Root {
			return event.Receipt{Action: a.ID, Message: m.id}, true, nil
		}
	}
	return event.Receipt{}, false, nil
}

func (c seeing) Capabilities() event.Capabilities {
	return event.Capabilities{Idempotence: event.ByMarker}
}

// connections makes the platform the connection "support".
func (c *chat) connections() map[event.ConnectionID]relay.Sender {
	if c.blind {
		return map[event.ConnectionID]relay.Sender{"support": c}
	}
	return map[event.ConnectionID]relay.Sender{"support": seeing{c}}
}

func errorOf(f fault) error {
	kinds := map[fault]relay.Kind{
		before: relay.Temporary, after: relay.Temporary, busy: relay.RateLimited, denied: relay.Denied, rejected: relay.Rejected, rootGone: relay.RootGone,
	}
	if k, ok := kinds[f]; ok {
		return fmt.Errorf("chat: %w", failure(k))
	}
	return nil
}

// Send does what it is told, or what the fault says.
func (c *chat) Send(ctx context.Context, a event.Action) (event.Receipt, error) {
	if c.during != nil {
		c.during(ctx)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, a)
	f := fine
	if c.faults != nil {
		f = c.faults(len(c.calls), a)
	}
	if f != fine && f != after && f != panics {
		return event.Receipt{}, errorOf(f)
	}
	r := c.do(a)
	if f == panics {
		panic("out of paper")
	}
	if f == after {
		return event.Receipt{}, errorOf(f)
	}
	return r, nil
}

func (c *chat) do(a event.Action) event.Receipt {
	r := event.Receipt{Action: a.ID, Message: a.Target}
	switch a.Type {
	case event.Reply, event.Post:
		for i := range max(c.parts, 1) {
			m := &said{id: event.MessageID(fmt.Sprintf("m%d", len(c.messages)+1)), action: a.ID, root: a.Thread.Root, text: a.Text}
			c.messages = append(c.messages, m)
			if i == 0 {
				r.Message = m.id
			}
			if c.parts > 1 {
				r.Parts = append(r.Parts, m.id)
			}
			if c.files > 0 && c.parts-i <= c.files {
				r.Files = append(r.Files, m.id)
			}
		}
	case event.Edit, event.Delete:
		for _, m := range c.messages {
			if m.id == a.Target {
				m.text, m.gone = a.Text, a.Type == event.Delete
			}
		}
	}
	return r
}

// seen lists the texts of a thread that are there, in order.
func (c *chat) seen(root event.MessageID) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var texts []string
	for _, m := range c.messages {
		if m.root == root && !m.gone {
			texts = append(texts, m.text)
		}
	}
	return strings.Join(texts, " ")
}

// sends counts the calls that were made for an action.
func (c *chat) sends(id event.ActionID) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(c.calls), func(a event.Action) bool { return a.ID != id }))
}

func (c *chat) looked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.finds)
}

// on has a fault strike the first n calls for an action.
func on(id event.ActionID, n int, f fault) func(int, event.Action) fault {
	struck := 0
	return func(_ int, a event.Action) fault {
		if a.ID != id || struck >= n {
			return fine
		}
		struck++
		return f
	}
}

func (c *chat) wantSeen(t *testing.T, root event.MessageID, want string) {
	t.Helper()
	if got := c.seen(root); got != want {
		t.Errorf("in thread %q is seen %q, want %q", root, got, want)
	}
}
