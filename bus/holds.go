package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// DedupWindow is how long the streams recognise the repeat of a message by themselves, counted from when it was stored. For
// older ones ask [Bus.Holds].
func (b *Bus) DedupWindow() time.Duration { return b.cfg.DedupWindow }

// Bus returns the bus that p publishes to.
func (p *Publisher) Bus() *Bus { return p.bus }

// Copies asks which messages a lane holds.
type Copies struct {
	Topic string
	// Lane is <connection>.<thread>, as in [LaneKey].
	Lane string
	// IDs are the UUIDs of the messages that are looked for.
	IDs []string
	// Since bounds the search: what was stored before is not found.
	Since time.Time
}

const (
	// copiesBatch is how many headers are fetched at a time, and copiesWait how long one batch may take.
	copiesBatch = 256
	copiesWait  = 2 * time.Second
	// copiesTimeout bounds a search whose context has no deadline, and copiesIdle is when the server forgets one that was cut off.
	copiesTimeout = 10 * time.Second
	copiesIdle    = 30 * time.Second
)

// Holds returns those of the ids that a topic's stream holds in a lane, stored since a time. It is for messages that may
// have been stored longer ago than the duplicate window remembers.
//
// The price is one request for a lane that holds nothing since then, or whose newest message is the one that is asked for. Otherwise
// the headers of all of the lane since then are read, so it is best to ask for all ids of a lane at once. After a change of the
// number of partitions, messages from before it are not found.
//
// Two processes that ask for one id, are both told that it is not there and publish it are not a danger as long as either
// publishes within the duplicate window of the other: the stream takes one of the two.
func (b *Bus) Holds(ctx context.Context, q Copies) (map[string]bool, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, copiesTimeout)
		defer cancel()
	}
	found, err := b.holds(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("bus: look for copies in %s of %s: %w", q.Lane, q.Topic, err)
	}
	return found, nil
}

func (b *Bus) holds(ctx context.Context, q Copies) (map[string]bool, error) {
	stream, ok := b.topics.stream(q.Topic)
	switch {
	case !ok:
		return nil, errors.New("no such topic")
	case !validLane(q.Lane):
		return nil, errors.New("it is not <connection>.<thread>")
	case !b.cfg.Conn.IsConnected():
		return nil, ErrNotConnected
	}
	wanted := make(map[string]bool, len(q.IDs))
	for _, id := range q.IDs {
		wanted[id] = true
	}
	found := make(map[string]bool)
	last, err := stream.GetLastMsgForSubject(ctx, storedFilter(q.Topic, q.Lane))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return found, nil
	}
	if err != nil {
		return nil, err
	}
	if last.Time.Before(q.Since) {
		return found, nil
	}
	note := func(h nats.Header) (all bool) {
		if id := h.Get(nats.MsgIdHdr); wanted[id] {
			found[id] = true
		}
		return len(found) == len(wanted)
	}
	if note(last.Header) {
		return found, nil
	}
	return found, headersSince(ctx, stream, headerSearch{subject: last.Subject, since: q.Since, last: last.Sequence, note: note})
}

// storedFilter matches the stored subject of a lane, whichever its partition is.
func storedFilter(topic, lane string) string { return root + topic + ".*." + lane }

// headerSearch reads the headers of a subject's messages that were stored at a time or later.
type headerSearch struct {
	subject string
	since   time.Time
	last    uint64 // the message that it ends at
	// note takes a header, and returns true once no more are needed.
	note func(nats.Header) bool
}

// headersSince runs a search, oldest first.
func headersSince(ctx context.Context, stream jetstream.Stream, s headerSearch) error {
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		FilterSubject: s.subject, DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &s.since, HeadersOnly: true,
		AckPolicy: jetstream.AckNonePolicy, InactiveThreshold: copiesIdle, MemoryStorage: true, Replicas: 1,
	})
	if err != nil {
		return err
	}
	info := consumer.CachedInfo()
	defer func() {
		own, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = stream.DeleteConsumer(own, info.Name) // or the server forgets it by itself
	}()
	for left := info.NumPending; left > 0; {
		if left, err = s.fetch(ctx, consumer, min(left, copiesBatch)); err != nil {
			return err
		}
	}
	return nil
}

// fetch is one batch of a search. It returns how many messages are left to look at.
func (s headerSearch) fetch(ctx context.Context, consumer jetstream.Consumer, n uint64) (left uint64, err error) {
	batch, err := consumer.Fetch(int(n), jetstream.FetchMaxWait(copiesWait)) //nolint:gosec // copiesBatch at most
	if err != nil {
		return 0, err
	}
	none := true
	for {
		select {
		case m, ok := <-batch.Messages():
			if !ok && none {
				return 0, errors.Join(errors.New("the stream gave no answer"), batch.Error())
			}
			if !ok {
				return left, batch.Error()
			}
			meta, err := m.Metadata()
			if err != nil {
				return 0, err
			}
			if s.note(m.Headers()) || meta.Sequence.Stream >= s.last {
				return 0, nil
			}
			none, left = false, meta.NumPending
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}
