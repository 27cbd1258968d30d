package bus

import (
	"context"
	"errors"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// sent is a message as a consumer sends it.
type sent struct {
	jetstream.Msg
	count, sequence uint64
	damaged         bool
}

func (s sent) Metadata() (*jetstream.MsgMetadata, error) {
	if s.damaged {
		return nil, jetstream.ErrNotJSMessage
	}
	return &jetstream.MsgMetadata{Sequence: jetstream.SequencePair{Consumer: s.count, Stream: s.sequence}}, nil
}
func (s sent) Subject() string      { return "relay.events.0.c.t" }
func (s sent) Headers() nats.Header { return nil }
func (s sent) Data() []byte         { return nil }

// asked is a consumer that says how much it has sent.
type asked struct {
	jetstream.Consumer
	sent uint64
	err  error
}

func (a asked) Info(context.Context) (*jetstream.ConsumerInfo, error) {
	return &jetstream.ConsumerInfo{Delivered: jetstream.SequenceInfo{Consumer: a.sent}}, a.err
}

func TestReadingStopsAtAGap(t *testing.T) {
	var got []uint64
	c := &cursor{sink: func(_ context.Context, m *stored) bool {
		got = append(got, m.sequence)
		return m.sequence != 90
	}}
	r := &reading{cursor: c, ctx: t.Context(), failed: make(chan error, 1)}
	r.take(sent{count: 1, sequence: 5})
	r.take(sent{count: 2, sequence: 8})
	r.take(sent{count: 4, sequence: 11})
	r.take(sent{count: 5, sequence: 12})
	if err := <-r.failed; !errors.Is(err, errGap) {
		t.Errorf("error %v", err)
	}
	if len(got) != 2 || c.position.Load() != 8 {
		t.Errorf("handed over %v, position %d", got, c.position.Load())
	}
}

func TestReadingStopsWhereItsSinkDoes(t *testing.T) {
	taken := 0
	c := &cursor{sink: func(context.Context, *stored) bool {
		taken++
		return false
	}}
	r := &reading{cursor: c, ctx: t.Context(), failed: make(chan error, 1)}
	r.take(sent{count: 1, sequence: 5})
	r.take(sent{count: 2, sequence: 6})
	if taken != 1 || c.position.Load() != 0 {
		t.Errorf("%d were offered, position %d", taken, c.position.Load())
	}
}

func TestReadingRefusesADamagedMessage(t *testing.T) {
	c := &cursor{sink: func(context.Context, *stored) bool { return true }}
	r := &reading{cursor: c, ctx: t.Context(), failed: make(chan error, 1)}
	r.take(sent{damaged: true})
	if err := <-r.failed; !errors.Is(err, jetstream.ErrNotJSMessage) {
		t.Errorf("error %v", err)
	}
}

func TestAQuietConsumerIsAsked(t *testing.T) {
	offline := errors.New("offline")
	cases := []struct {
		name string
		came int
		asked
		busy bool
		want error
	}{
		{"all came", 2, asked{sent: 2}, false, nil},
		{"the last one did not", 2, asked{sent: 3}, false, errGap},
		{"one is being handed over", 2, asked{sent: 3}, true, nil},
		{"nobody answers", 2, asked{err: offline}, false, offline},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cur := &cursor{sink: func(context.Context, *stored) bool { return true }}
			r := &reading{cursor: cur, ctx: t.Context(), failed: make(chan error, 1)}
			for i := range c.came {
				r.take(sent{count: uint64(i + 1), sequence: uint64(i + 1)})
			}
			r.busy = c.busy
			if err := r.complete(t.Context(), c.asked); !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}
