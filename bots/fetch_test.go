package bots_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/bots"
	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
)

// archive answers for a thread of so many messages of such a length; those of root "gone" it has no more.
func archive(t *testing.T, b *bus.Bus, total, long int) (asked chan event.HistoryQuery) {
	t.Helper()
	asked = make(chan event.HistoryQuery, 100)
	stop, err := b.Answer(context.Background(), "1.0.0", bus.Answers{
		Connections: []event.ConnectionID{"support"},
		Thread: func(_ context.Context, q event.HistoryQuery) (event.HistoryAnswer, error) {
			asked <- q
			if q.Thread.Root == "gone" {
				return event.HistoryAnswer{}, &bus.Refusal{Code: bus.RefusedGone, Reason: "no such message"}
			}
			from := 0
			_, _ = fmt.Sscan(q.Cursor, &from)
			var a event.HistoryAnswer
			for n := from; n < min(total, from+q.Limit); n++ {
				a.Messages = append(a.Messages, event.Said{Message: event.Message{ID: event.MessageID(fmt.Sprint(n)), Text: strings.Repeat("x", long)}, Thread: q.Thread})
			}
			if from+q.Limit < total {
				a.Next = fmt.Sprint(from + q.Limit)
			}
			return a, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return asked
}

// fetched has a bot fetch the thread of a message, up to a number of messages.
func fetched(t *testing.T, st *stage, root string, most int) (ids []string, err error) {
	t.Helper()
	type result struct {
		ids []string
		err error
	}
	done := make(chan result, 1)
	st.run(every("reader", func(ctx context.Context, m *bots.Message) error {
		var r result
		for said, err := range m.Thread.Fetch(ctx) {
			if err != nil {
				r.err = err
				break
			}
			if r.ids = append(r.ids, string(said.ID)); len(r.ids) == most {
				break
			}
		}
		done <- r
		return nil
	}))
	st.publish(direct(root, 0))
	r := bustest.Receive(t, done)
	return r.ids, r.err
}

func TestAThreadIsFetched(t *testing.T) {
	cases := map[string]struct {
		total, long, most int
		want, pages       int
	}{
		"three pages":                         {120, 1, 1000, 120, 3},
		"none":                                {0, 1, 1000, 0, 1},
		"who stops early asks no more":        {120, 1, 50, 50, 1},
		"long messages come in smaller pages": {30, 60_000, 1000, 30, 5}, // 50 and 25 are too many; then three times 12
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			st := newStage(t)
			asked := archive(t, st.bus, c.total, c.long)
			ids, err := fetched(t, st, "root", c.most)
			if err != nil || len(ids) != c.want {
				t.Fatalf("fetched %d messages (%v), want %d", len(ids), err, c.want)
			}
			for i, id := range ids {
				if id != fmt.Sprint(i) {
					t.Fatalf("message %d is %s", i, id)
				}
			}
			if len(asked) != c.pages {
				t.Errorf("asked for %d pages, want %d", len(asked), c.pages)
			}
			if q := <-asked; q.Thread.Root != "root" || !q.OldestFirst || q.Cursor != "" {
				t.Errorf("asked %+v", q)
			}
		})
	}
}

func TestAFetchThatFailsSaysWhy(t *testing.T) {
	st := newStage(t)
	if ids, err := fetched(t, st, "root", 10); !errors.Is(err, bus.ErrNobodyAnswers) || len(ids) > 0 {
		t.Errorf("without a relay: %v, %v", ids, err)
	}
	st = newStage(t)
	archive(t, st.bus, 1, 1)
	if ids, err := fetched(t, st, "gone", 10); !errors.Is(err, bots.ErrGone) || !strings.Contains(err.Error(), "no such message") || len(ids) > 0 {
		t.Errorf("of a root that is gone: %v, %v", ids, err)
	}
}
