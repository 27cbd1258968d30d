package bus

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// pass lets so much of a bubble's time go by, and everything happen that it brings.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// A message that got no answer is sent again under its id, and only that one.
func TestALostAckIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, maxPending)
		c := r.store(t.Context(), "a", "b", "c")
		r.ack(0, 1)
		r.ack(2, 3)
		pass(repeatAfter + repeatPause)
		r.mustWait(c)
		r.mustSend("a", "b", "c", "b")
		if r.wire.sent[1].reply == r.wire.sent[3].reply {
			t.Error("two messages are to be answered under one subject")
		}
		r.answer(3, `{"stream":"RELAY_EVENTS","seq":2,"duplicate": true}`)
		if s := <-c; s.err != nil || !slices.Equal(s.acks, []Ack{{1, false}, {2, true}, {3, false}}) {
			t.Errorf("acks %v (%v)", s.acks, s.err)
		}
		r.ack(1, 2) // at last
	})
}

// A stream that answers slowly is heard: what it says to the first attempt counts in the second.
func TestASlowAckCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, maxPending)
		c := r.store(t.Context(), "a", "b")
		pass(repeatAfter + repeatPause)
		synctest.Wait()
		r.mustSend("a", "b", "a", "b")
		r.answer(0, `{"error":{"code":400,"err_code":10060}}`) // not to the attempt that is waited for
		r.ack(1, 2)
		r.ack(3, 99)
		r.mustWait(c)
		r.ack(2, 3)
		if s := <-c; s.err != nil || !slices.Equal(s.acks, []Ack{{3, false}, {2, false}}) {
			t.Errorf("acks %v (%v)", s.acks, s.err)
		}
	})
}

// The place of a message whose answer never comes is used again, and the answer that comes after all is not taken for that
// to the message which has the place by then.
func TestALateAckIsNobodyElses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		if s := <-r.store(within(t, time.Millisecond), "a"); !errors.Is(s.err, context.DeadlineExceeded) || !strings.Contains(s.err.Error(), "no acknowledgement in time") {
			t.Errorf("without an answer: %v", s.err)
		}
		s := <-r.store(within(t, 3*time.Second), "b")
		if !errors.Is(s.err, context.DeadlineExceeded) || !strings.Contains(s.err.Error(), "waiting for a place") || s.took != 3*time.Second {
			t.Errorf("without a place: %v after %v", s.err, s.took)
		}
		r.mustSend("a")
		pass(answerPatience)
		r.pipeline.reclaim()
		c := r.store(t.Context(), "c")
		r.mustSend("a", "c")
		r.ack(0, 7)
		r.mustWait(c)
		r.ack(1, 8)
		if s := <-c; s.err != nil || s.acks[0].Sequence != 8 {
			t.Errorf("acks %v (%v)", s.acks, s.err)
		}
	})
}

func TestReclaimIsPatient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		<-r.store(within(t, time.Millisecond), "a")
		pass(answerPatience - 2*time.Millisecond)
		r.pipeline.reclaim()
		if len(r.pipeline.free) != 0 {
			t.Error("a place was taken away too early")
		}
		pass(time.Millisecond)
		r.pipeline.reclaim()
		if len(r.pipeline.free) != 1 {
			t.Error("a place is kept for ever")
		}
	})
}

// More messages than places wait for each other's answers, as do more callers.
func TestCallersWaitForPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		first := r.store(t.Context(), "a", "b", "c")
		second := r.store(t.Context(), "d")
		r.mustSend("a", "b")
		r.ack(1, 2)
		r.mustSend("a", "b", "c")
		r.ack(0, 1)
		r.mustSend("a", "b", "c", "d")
		r.ack(3, 4)
		if s := <-second; s.err != nil {
			t.Error(s.err)
		}
		r.mustWait(first)
		r.ack(2, 3)
		if s := <-first; s.err != nil || !slices.Equal(s.acks, []Ack{{1, false}, {2, false}, {3, false}}) {
			t.Errorf("acks %v (%v)", s.acks, s.err)
		}
	})
}

// A batch that is too large for the time of one attempt goes on where it stopped.
func TestAnAttemptGoesOnWhereTheLastOneStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		c := r.store(t.Context(), "a", "b", "c", "d")
		pass(repeatAfter + repeatPause)
		r.mustWait(c)
		r.mustSend("a", "b")
		r.ack(0, 1) // gives a place to the second attempt, which needs it for b
		r.mustSend("a", "b", "b")
		r.ack(1, 2)
		r.mustSend("a", "b", "b", "c")
		r.ack(2, 2)
		r.mustSend("a", "b", "b", "c", "d")
		r.ack(3, 3)
		r.ack(4, 4)
		if s := <-c; s.err != nil || len(s.acks) != 4 {
			t.Errorf("acks %v (%v)", s.acks, s.err)
		}
	})
}
