package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

// candidate waits for a lease. What it sees decides only when it tries; whether it succeeds is decided by compare-and-swap.
type candidate struct {
	lease   *Lease
	state   *State
	subject string

	known    bool   // seen and record say what the bucket had when it was looked at last
	revision uint64 // 0: nothing
	record   leaseRecord
	due      time.Time // when to try; the zero time means at once
	warned   bool      // a failure has been logged
}

// retryWait is the pause after an attempt that failed.
const retryWait = 250 * time.Millisecond

// acquire returns when the lease is this instance's. It fails when ctx ends, the connection is closed for good, or the record
// cannot be understood.
func (c *candidate) acquire(ctx context.Context) (*tenure, error) {
	for {
		t, err := c.watch(ctx)
		if t != nil || err != nil {
			return t, err
		}
		if c.lease.bus.cfg.Conn.IsClosed() {
			return nil, fmt.Errorf("%w: the connection is closed", ErrNotConnected)
		}
	}
}

// watch competes on one subscription to the record. It returns nothing when a new one is needed.
func (c *candidate) watch(ctx context.Context) (*tenure, error) {
	conn := c.lease.bus.cfg.Conn
	changed := conn.StatusChanged(nats.CONNECTED, nats.CLOSED)
	defer conn.RemoveStatusListener(changed)
	updates, stop, err := c.subscribe(ctx)
	if err != nil {
		return nil, c.pause(ctx, changed)
	}
	defer stop()
	if err := c.look(ctx); err != nil {
		return nil, err
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(time.Until(c.due))
		select {
		case e, ok := <-updates:
			if !ok {
				return nil, c.pause(ctx, changed)
			}
			if err := c.see(e); err != nil {
				return nil, err
			}
		case <-timer.C:
			if t, err := c.try(ctx); t != nil || err != nil {
				return t, err
			}
		case <-changed: // what was missed is read anew
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// subscribe opens a watch on the record, whose updates must be read until stop is called.
func (c *candidate) subscribe(ctx context.Context) (updates <-chan jetstream.KeyValueEntry, stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	slow := time.AfterFunc(c.state.patience, cancel) // the client has no time limit of its own here
	kv, err := c.state.js.KeyValue(ctx, string(c.state.name))
	if err != nil {
		cancel()
		return nil, nil, err
	}
	w, err := kv.Watch(ctx, encodeKey(c.lease.cfg.Name))
	if err == nil && !slow.Stop() {
		err = context.DeadlineExceeded
	}
	if err != nil {
		cancel()
		return nil, nil, err
	}
	return w.Updates(), cancel, nil
}

// pause waits a moment before the next subscription, or until the connection is there.
func (c *candidate) pause(ctx context.Context, changed <-chan nats.Status) error {
	select {
	case <-time.After(retryWait):
	case <-changed:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// see takes note of an update: nil when all that there was has come.
func (c *candidate) see(e jetstream.KeyValueEntry) error {
	if e == nil {
		return nil
	}
	return c.note(e.Revision(), e.Operation() == jetstream.KeyValuePut, e.Value())
}

// look reads the record. When that is not possible now, it is tried again a little later.
func (c *candidate) look(ctx context.Context) error {
	e, err := c.state.read(ctx, c.subject)
	if err != nil {
		c.due = time.Now().Add(retryWait)
		return nil //nolint:nilerr // not known, so the next try looks again
	}
	return c.note(e.Revision, e.live, e.Data)
}

// note sets when to try next: at once if nobody has the lease, or else when the record has not changed for the TTL that its
// holder has promised to stop within.
func (c *candidate) note(revision uint64, live bool, data []byte) error {
	if c.known && revision <= c.revision && revision != 0 {
		return nil
	}
	var r leaseRecord
	if live {
		var err error
		if r, err = parseLease(data); err != nil {
			return err
		}
	}
	c.known, c.revision, c.record, c.due = true, revision, r, time.Time{}
	if r.Session != "" {
		c.due = time.Now().Add(time.Duration(r.TTL) * time.Millisecond)
	}
	return nil
}

// try takes the lease if the record is still what was seen.
func (c *candidate) try(ctx context.Context) (*tenure, error) {
	if !c.known {
		return nil, c.look(ctx)
	}
	cfg := c.lease.cfg
	t := &tenure{
		state: c.state, subject: c.subject, ttl: cfg.TTL,
		record: leaseRecord{Version: leaseVersion, Holder: cfg.Holder, Session: nuid.Next(), TTL: cfg.TTL.Milliseconds()},
	}
	attempt, cancel := context.WithTimeout(ctx, 3*c.state.patience) // enough to find out what became of a write whose answer is lost
	defer cancel()
	err := t.write(attempt, c.revision)
	if err == nil {
		t.fence = t.revision
		return t, nil
	}
	if errors.Is(err, ErrConflict) {
		c.due = time.Now().Add(retryWait) // unless what is there now says otherwise
		return nil, c.look(ctx)
	}
	if !c.warned {
		c.warned = true
		c.lease.bus.cfg.Log.Warn("cannot take a lease, will be repeated", "lease", cfg.Name, "error", err)
	}
	looked := c.look(ctx)
	if pause := time.Now().Add(retryWait); c.due.Before(pause) {
		c.due = pause
	}
	return nil, looked
}
