package query

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// members is a platform that is one function.
type members func(ctx context.Context, q event.MembershipQuery) (bool, error)

func (m members) Member(ctx context.Context, q event.MembershipQuery) (bool, error) { return m(ctx, q) }

func platformOf(m members) map[event.ConnectionID]relay.Members {
	return map[event.ConnectionID]relay.Members{"support": m}
}

// clock is a clock that stands still until it is set forward.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func ask(user string) event.MembershipQuery {
	return event.MembershipQuery{Connection: "support", Conversation: "group/engineering", User: event.UserID(user)}
}
