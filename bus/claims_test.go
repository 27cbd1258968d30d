package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus/natsd"
)

// outage is what a member sees of a stream and a bucket that have no leader. It begins with the member's first claim.
type outage struct {
	on   atomic.Bool
	over atomic.Bool
	// unknown: no answer comes to that claim either, although it is stored.
	unknown bool
}

func (o *outage) err() error {
	if o.on.Load() && !o.over.Load() {
		return context.DeadlineExceeded
	}
	return nil
}

type failingStream struct {
	jetstream.Stream
	*outage
}

// Info is not answered: that is what a question to a stream between two leaders comes to.
func (s failingStream) Info(ctx context.Context, opts ...jetstream.StreamInfoOpt) (*jetstream.StreamInfo, error) {
	if s.err() != nil {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.Stream.Info(ctx, opts...)
}

type failingBucket struct {
	jetstream.KeyValue
	*outage
}

func (b failingBucket) Get(ctx context.Context, key string) (jetstream.KeyValueEntry, error) {
	if err := b.err(); err != nil {
		return nil, err
	}
	return b.KeyValue.Get(ctx, key)
}

func (b failingBucket) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if err := b.err(); err != nil {
		return 0, err
	}
	return b.KeyValue.Update(ctx, key, value, revision)
}

func (b failingBucket) Create(ctx context.Context, key string, value []byte, opts ...jetstream.KVCreateOpt) (uint64, error) {
	if err := b.err(); err != nil {
		return 0, err
	}
	revision, err := b.KeyValue.Create(ctx, key, value, opts...)
	b.on.Store(true)
	if b.unknown && err == nil {
		err = b.err()
	}
	return revision, err
}

// testBus opens a bus of two partitions on a connection of its own.
func testBus(t *testing.T, srv *natsd.Server, ttl time.Duration) *Bus {
	t.Helper()
	nc, err := srv.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	b, err := Open(t.Context(), Config{Conn: nc, Partitions: 2, LeaseTTL: ttl})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func testServer(t *testing.T) *natsd.Server {
	t.Helper()
	srv, err := natsd.New(natsd.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	return srv
}

// enter makes a bus a member of group g under a name, which is what Subscribe does.
func enter(t *testing.T, b *Bus, stream jetstream.Stream, name string) *coordinator {
	t.Helper()
	s, err := b.Subscriber(SubscriberConfig{Group: "g"})
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := s.fresh(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	members, err := join(b.cfg.Conn, memberSubject("g", Events), name, b.cfg.LeaseTTL)
	if err != nil {
		t.Fatal(err)
	}
	sub := newSubscription(s, Events, stream)
	c := newCoordinator(sub, members, fresh)
	s.subs.Go(func() { sub.run(context.Background(), c) })
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// until waits for a condition.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !is() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("%s: waited in vain", what)
		}
	}
}

// newcomer returns a name whose share of two partitions beside a member is that partition.
func newcomer(t *testing.T, beside string, partition int) string {
	t.Helper()
	for i := range 1000 {
		name := fmt.Sprint("newcomer-", i)
		if share(2, []string{beside, name})[partition] == name {
			return name
		}
	}
	t.Fatal("no name prefers the partition")
	return ""
}

// A member that is on record as a partition's owner and never came to hold it must not keep it from the one whose share it
// has become: they would wait for each other for ever.
func TestAHalfTakenPartitionIsGivenBack(t *testing.T) {
	for name, unknown := range map[string]bool{
		"the claim is not answered":               true,
		"the stream does not answer to the owner": false,
	} {
		t.Run(name, func(t *testing.T) {
			const ttl = 6 * time.Second // nobody is taken for dead meanwhile
			srv := testServer(t)
			one, two := testBus(t, srv, ttl), testBus(t, srv, ttl)
			bucket := two.progress
			fault := &outage{unknown: unknown}
			one.progress = failingBucket{one.progress, fault}
			stream, _ := one.topics.stream(Events)
			first := enter(t, one, failingStream{stream, fault}, "one")
			until(t, "the claim", fault.on.Load)
			stream, _ = two.topics.stream(Events)
			other := newcomer(t, "one", 0)
			enter(t, two, stream, other)
			until(t, "both know each other", func() bool { return len(first.members.alive()) == 2 })
			fault.over.Store(true)
			for n, owner := range []string{other, "one"} {
				until(t, fmt.Sprint("partition ", n), func() bool { return ownerOf(t, bucket, n) == owner })
			}
		})
	}
}

func ownerOf(t *testing.T, kv jetstream.KeyValue, partition int) string {
	t.Helper()
	entry, err := kv.Get(t.Context(), fmt.Sprint("g.events.", partition))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	var p progress
	if err := decodeProgress(entry.Value(), &p); err != nil {
		t.Fatal(err)
	}
	return p.Owner
}

// slowBucket's reads are not answered before enough is closed.
type slowBucket struct {
	jetstream.KeyValue
	waiting chan struct{}
	enough  chan struct{}
}

func (b slowBucket) Get(ctx context.Context, key string) (jetstream.KeyValueEntry, error) {
	select {
	case b.waiting <- struct{}{}:
	case <-b.enough:
	}
	select {
	case <-b.enough:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return b.KeyValue.Get(ctx, key)
}

// While a take-over waits for an answer, the member must be heard: the others would take it for dead, and it would end the
// handlers of all that it holds.
func TestAMemberIsHeardWhileATakeOverWaits(t *testing.T) {
	b := testBus(t, testServer(t), time.Second)
	slow := slowBucket{b.progress, make(chan struct{}), make(chan struct{})}
	b.progress = slow
	beats := make(chan heartbeat, 100)
	_, err := b.cfg.Conn.Subscribe(memberSubject("g", Events), func(m *nats.Msg) {
		var h heartbeat
		if json.Unmarshal(m.Data, &h) == nil && !h.Hello {
			beats <- h
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	stream, _ := b.topics.stream(Events)
	enter(t, b, stream, "one")
	for range b.cfg.Partitions {
		<-slow.waiting
	}
	defer close(slow.enough)
	for range 4 { // one of them may come from before
		select {
		case <-beats:
		case <-slow.waiting:
			t.Fatal("the read was given up, and nothing was heard before")
		}
	}
}

func TestClaimsAreKeptUntilTheyAreSettled(t *testing.T) {
	lost := errors.New("no answer")
	for name, c := range map[string]struct {
		before claims
		rec    record
		taken  bool
		err    error
		want   bool
	}{
		"taken":                                 {rec: record{revision: 7, asked: true}, taken: true, want: true},
		"no answer to the claim":                {rec: record{revision: 5, asked: true}, err: lost, want: true},
		"not even read":                         {rec: record{}, err: lost},
		"somebody else's":                       {rec: record{revision: 5}},
		"not even read, and claimed before":     {before: claims{3: 5}, rec: record{}, err: lost, want: true},
		"the claim of before may come yet":      {before: claims{3: 5}, rec: record{revision: 5}, want: true},
		"the claim of before comes too late":    {before: claims{3: 5}, rec: record{revision: 6}},
		"claimed again, and again not answered": {before: claims{3: 5}, rec: record{revision: 6, asked: true}, err: lost, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			got := make(claims)
			for n, revision := range c.before {
				got[n] = revision
			}
			got.note(3, &c.rec, c.taken, c.err)
			if _, ok := got[3]; ok != c.want {
				t.Errorf("claimed: %v, want %v", ok, c.want)
			}
		})
	}
}
