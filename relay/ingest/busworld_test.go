package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/relay"
)

// quickly is the configuration of a poll that need not spare its platform.
func quickly(b *bus.Bus, w relay.Poller, sources ...string) PollConfig {
	return PollConfig{
		Bus: b, Connection: "support", Poller: w, Sources: sources, Interval: 10 * time.Millisecond, Backfill: 24 * time.Hour,
		Budget: 600_000, LeaseTTL: time.Second,
	}
}

// start runs a poll until stop is called or the test ends.
func start(t *testing.T, cfg PollConfig) (p *Poll, stop func()) {
	t.Helper()
	p, err := NewPoll(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	bustest.Receive(t, closed(p.Running()))
	stop = sync.OnceFunc(func() {
		cancel()
		if err := bustest.Receive(t, ended); err != nil {
			t.Errorf("the poll ended with %v", err)
		}
	})
	t.Cleanup(stop)
	return p, stop
}

// closed turns the end of done into a value.
func closed(done <-chan struct{}) <-chan bool {
	c := make(chan bool, 1)
	go func() {
		select {
		case <-done:
			c <- true
		case <-time.After(bustest.Patience):
		}
	}()
	return c
}

// await waits until a condition holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(bustest.Patience); !holds(); {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// shelved returns the ids of what lies in a topic's stream, oldest first.
func shelved(t *testing.T, srv *bustest.Server, stream string) (ids []string) {
	t.Helper()
	js, err := jetstream.New(srv.Connect())
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(bustest.Context(t), stream)
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(1); seq <= s.CachedInfo().State.LastSeq; seq++ {
		m, err := s.GetMsg(bustest.Context(t), seq)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, m.Header.Get(nats.MsgIdHdr))
	}
	return ids
}

// stored is how many messages a stream holds.
func stored(t *testing.T, srv *bustest.Server, stream string) func() int {
	t.Helper()
	js, err := jetstream.New(srv.Connect())
	if err != nil {
		t.Fatal(err)
	}
	return func() int {
		s, err := js.Stream(bustest.Context(t), stream)
		if err != nil {
			t.Fatal(err)
		}
		return int(s.CachedInfo().State.Msgs) //nolint:gosec // few
	}
}

// numbered are the ids of the first n events of a source.
func numbered(source string, n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprintf("%s-%d", source, i))
	}
	return ids
}

// fill has n messages said in a source, all of them a while ago.
func (w *world) fill(source string, n int, ago time.Duration) {
	for i := range n {
		e := said(source, i)
		e.Time = e.Time.Add(-ago)
		w.happen(source, e)
	}
}

// cursor reads a bookmark as it is stored.
func cursor(t *testing.T, b *bus.Bus, source string) bookmark {
	t.Helper()
	state, err := b.State(bustest.Context(t), bus.Cursors)
	if err != nil {
		t.Fatal(err)
	}
	v, err := state.Get(bustest.Context(t), "poll/support/"+source)
	if errors.Is(err, bus.ErrNoState) {
		return bookmark{}
	}
	if err != nil {
		t.Fatal(err)
	}
	at, err := parseBookmark(v.Data)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// rewind sets a cursor back, as if it had not been saved.
func rewind(t *testing.T, b *bus.Bus, source, to string) {
	t.Helper()
	state, err := b.State(bustest.Context(t), bus.Cursors)
	if err != nil {
		t.Fatal(err)
	}
	at := cursor(t, b, source)
	at.After = to
	data, err := json.Marshal(at)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := state.Put(bustest.Context(t), "poll/support/"+source, data, 0); err != nil {
		t.Fatal(err)
	}
}

// forget returns when the streams have forgotten the ids of what was stored before.
func forget(t *testing.T, b *bus.Bus) {
	t.Helper()
	await(t, "the duplicate window to pass", func() bool {
		probe := message.NewMessage("probe", []byte("1"))
		acks, err := b.Publisher().Store(bustest.Context(t), bus.Actions, probe)
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * b.DedupWindow())
		again, err := b.Publisher().Store(bustest.Context(t), bus.Actions, probe)
		if err != nil {
			t.Fatal(err)
		}
		return again[0].Sequence != acks[0].Sequence
	})
}
