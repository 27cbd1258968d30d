package cometchat

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/threadrelay/threadrelay/relay/egress"
)

// pageSize is how many rows an iterator asks for, unless told otherwise.
const pageSize = 100

// Messages lists messages page by page until a page brings nothing new (GET /messages). With [Prepend], which is the default
// without a cursor, it goes from the newest back; with [Append] forward, from the cursor or from the first message. Each
// message comes once, in the order of the ids; the answers' own order, their meta and their totals make no difference, and a
// server that repeats itself ends the list. A page that is too long to be read is asked for again with fewer rows.
//
// After an error the iteration ends.
func (c *Client) Messages(ctx context.Context, o MessageOptions) iter.Seq2[Message, error] {
	return walk(o.Cursor, func(at Cursor) (Page[Message], error) {
		o.Cursor = at
		return c.ListMessages(ctx, o)
	})
}

// UserMessages lists what [Client.ListUserMessages] does, in the way of [Client.Messages].
func (c *Client) UserMessages(ctx context.Context, uid string, o UserMessageOptions) iter.Seq2[Message, error] {
	return walk(o.Cursor, func(at Cursor) (Page[Message], error) {
		o.Cursor, o.PerPage = at, at.Limit
		return c.ListUserMessages(ctx, uid, o)
	})
}

// GroupMessages lists what [Client.ListGroupMessages] does, in the way of [Client.Messages].
func (c *Client) GroupMessages(ctx context.Context, guid string, o GroupMessageOptions) iter.Seq2[Message, error] {
	return walk(o.Cursor, func(at Cursor) (Page[Message], error) {
		o.Cursor = at
		return c.ListGroupMessages(ctx, guid, o)
	})
}

// brings reports whether one of the rows lies beyond the cursor.
func (c Cursor) brings(rows []Message) bool {
	return slices.ContainsFunc(rows, func(m Message) bool { return c.before(m.ID) })
}

// before reports whether the cursor lies before the message, in its own direction.
func (c Cursor) before(id string) bool {
	switch order := compareIDs(id, c.ID); {
	case c.ID == "":
		return true
	case c.Affix == Append:
		return order > 0
	default:
		return order < 0
	}
}

// compareIDs compares two message ids by number.
func compareIDs(a, b string) int {
	x, _ := strconv.ParseUint(a, 10, 64) // what is too large for 64 bits is the largest
	y, _ := strconv.ParseUint(b, 10, 64)
	return cmp.Compare(x, y)
}

// walk goes from page to page. It goes by the ids of the rows alone, as the vendor's own client does: behind the highest one
// in the direction of append, before the lowest in the other.
func walk(at Cursor, page func(Cursor) (Page[Message], error)) iter.Seq2[Message, error] {
	if at.Affix == "" {
		at.Affix = Prepend
		if at.ID != "" || !at.SentAt.IsZero() {
			at.Affix = Append
		}
	}
	if at.Limit == 0 {
		at.Limit = pageSize
	}
	if at.Affix == Append && at.ID == "" && at.SentAt.IsZero() {
		at.SentAt = time.Unix(1, 0) // the vendor's client takes no append without a cursor: this is before everything
	}
	return func(yield func(Message, error) bool) {
		at := at // for each iteration anew
		for {
			p, err := page(at)
			if errors.Is(err, egress.ErrAnswerTooLong) && at.Limit > 1 {
				at.Limit /= 2
				continue
			}
			if err != nil {
				yield(Message{}, err)
				return
			}
			fresh := at.fresh(p.Rows)
			for _, m := range fresh {
				if !yield(m, nil) {
					return
				}
			}
			if len(fresh) == 0 {
				return
			}
			at.ID, at.SentAt = fresh[len(fresh)-1].ID, time.Time{}
		}
	}
}

// fresh returns the rows beyond the cursor, each once and in its direction.
func (c Cursor) fresh(rows []Message) []Message {
	rows = slices.DeleteFunc(rows, func(m Message) bool { return !c.before(m.ID) })
	slices.SortStableFunc(rows, func(a, b Message) int {
		if c.Affix == Append {
			return compareIDs(a.ID, b.ID)
		}
		return compareIDs(b.ID, a.ID)
	})
	return slices.CompactFunc(rows, func(a, b Message) bool { return compareIDs(a.ID, b.ID) == 0 })
}
