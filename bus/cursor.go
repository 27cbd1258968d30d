package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// pullMessages and pullBytes bound what is on its way to a cursor.
	pullMessages = 4096
	pullBytes    = 16 << 20
	// quietTime is how long nothing has to come before a cursor asks the server whether something was sent that did not
	// arrive, quietCheck how often it looks whether that is so.
	quietTime  = 5 * time.Second
	quietCheck = 2 * time.Second
	// createTimeout bounds the creation of a consumer. The server that it was given to may be gone, and then only another
	// consumer, under another name, is given to another server.
	createTimeout = 2 * time.Second
	// idleHeartbeat is how often the server says that it is there. After twice that without a word a consumer is given up.
	idleHeartbeat = time.Second
)

// Why a cursor starts anew.
var (
	errGap       = errors.New("a message on the way was lost")
	errReconnect = errors.New("the connection was interrupted")
)

// cursor reads a stream, or what of it matches a filter, in its order from behind a position on, and never gives up: whatever
// interrupts it, it goes on behind the last message that it handed over. It reads with a consumer of its own that keeps no
// acknowledgements.
//
// The ordered consumer of nats.go is not used, since it insists on the name of a consumer that it failed to create: if that
// was given to a server that died, nothing is read until that server comes back, and not even a context ends the waiting.
type cursor struct {
	sub    *subscription
	filter string // empty for the whole stream
	// sink takes a message. It may block until ctx ends, and is not called again before it has returned; false means that it
	// did not take the message.
	sink func(ctx context.Context, m *stored) bool

	position atomic.Uint64 // everything up to here was handed over
	behind   atomic.Uint64 // how many messages stood behind that
	started  atomic.Bool   // and that is known
	heard    atomic.Int64  // when the last message had been handed over, in nanoseconds
}

// run reads until ctx ends.
func (c *cursor) run(ctx context.Context) {
	for wait := 100 * time.Millisecond; ctx.Err() == nil; wait = min(2*wait, 5*time.Second) {
		from := c.position.Load()
		err := c.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		if c.position.Load() > from {
			wait = 100 * time.Millisecond
		}
		c.sub.warn("reading was interrupted, will be resumed", "filter", c.filter, "behind", c.position.Load(), "in", wait.String(), "error", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// follow reads with one consumer until that fails or ctx ends.
func (c *cursor) follow(ctx context.Context) error {
	nc := c.sub.bus.cfg.Conn
	cut := nc.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	defer nc.RemoveStatusListener(cut)
	limit, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	consumer, err := c.sub.stream.CreateConsumer(limit, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: c.position.Load() + 1,
		FilterSubject: c.filter, AckPolicy: jetstream.AckNonePolicy, MaxDeliver: 1,
		MemoryStorage: true, Replicas: 1, InactiveThreshold: 30 * time.Second,
	})
	if err != nil {
		return fmt.Errorf("bus: create consumer: %w", err)
	}
	r := &reading{cursor: c, ctx: ctx, failed: make(chan error, 1)}
	c.heard.Store(time.Now().UnixNano())
	c.behind.Store(consumer.CachedInfo().NumPending)
	c.started.Store(true)
	flow, err := consumer.Consume(r.take, jetstream.PullMaxMessagesWithBytesLimit(pullMessages, pullBytes),
		jetstream.PullHeartbeat(idleHeartbeat), jetstream.PullExpiry(10*time.Second), jetstream.ConsumeErrHandler(r.interrupted))
	if err != nil {
		return fmt.Errorf("bus: read: %w", err)
	}
	closed := flow.Closed() // asked for later, it would not wait for a message that is being taken
	err = r.watch(ctx, consumer, cut)
	r.stop()
	flow.Stop()
	<-closed
	c.forget(ctx, consumer)
	return err
}

// forget removes a consumer that is not needed any more. If that fails the server does it a little later.
func (c *cursor) forget(ctx context.Context, consumer jetstream.Consumer) {
	if !c.sub.bus.cfg.Conn.IsConnected() {
		return
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = c.sub.stream.DeleteConsumer(limit, consumer.CachedInfo().Name)
}

// reading is a cursor's work with one consumer.
type reading struct {
	cursor *cursor
	ctx    context.Context // of the reading as a whole: the client's callbacks have none
	failed chan error      // has an entry when this consumer is of no more use

	mu      sync.Mutex
	stopped bool
	busy    bool   // a message is being handed over
	count   uint64 // messages that came
}

// take hands a message over, unless one before it is missing.
func (r *reading) take(m jetstream.Msg) {
	meta, err := m.Metadata()
	if err != nil {
		r.fail(err)
		return
	}
	if !r.begin(meta.Sequence.Consumer) {
		return
	}
	c := r.cursor
	c.behind.Store(meta.NumPending)
	taken := c.sink(r.ctx, &stored{subject: m.Subject(), sequence: meta.Sequence.Stream, header: m.Headers(), data: m.Data(), at: meta.Timestamp})
	if taken {
		c.position.Store(meta.Sequence.Stream)
	}
	c.heard.Store(time.Now().UnixNano())
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy, r.stopped = false, r.stopped || !taken
}

// begin counts a message and reports whether it may be handed over.
func (r *reading) begin(sequence uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	if sequence != r.count && !r.stopped {
		r.stopped = true
		r.fail(errGap)
	}
	r.busy = !r.stopped
	return r.busy
}

// interrupted hears what the client says of the consumer.
func (r *reading) interrupted(_ jetstream.ConsumeContext, err error) { r.fail(err) }

func (r *reading) fail(err error) {
	select {
	case r.failed <- err:
	default: // one reason is enough
	}
}

func (r *reading) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
}

// watch waits until the consumer is of no more use or ctx ends. What a connection loses when it breaks is not sent again, and
// shows only when a later message comes: so a connection that came back is a reason too, and a quiet consumer is asked.
func (r *reading) watch(ctx context.Context, consumer jetstream.Consumer, cut <-chan nats.Status) error {
	tick := time.NewTicker(quietCheck)
	defer tick.Stop()
	asked := int64(0)
	for {
		select {
		case err := <-r.failed:
			return fmt.Errorf("bus: read: %w", err)
		case <-cut:
			return errReconnect
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		heard := r.cursor.heard.Load()
		if heard == asked || time.Since(time.Unix(0, heard)) < quietTime {
			continue
		}
		asked = heard
		if err := r.complete(ctx, consumer); err != nil {
			return err
		}
	}
}

// complete reports an error if the server has sent more than came.
func (r *reading) complete(ctx context.Context, consumer jetstream.Consumer) error {
	r.mu.Lock()
	count, busy := r.count, r.busy
	r.mu.Unlock()
	if busy {
		return nil // what waits behind it has arrived, as far as one can tell
	}
	limit, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	info, err := consumer.Info(limit)
	if err != nil {
		return fmt.Errorf("bus: read: look after the consumer: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if info.Delivered.Consumer > count && r.count == count {
		return errGap
	}
	return nil
}
