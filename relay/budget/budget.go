package budget

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// The scopes of limits, as in [event.Budget].
const (
	Connection = "connection"
	Sender     = "sender"
	Route      = "route"
)

// Config is what a Budget needs.
type Config struct {
	// Connection is whose limits these are.
	Connection event.ConnectionID
	// Documented are the limits that the platform names (see [event.Capabilities]). They are not enforced: they tell how long
	// the period of a limit is, of which answers tell the number alone.
	Documented []event.Budget
	// Configured are limits that count from the first call on, at most one of a scope. One of senders counts for each.
	Configured []event.Budget
	// State is where the records are, which is the bucket [bus.Cursors]. Without it nothing is shared with other instances, nor
	// remembered.
	State Store
	// Instance is the name of this process, different from those of others. The default is made at random.
	Instance string
	Log      *slog.Logger
	// Metrics takes the collectors; default none.
	Metrics prometheus.Registerer
}

// Store is what is used of a [bus.State].
type Store interface {
	Get(ctx context.Context, key string) (bus.Value, error)
	Put(ctx context.Context, key string, data []byte, ttl time.Duration) (uint64, error)
	Update(ctx context.Context, key string, c bus.Change) (uint64, error)
	Edit(ctx context.Context, key string, edit func(old []byte) ([]byte, error)) (uint64, error)
}

func (c *Config) setDefaults() {
	if c.Instance == "" {
		c.Instance = rand.Text()[:8]
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

// The bounds of a configured limit's period. A shorter one could not be kept by instances with a network between them.
const (
	minPer = 100 * time.Millisecond
	maxPer = 24 * time.Hour
)

// Validate reports everything that is wrong with the configuration.
func (c *Config) Validate() error {
	var faults []error
	if err := (event.ThreadRef{Connection: c.Connection}).Validate(); err != nil {
		faults = append(faults, fmt.Errorf("budget: %w", err))
	}
	seen := make(map[string]bool)
	for _, l := range c.Configured {
		switch {
		case l.Scope != Connection && l.Scope != Sender && l.Scope != Route:
			faults = append(faults, fmt.Errorf("budget: %q is not a scope of limits: connection, sender, route", l.Scope))
		case seen[l.Scope]:
			faults = append(faults, fmt.Errorf("budget: there are two limits per %s", l.Scope))
		case l.N < 1:
			faults = append(faults, fmt.Errorf("budget: the limit per %s is %d calls, at least one is needed", l.Scope, l.N))
		case l.Per < minPer || l.Per > maxPer:
			faults = append(faults, fmt.Errorf("budget: the period %s of the limit per %s is not between %s and %s", l.Per, l.Scope, minPer, maxPer))
		}
		seen[l.Scope] = true
	}
	return errors.Join(faults...)
}

// Budget shares the rate limits of one connection. It is safe for concurrent use.
type Budget struct {
	cfg     Config
	keys    keys
	metrics *metrics
	epoch   time.Time // when the clock was started by the wall's, whose later changes it does not follow
	started time.Time // the same moment, to count from
	running chan struct{}
	changed chan struct{} // has an entry when something learned is to be written down

	mu      sync.Mutex
	offset  time.Duration // of the server's clock from this one
	groups  map[relay.Group]*group
	many    int // the number of groups at which old ones are looked for
	waiters map[uint64]*waiter
	swept   time.Time                 // when waiters were last looked through
	facts   map[relay.Group]fact      // learned limits
	version int                       // of facts
	pauses  map[relay.Group]time.Time // that were not written down yet
	offline time.Time                 // until when the records are left alone, since they did not answer
	busy    bool                      // something was asked since the records were last read
	unsaved map[*group]bool           // groups whose calls are to be written down, although nobody asks for more
}

// manyGroups is the number of groups at which old ones are looked for first.
const manyGroups = 1024

// New returns a budget. It works at once, for itself; [Budget.Run] has it share what it knows.
func New(cfg Config) (*Budget, error) {
	cfg.setDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	b := &Budget{
		cfg: cfg, keys: newKeys(cfg.Connection, cfg.Instance), epoch: time.Now().Round(0), started: time.Now(),
		running: make(chan struct{}), changed: make(chan struct{}, 1),
		groups: make(map[relay.Group]*group), many: manyGroups, waiters: make(map[uint64]*waiter),
		facts: make(map[relay.Group]fact), pauses: make(map[relay.Group]time.Time), unsaved: make(map[*group]bool),
	}
	var err error
	if b.metrics, err = newMetrics(cfg.Connection, cfg.Metrics); err != nil {
		return nil, fmt.Errorf("budget: metrics: %w", err)
	}
	return b, nil
}

// now is the time by the server's clock, as far as it is known. It never jumps with the wall's.
func (b *Budget) now() time.Time { return b.epoch.Add(time.Since(b.started) + b.offset) }

// normal is a group with its scope named.
func normal(id relay.Group) relay.Group {
	if id.Scope == "" {
		id.Scope = Connection
	}
	return id
}

// group returns a group as it is to be treated now.
func (b *Budget) group(id relay.Group, now time.Time) *group {
	id = normal(id)
	g := b.groups[id]
	if g == nil {
		g = b.newGroup(id, now)
	}
	if g.known != b.version {
		g.known = b.version
		g.obey(b.ruleOf(id), now)
	}
	return g
}

func (b *Budget) newGroup(id relay.Group, now time.Time) *group {
	r := b.ruleOf(id)
	g := &group{id: id, scope: b.metrics.scope(id.Scope), touched: now, self: b.cfg.Instance, part: 1}
	g.tally.window, g.mine.window, g.unsaved = newWindow(r.per), newWindow(r.per), newWindow(r.per)
	g.known = b.version
	g.obey(r, now)
	if len(b.groups) >= b.many {
		for other, old := range b.groups {
			if old.idle(now) {
				delete(b.groups, other)
			}
		}
		b.many = max(manyGroups, 2*len(b.groups))
	}
	b.groups[id] = g
	return g
}
