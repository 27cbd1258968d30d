package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ErrLeaseLost is the cause (see context.Cause) of the end of a holder's context that lost its lease or could not renew it in
// time.
var ErrLeaseLost = errors.New("bus: the lease is lost")

const (
	defaultLeaseTTL = 10 * time.Second
	minLeaseTTL     = time.Second
	// leastPatience is what an answer may take in any case.
	leastPatience = 200 * time.Millisecond
	// leaseTimeout bounds the release of a lease.
	leaseTimeout = 2 * time.Second
)

// LeaseConfig is what a Lease needs.
type LeaseConfig struct {
	// Name is required: what only one instance may do. Any string of up to 1200 bytes.
	Name string
	// Holder is required: this instance, for those who look into the bucket. It need not be unique.
	Holder string
	// TTL is how long a holder that crashed or froze keeps the others waiting; default 10 s, at least 1 s.
	TTL time.Duration
}

func (c *LeaseConfig) setDefaults() {
	if c.TTL == 0 {
		c.TTL = defaultLeaseTTL
	}
}

// patience is how long a request about the lease is waited for: a tenth of the TTL, within bounds. A request that the loss of
// the connection has swallowed holds a hand-over up for so long, and a holder's renewal can be sent anew in good time.
func (c *LeaseConfig) patience() time.Duration {
	return min(max(c.TTL/10, leastPatience), swapTimeout)
}

func (c *LeaseConfig) validate() error {
	switch {
	case c.Name == "":
		return errors.New("bus: lease: LeaseConfig.Name is required")
	case c.Holder == "":
		return fmt.Errorf("bus: lease %q: LeaseConfig.Holder is required", c.Name)
	case c.TTL < minLeaseTTL:
		return fmt.Errorf("bus: lease %q: LeaseConfig.TTL is %s, at least %s is needed", c.Name, c.TTL, minLeaseTTL)
	}
	return nil
}

// Lease is a right that one instance has at a time, whatever their number.
//
// It does not rely on synchronised clocks. A holder writes the lease's record anew every third of the TTL, by
// compare-and-swap. It stops when three quarters of the TTL have passed since it sent the last write that succeeded. Another
// one takes the lease when it has seen the record unchanged for a whole TTL of its own clock, again by compare-and-swap, so
// that a holder's write in the meantime defeats it. The last quarter is for the clocks' different speeds and for what runs
// to come to its end. The record itself never expires: after an outage of NATS it is as it was.
//
// A process that was frozen (or a function that ignores its context) may go on for a moment when it is no longer the holder.
// What it writes then must be refused: see [State.EditFenced].
type Lease struct {
	bus *Bus
	cfg LeaseConfig
}

// Lease returns a lease to compete for. Nothing happens before Run.
func (b *Bus) Lease(cfg LeaseConfig) (*Lease, error) {
	cfg.setDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return &Lease{bus: b, cfg: cfg}, nil
}

// Run waits for the lease and calls fn while this instance holds it. It returns what fn returns, and has given the lease back
// by then, so that another instance takes over at once.
//
// fence is higher than that of every holder before. When the lease is lost, or cannot be renewed in time, the context of fn
// ends with [ErrLeaseLost] as its cause; Run waits for fn to return, ignores what it returned, and competes again. When ctx
// ends while Run waits for the lease, its error is returned. Run also ends with an error if the connection is closed for
// good.
func (l *Lease) Run(ctx context.Context, fn func(ctx context.Context, fence uint64) error) error {
	state, err := l.open(ctx)
	if err != nil {
		return err
	}
	subject, err := state.subject(l.cfg.Name)
	if err != nil {
		return err
	}
	for {
		c := &candidate{lease: l, state: state, subject: subject}
		t, err := c.acquire(ctx)
		if err != nil {
			return fmt.Errorf("bus: lease %q: %w", l.cfg.Name, err)
		}
		l.bus.cfg.Log.Info("lease taken", "lease", l.cfg.Name, "holder", l.cfg.Holder, "fence", t.fence)
		lost, err := t.hold(ctx, fn)
		if !lost {
			return err
		}
		l.bus.cfg.Log.Warn("lease lost", "lease", l.cfg.Name, "holder", l.cfg.Holder, "fence", t.fence, "error", err)
	}
}

// open opens the bucket, as soon as that is possible. It gives each attempt more time than the last, since the bucket may have
// to be made, which takes a cluster a while.
func (l *Lease) open(ctx context.Context) (*State, error) {
	for wait := l.cfg.patience(); ; wait = min(2*wait, stateTimeout) {
		attempt, cancel := context.WithTimeout(ctx, wait)
		state, err := l.bus.State(attempt, leases)
		cancel()
		if err == nil {
			state.patience = l.cfg.patience()
			return state, nil
		}
		if errors.Is(err, errReconcile) || l.bus.cfg.Conn.IsClosed() {
			return nil, fmt.Errorf("bus: lease %q: %w", l.cfg.Name, err)
		}
		select {
		case <-time.After(min(wait, time.Second)):
		case <-ctx.Done():
			return nil, fmt.Errorf("bus: lease %q: %w (last error: %w)", l.cfg.Name, ctx.Err(), err)
		}
	}
}

// leaseRecord is what the bucket holds for a lease. It stays when the lease is given back, with Session empty.
type leaseRecord struct {
	Version int    `json:"v"`
	Holder  string `json:"holder"`
	// Session is a name that no other tenure has.
	Session string `json:"session,omitempty"`
	// TTL is the holder's, in milliseconds: what others must wait for.
	TTL int64 `json:"ttl_ms"`
}

// leaseVersion is the version of the record's JSON form.
const leaseVersion = 1

func (r leaseRecord) value() (Value, error) {
	data, err := json.Marshal(r)
	return Value{Data: data}, err
}

// parseLease reads a record; the zero one is that of a lease that nobody has.
func parseLease(data []byte) (leaseRecord, error) {
	var r leaseRecord
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("the record is damaged: %w", err)
	}
	if r.Version > leaseVersion {
		return r, fmt.Errorf("the record has version %d, this program knows %d: use a newer one", r.Version, leaseVersion)
	}
	return r, nil
}
