package bots

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
)

// fetchPage is how many messages are asked for at once.
const fetchPage = 50

// ErrGone means that what was asked for does not exist, or not any more.
var ErrGone = errors.New("bots: does not exist any more")

// Fetch reads the thread from its platform, by way of the relay: its root and the replies to it, the oldest first. It asks for
// the next page when the loop has come that far, so that who stops early costs the platform little. An error is the last that
// the loop is given: [ErrGone] if the thread's root does not exist any more, [bus.ErrNobodyAnswers] if no relay runs, or one
// that holds a [bus.Refusal]. For a message that no thread has started from, it is that message alone.
func (t *Thread) Fetch(ctx context.Context) iter.Seq2[event.Said, error] {
	return func(yield func(event.Said, error) bool) {
		q := event.HistoryQuery{Thread: t.Ref, Limit: fetchPage, OldestFirst: true}
		for {
			page, err := t.page(ctx, &q)
			if err != nil {
				yield(event.Said{}, err)
				return
			}
			for _, said := range page.Messages {
				if !yield(said, nil) {
					return
				}
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				return
			}
		}
	}
}

// page asks for a page, and for less if that much is not carried at once.
func (t *Thread) page(ctx context.Context, q *event.HistoryQuery) (event.HistoryAnswer, error) {
	for {
		page, err := t.out.world.Thread(ctx, *q)
		switch {
		case err == nil:
			return page, nil
		case bus.IsRefusal(err, bus.RefusedTooLarge) && q.Limit > 1:
			q.Limit /= 2
		case bus.IsRefusal(err, bus.RefusedGone):
			return page, fmt.Errorf("%w: %w", ErrGone, err)
		default:
			return page, fmt.Errorf("bots: fetch %s: %w", t.Ref, err)
		}
	}
}
