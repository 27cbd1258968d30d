package bus

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func TestAcksInAnyOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, maxPending)
		c := r.store(t.Context(), "a", "b", "c")
		r.mustSend("a", "b", "c")
		r.ack(2, 13)
		r.answer(0, fmt.Sprintf(`{"stream":"%s","seq":4,"duplicate": true}`, EventsStream))
		r.ack(0, 99) // to a message that has its answer
		r.mustWait(c)
		r.ack(1, 12)
		if s := <-c; s.err != nil || !slices.Equal(s.acks, []Ack{{4, true}, {12, false}, {13, false}}) {
			t.Errorf("acks %v (%v)", s.acks, s.err)
		}
		r.mustCount("stored", 2)
		r.mustCount("duplicate", 1)
		r.mustCount("failed", 0)
	})
}

// Whatever is wrong with one message, the answers to the others are waited for, and then the caller is told.
func TestOneOfABatchFails(t *testing.T) {
	refusal := func(code int, words string) string {
		return fmt.Sprintf(`{"error":{"code":503,"err_code":%d,"description":%q},"stream":"RELAY_EVENTS","seq":0}`, code, words)
	}
	cases := map[string]struct {
		answer string
		is     error
		says   string
		full   bool
	}{
		"refused":        {answer: refusal(10060, "expected stream does not match"), says: "does not match"},
		"full":           {answer: refusal(10077, "maximum bytes exceeded"), is: ErrFull, full: true},
		"another stream": {answer: `{"stream":"RELAY_ACTIONS","seq":1}`, says: `by stream "RELAY_ACTIONS", and not by RELAY_EVENTS`},
		"nonsense":       {answer: "+OK", is: jetstream.ErrInvalidJSAck},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, maxPending)
				result := r.store(t.Context(), "a", "b", "c")
				r.ack(0, 1)
				r.answer(1, c.answer)
				if full := r.room.refusal.Load() != 0; full != c.full {
					t.Errorf("noted that the store is full: %t", full)
				}
				r.mustWait(result)
				r.ack(2, 2)
				s := <-result
				if s.err == nil || c.is != nil && !errors.Is(s.err, c.is) || !strings.Contains(s.err.Error(), c.says) {
					t.Errorf("error %v", s.err)
				}
				r.mustSend("a", "b", "c")
				r.mustCount("stored", 2)
				r.mustCount("failed", 1)
			})
		})
	}
}

// The first of several errors is the one that is told.
func TestTheFirstErrorIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, maxPending)
		c := r.store(t.Context(), "a", "b")
		r.answer(1, `{"error":{"code":400,"err_code":1,"description":"came first"}}`)
		r.answer(0, `{"error":{"code":400,"err_code":2,"description":"came second"}}`)
		if s := <-c; s.err == nil || !strings.Contains(s.err.Error(), "came first") {
			t.Errorf("error %v", s.err)
		}
	})
}

func TestWhatCannotBeSentEndsTheBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, maxPending)
		r.wire.refuse = func(id string) error {
			if id == "b" {
				return nats.ErrMaxPayload
			}
			return nil
		}
		c := r.store(t.Context(), "a", "b", "c")
		r.mustSend("a")
		r.mustWait(c)
		r.ack(0, 1)
		if s := <-c; !errors.Is(s.err, ErrTooLarge) || !strings.Contains(s.err.Error(), "exceed the server's limit of 1000") {
			t.Errorf("error %v", s.err)
		}
		r.mustCount("stored", 1)
		r.mustCount("failed", 2)
	})
}

// An answer for the inbox of which the pipeline knows nothing must do nothing.
func TestForeignAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, maxPending)
		c := r.store(t.Context(), "a")
		for _, token := range []string{"", "0", "1", "zz", "-1", "40001", "vvvvvvvvvvvv", "99999999999999999999", "1.2"} {
			r.pipeline.receive(&nats.Msg{Subject: "_INBOX.x." + token, Data: []byte(`{"stream":"RELAY_EVENTS","seq":1}`)})
		}
		r.mustWait(c)
		r.ack(0, 5)
		if s := <-c; s.err != nil || s.acks[0].Sequence != 5 {
			t.Errorf("acks %v (%v)", s.acks, s.err)
		}
	})
}
