// Package deliver brings actions out: once, in the order of their thread, or as a dead letter with the reason.
//
// An action walks through one stage after the other, each in a file of its own; see [Deliverer]. What keeps it from being
// seen twice is the ledger: what became of an action is written there, and read before anything is sent. Whatever may have
// been sent before, without that having been written down, is first looked for at the platform.
//
// # What is written
//
// The action in its stream is the intent: nothing is written before the call. After it, each action costs
//
//   - one entry in the ledger, which is created: of two processes that both believe to hold the thread, one is told that the
//     other was there before;
//   - one receipt, published to [bus.Receipts] for the bots;
//   - a share of the progress record, of which one write serves all that was handled at about the same time.
//
// Where a rate limit is known, its share of the record that instances count their calls in comes before the call: see
// [github.com/threadrelay/threadrelay/relay/budget].
//
// A failed attempt costs one write of the progress record, a dead letter one entry, one receipt and the letter. To wait, be it
// for a rate limit, a breaker or another action, is not written down. A thread whose root was made anew has one entry more.
//
// # What remains possible
//
// A platform that knows no id of ours (see [event.Idempotence]) can be asked what is there, and no more than that. So there may
// be two copies of an answer, of which the ledger knows one, when
//
//   - a process stops for longer than its lease (SIGSTOP, a virtual machine that moves) between the start of a call and the first
//     byte that leaves it: another one finds nothing, sends, and the first one goes on;
//   - a platform carries out a call after it was given up, and after it was looked for in vain;
//   - neither a look-up nor an id is there and the policy is to send again.
//
// The first of them is counted, in threadrelay_duplicates_total, since the ledger tells the second process that it was not the
// only one.
//
// A dead letter may be of an action that was carried out, if the answer to its last attempt did not come and it could not be looked
// for either. A replay looks first.
//
// Receipts are published before an action counts as handled, so a crash in between repeats them, under the same id. Within the
// duplicate window the stream drops the repeat; who reads receipts has to bear one after it.
package deliver

import (
	"context"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
)

// Group is the consumer group under which actions are taken.
const Group = "deliver"

// Deliverer carries out actions.
type Deliverer struct {
	cfg     Config
	worker  *bus.Worker
	lines   map[event.ConnectionID]*line
	ledger  *ledger
	traces  *traces
	metrics *metrics
	publish func(ctx context.Context, topic string, m ...*message.Message) ([]bus.Ack, error)
	now     func() time.Time
	// way is the stages between the action's arrival and the moment when it is known what became of it.
	way []stage
}

// stage takes an action one step further. It settles the job if it finds out what became of the action: then the stages
// behind it are left out.
type stage func(ctx context.Context, j *job) error

// New returns a deliverer that has yet to run.
func New(cfg Config) (*Deliverer, error) {
	cfg.setDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	d := &Deliverer{cfg: cfg, traces: newTraces(), publish: cfg.Bus.Publisher().Store, now: time.Now}
	d.lines = cfg.lines()
	d.way = []stage{d.recall, d.follow, d.coalesce, d.budget, d.lookUp, d.send}
	var err error
	if d.metrics, err = newMetrics(cfg.Metrics, d.lines); err != nil {
		return nil, fmt.Errorf("deliver: metrics: %w", err)
	}
	if d.worker, err = cfg.Bus.Worker(bus.WorkerConfig{Grace: cfg.Grace}); err != nil {
		return nil, fmt.Errorf("deliver: %w", err)
	}
	sub := bus.SubscriberConfig{Group: Group, Concurrency: cfg.Concurrency, RetryFor: d.retryFor, Dying: d.dying}
	if err := d.worker.Consume(bus.Actions, sub, d.deliver); err != nil {
		return nil, fmt.Errorf("deliver: %w", err)
	}
	return d, nil
}

// Run delivers until ctx ends and the calls that were under way then are finished. It returns an error if it ends before.
func (d *Deliverer) Run(ctx context.Context) error {
	if d.ledger == nil {
		state, err := d.cfg.Bus.State(ctx, bus.Ledger)
		if err != nil {
			return fmt.Errorf("deliver: %w", err)
		}
		d.ledger = &ledger{store: state}
	}
	if err := d.worker.Run(ctx); err != nil {
		return fmt.Errorf("deliver: %w", err)
	}
	return nil
}

// Running is closed once the deliverer takes actions.
func (d *Deliverer) Running() <-chan struct{} { return d.worker.Running() }

// deliver is the way of one action.
func (d *Deliverer) deliver(m *message.Message) error {
	ctx := m.Context()
	j, err := d.decode(ctx, m)
	if err != nil {
		return err
	}
	if err := d.route(j); err != nil {
		return err
	}
	for _, next := range d.way {
		if err := next(ctx, j); err != nil {
			return verdict(err)
		}
		if j.receipt != nil {
			break
		}
	}
	return d.record(ctx, j)
}
