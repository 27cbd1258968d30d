package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// membership knows who else works for the same consumer group on the same topic, by heartbeats over core NATS. The own
// heartbeats come back too: that they do is the proof that this process is connected and not frozen, and the clock by which
// it trusts its own ownership and judges others dead.
type membership struct {
	nc      *nats.Conn
	subject string
	self    string
	ttl     time.Duration
	sub     *nats.Subscription
	changed chan struct{} // has an entry when it is time to look again

	mu       sync.Mutex
	heard    map[string]peer
	draining bool
	sequence uint64
	sent     map[uint64]time.Time // heartbeats that have not come back yet
	proven   time.Time            // when the newest heartbeat was sent that came back
	since    time.Time            // since when heartbeats come back without a gap
}

type peer struct {
	last     time.Time
	draining bool
}

// heartbeat is what members send each other.
type heartbeat struct {
	ID       string `json:"id"`
	Sequence uint64 `json:"seq"`
	// Draining: the sender still holds partitions and wants no more.
	Draining bool `json:"draining,omitempty"`
	// Hello: the sender is new here and wants to hear from everybody at once.
	Hello bool `json:"hello,omitempty"`
	// Released: a partition has become free.
	Released bool `json:"released,omitempty"`
}

// join starts to listen and says hello.
func join(nc *nats.Conn, subject, self string, ttl time.Duration) (*membership, error) {
	m := &membership{
		nc: nc, subject: subject, self: self, ttl: ttl,
		changed: make(chan struct{}, 1),
		heard:   make(map[string]peer),
		sent:    make(map[uint64]time.Time),
	}
	var err error
	if m.sub, err = nc.Subscribe(subject, m.hear); err != nil {
		return nil, fmt.Errorf("listen to the other members: %w", err)
	}
	m.beat(heartbeat{Hello: true})
	return m, nil
}

// leave stops listening. Others see the member go when it releases its partitions.
func (m *membership) leave() {
	_ = m.sub.Unsubscribe() // fails only when the connection is closed, and then nothing is heard anyway
}

// beatOn sends a heartbeat every sixth of the TTL until ctx ends. It does nothing else, since whoever waits for something
// between two heartbeats is taken for dead.
func (m *membership) beatOn(ctx context.Context) {
	tick := time.NewTicker(m.ttl / 6)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			m.beat(heartbeat{})
		case <-ctx.Done():
			return
		}
	}
}

// beat sends one heartbeat. It is not an error if it does not arrive: it does not come back then.
func (m *membership) beat(h heartbeat) {
	m.mu.Lock()
	m.sequence++
	h.ID, h.Sequence, h.Draining = m.self, m.sequence, m.draining
	m.sent[h.Sequence] = time.Now()
	m.mu.Unlock()
	data, err := json.Marshal(h)
	if err != nil {
		return
	}
	_ = m.nc.Publish(m.subject, data)
}

// hear takes one heartbeat, one's own or another's.
func (m *membership) hear(msg *nats.Msg) {
	var h heartbeat
	if json.Unmarshal(msg.Data, &h) != nil || h.ID == "" {
		return
	}
	m.mu.Lock()
	now := time.Now()
	if h.ID == m.self {
		m.echo(h, now)
	}
	was, known := m.heard[h.ID]
	m.heard[h.ID] = peer{last: now, draining: h.Draining}
	m.mu.Unlock()
	if !known || was.draining != h.Draining || h.Released {
		m.look()
	}
	if h.Hello && h.ID != m.self {
		m.beat(heartbeat{})
	}
}

// echo takes note of a heartbeat that came back. After a gap, what was heard before counts no more against anybody.
func (m *membership) echo(h heartbeat, now time.Time) {
	at, ok := m.sent[h.Sequence]
	if !ok {
		return
	}
	if m.since.IsZero() || now.Sub(m.proven) > m.ttl/2 {
		m.since = now
	}
	m.proven = at
	for s := range m.sent {
		if s <= h.Sequence {
			delete(m.sent, s)
		}
	}
}

// look asks the coordinator to look again.
func (m *membership) look() {
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// drain says from now on that this member wants no more partitions.
func (m *membership) drain() {
	m.mu.Lock()
	m.draining = true
	m.mu.Unlock()
	m.beat(heartbeat{})
}

// connected reports whether the own heartbeats come back.
func (m *membership) connected() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.since.IsZero() && time.Since(m.proven) < m.ttl/2
}

// trusted reports whether this member may act as the owner of what it holds: nobody can have taken it for dead yet.
func (m *membership) trusted() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Since(m.proven) < m.ttl*7/10
}

// dead reports whether a member has not been heard for a full TTL, in all of which this one was connected.
func (m *membership) dead(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if m.since.IsZero() || now.Sub(m.proven) > m.ttl/2 {
		return false
	}
	from := m.since
	if p, ok := m.heard[id]; ok && p.last.After(from) {
		from = p.last
	}
	return now.Sub(from) >= m.ttl
}

// alive returns those who want partitions, in order.
func (m *membership) alive() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	var out []string
	for id, p := range m.heard {
		switch {
		case now.Sub(p.last) >= 10*m.ttl:
			delete(m.heard, id)
		case now.Sub(p.last) < m.ttl && !p.draining && id != m.self:
			out = append(out, id)
		}
	}
	if !m.draining {
		out = append(out, m.self)
	}
	slices.Sort(out)
	return out
}
