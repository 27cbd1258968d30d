package bus

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// wire is a connection on which a test sees what is sent. Only one goroutine at a time publishes, or the test waits.
type wire struct {
	down   bool
	refuse func(id string) error
	sent   []shot
}

// shot is a message that was sent.
type shot struct{ id, reply string }

func (w *wire) IsConnected() bool { return !w.down }
func (w *wire) MaxPayload() int64 { return 1000 }

func (w *wire) PublishMsg(m *nats.Msg) error {
	id := m.Header.Get(nats.MsgIdHdr)
	if w.refuse != nil {
		if err := w.refuse(id); err != nil {
			return err
		}
	}
	w.sent = append(w.sent, shot{id: id, reply: m.Reply})
	return nil
}

type namedStream struct {
	jetstream.Stream
	name string
}

func (s namedStream) CachedInfo() *jetstream.StreamInfo {
	return &jetstream.StreamInfo{Config: jetstream.StreamConfig{Name: s.name}}
}

// rig is a bus whose streams are played by the test.
type rig struct {
	*Bus
	t    *testing.T
	wire *wire
}

// newRig leaves so many places in the pipeline.
func newRig(t *testing.T, places int) *rig {
	t.Helper()
	m, err := newMetrics(nil)
	if err != nil {
		t.Fatal(err)
	}
	w, free := &wire{}, &room{}
	r := &rig{Bus: &Bus{pipeline: newPipeline(w, "_INBOX.x.", free), room: free, metrics: m}, t: t, wire: w}
	r.topics.streams = map[string]jetstream.Stream{Events: namedStream{name: EventsStream}, Actions: namedStream{name: ActionsStream}}
	for range maxPending - places {
		<-r.pipeline.free
	}
	t.Cleanup(func() {
		if got := len(r.pipeline.free); got != places {
			t.Errorf("%d of %d places are free at the end", got, places)
		}
		for at, l := range r.pipeline.places {
			if l.token != 0 {
				t.Errorf("place %d is taken at the end", at)
			}
		}
	})
	return r
}

// outcome is what a call of Store returned.
type outcome struct {
	acks []Ack
	err  error
	took time.Duration
}

// store begins to publish messages with these ids, and returns when nothing more happens by itself.
func (r *rig) store(ctx context.Context, ids ...string) <-chan outcome {
	result := make(chan outcome, 1)
	messages := make([]*message.Message, len(ids))
	for i, id := range ids {
		messages[i] = message.NewMessage(id, nil)
	}
	go func() {
		start := time.Now()
		acks, err := r.Publisher().Store(ctx, Events, messages...)
		result <- outcome{acks: acks, err: err, took: time.Since(start)}
	}()
	synctest.Wait()
	return result
}

// answer plays the stream's answer to the n-th message that was sent.
func (r *rig) answer(n int, data string) {
	r.pipeline.receive(&nats.Msg{Subject: r.wire.sent[n].reply, Data: []byte(data)})
	synctest.Wait()
}

func (r *rig) ack(n int, sequence uint64) {
	r.answer(n, fmt.Sprintf(`{"stream":"%s","seq":%d}`, EventsStream, sequence))
}

// mustWait fails the test if a call has returned.
func (r *rig) mustWait(c <-chan outcome) {
	r.t.Helper()
	synctest.Wait()
	select {
	case s := <-c:
		r.t.Fatalf("returned %v (%v) too early", s.acks, s.err)
	default:
	}
}

func (r *rig) mustSend(ids ...string) {
	r.t.Helper()
	var got []string
	for _, s := range r.wire.sent {
		got = append(got, s.id)
	}
	if !slices.Equal(got, ids) {
		r.t.Fatalf("sent %v, want %v", got, ids)
	}
}

func (r *rig) mustCount(name string, want float64) {
	r.t.Helper()
	if got := testutil.ToFloat64(r.metrics.published.WithLabelValues(Events, name)); got != want {
		r.t.Errorf("%v counted as %s, want %v", got, name, want)
	}
}
