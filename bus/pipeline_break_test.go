package bus

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Between two leaders nobody answers; the caller is told so only when the time is up.
func TestNobodyListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, maxPending)
		nobody := func(n int) {
			r.pipeline.receive(&nats.Msg{Subject: r.wire.sent[n].reply, Header: nats.Header{"Status": {"503"}}})
			synctest.Wait()
		}
		c := r.store(t.Context(), "a")
		nobody(0)
		r.mustWait(c)
		pass(repeatPause)
		r.ack(1, 1)
		if s := <-c; s.err != nil || s.took != repeatPause {
			t.Errorf("after %v: %v", s.took, s.err)
		}
		c = r.store(within(t, 30*time.Millisecond), "b")
		nobody(2)
		if s := <-c; !errors.Is(s.err, jetstream.ErrNoStreamResponse) || !strings.Contains(s.err.Error(), "no stream takes this subject") || s.took != 30*time.Millisecond {
			t.Errorf("after %v: %v", s.took, s.err)
		}
	})
}

func TestWithoutADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, maxPending)
		s := <-r.store(t.Context(), "a")
		if !errors.Is(s.err, context.DeadlineExceeded) || s.took != publishTimeout {
			t.Errorf("after %v: %v", s.took, s.err)
		}
		if sent := len(r.wire.sent); sent != 9 { // seconds and pauses
			t.Errorf("sent %d times", sent)
		}
		r.mustCount("failed", 1)
		r.pipeline.broken(nats.ErrDisconnected)
	})
}

func TestTheCallerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, maxPending)
		ctx, cancel := context.WithCancel(t.Context())
		c := r.store(ctx, "a", "b")
		r.ack(0, 1)
		cancel()
		if s := <-c; !errors.Is(s.err, context.Canceled) || s.took != 0 {
			t.Errorf("after %v: %v", s.took, s.err)
		}
		r.mustCount("stored", 1)
		r.mustCount("failed", 1)
		r.ack(1, 2)
		<-r.store(ctx, "c")
		r.mustSend("a", "b")
	})
}

// When the connection breaks, whoever waits is told at once, and what is left of a batch is not sent.
func TestTheConnectionBreaks(t *testing.T) {
	cases := map[string]struct {
		places int
		sent   []string
	}{
		"all is sent":    {maxPending, []string{"a", "b", "c"}},
		"some is unsent": {2, []string{"a", "b"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, c.places)
				result := r.store(t.Context(), "a", "b", "c")
				r.pipeline.broken(nats.ErrDisconnected)
				if s := <-result; !errors.Is(s.err, ErrNotConnected) || s.took != 0 {
					t.Errorf("after %v: %v", s.took, s.err)
				}
				r.ack(0, 1) // of the connection before
				r.mustSend(c.sent...)
				r.mustCount("failed", 3)
				r.wire.down = true
				if s := <-r.store(t.Context(), "d"); !errors.Is(s.err, ErrNotConnected) {
					t.Errorf("without a connection: %v", s.err)
				}
				r.mustSend(c.sent...)
			})
		})
	}
}

// A connection that is found broken when something is written to it.
func TestTheConnectionBreaksUnderAMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, maxPending)
		r.wire.refuse = func(string) error {
			r.wire.down = true
			return nats.ErrReconnectBufExceeded
		}
		if s := <-r.store(t.Context(), "a"); !errors.Is(s.err, ErrNotConnected) || !errors.Is(s.err, nats.ErrReconnectBufExceeded) {
			t.Errorf("error %v", s.err)
		}
	})
}
