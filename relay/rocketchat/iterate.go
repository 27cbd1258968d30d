package rocketchat

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/threadrelay/threadrelay/relay/egress"
)

// Thread lists the replies to a message, the earliest first and page by page (chat.getThreadMessages), without copies that are
// hidden. Each comes once, and none is missed because others are deleted meanwhile.
//
// After an error an iteration ends; that holds for all lists.
func (c *Client) Thread(ctx context.Context, root string) iter.Seq2[Message, error] {
	list := walk(messageKey, func(p Paging) (Page[Message], error) { return c.ThreadPage(ctx, root, p) })
	return func(yield func(Message, error) bool) {
		for m, err := range list {
			if err == nil && (m.Hidden || m.ID == root) { // which older servers and documents have in it
				continue
			}
			if !yield(m, err) {
				return
			}
		}
	}
}

// ThreadRoots lists the roots of a room's threads, the one with the newest reply first (chat.getThreadsList).
func (c *Client) ThreadRoots(ctx context.Context, room string, t Threads) iter.Seq2[Message, error] {
	return walk(messageKey, func(p Paging) (Page[Message], error) {
		t.Paging = p
		return c.ThreadsPage(ctx, room, t)
	})
}

// Deleted lists the ids of messages that were deleted in a room after a time (chat.getDeletedMessages).
func (c *Client) Deleted(ctx context.Context, room string, since time.Time) iter.Seq2[Message, error] {
	return walk(messageKey, func(p Paging) (Page[Message], error) { return c.DeletedPage(ctx, room, since, p) })
}

// RoomMembers lists who is in a room (channels.members, groups.members or im.members). A filter leaves those whose name or
// username holds it.
func (c *Client) RoomMembers(ctx context.Context, kind RoomKind, room, filter string) iter.Seq2[User, error] {
	return walk(func(u User) string { return u.ID }, func(p Paging) (Page[User], error) {
		return c.MembersPage(ctx, kind, room, Members{Paging: p, Filter: filter})
	})
}

func messageKey(m Message) string { return m.ID }

// walk goes through a list by offsets. Rows that move while it is read come once; if the list gets shorter, which moves rows
// to where it has been already, it goes back as far.
func walk[T any](key func(T) string, read func(Paging) (Page[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		seen := make(map[string]bool)
		total := -1
		for at := (Paging{Count: maxPage}); ; {
			page, err := read(at)
			if errors.Is(err, egress.ErrAnswerTooLong) && at.Count > 1 {
				at.Count /= 2
				continue
			}
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			if gone := total - page.Total; page.Total >= 0 && gone > 0 {
				total, at.Offset = page.Total, max(0, at.Offset-gone)
				continue
			}
			total = page.Total
			fresh := 0
			for _, row := range page.Rows {
				if seen[key(row)] {
					continue
				}
				seen[key(row)] = true
				fresh++
				if !yield(row, nil) {
					return
				}
			}
			at.Offset += len(page.Rows)
			if len(page.Rows) == 0 || total >= 0 && at.Offset >= total || total < 0 && fresh == 0 {
				return
			}
		}
	}
}

// RoomHistory lists the messages of a room, the newest first (channels.history, groups.history or im.history), without copies
// that are hidden. It goes back by the time of the messages; paging of h is not used.
func (c *Client) RoomHistory(ctx context.Context, kind RoomKind, room string, h History) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		w := h
		w.Paging = Paging{Count: maxPage}
		seen := make(map[string]bool)
		for {
			page, err := c.HistoryPage(ctx, kind, room, w)
			if errors.Is(err, egress.ErrAnswerTooLong) && w.Count > 1 {
				w.Count /= 2
				continue
			}
			if err != nil {
				yield(Message{}, err)
				return
			}
			fresh := 0
			for _, m := range page.Rows {
				if seen[m.ID] {
					continue
				}
				seen[m.ID] = true
				fresh++
				if !m.Hidden && h.covers(m.Time) && !yield(m, nil) {
					return
				}
			}
			if len(page.Rows) == 0 {
				return
			}
			w.back(page.Rows, fresh > 0)
		}
	}
}

// covers reports whether a time is within the bounds, which the walk takes in itself.
func (h *History) covers(t time.Time) bool {
	return h.Inclusive || h.Oldest.IsZero() || t.After(h.Oldest)
}

// back moves on to the messages before those of a page. If it has brought nothing new, all of it is of one moment.
func (h *History) back(rows []Message, fresh bool) {
	oldest := rows[len(rows)-1].Time
	if fresh && !oldest.IsZero() {
		h.Latest, h.Inclusive, h.Offset = oldest, true, 0
		return
	}
	h.Offset += len(rows)
}

// Updates lists the messages of a room that changed after a time, replies in threads included, the earliest change first
// (chat.syncMessages with a cursor). One that changes meanwhile comes again.
func (c *Client) Updates(ctx context.Context, room string, since time.Time) iter.Seq2[Message, error] {
	type version struct {
		id string
		at int64
	}
	return func(yield func(Message, error) bool) {
		seen := make(map[version]bool)
		for next := max(1, since.UnixMilli()); ; {
			changes, err := c.SyncMessages(ctx, room, Sync{Next: next, Count: maxPage})
			if err != nil {
				yield(Message{}, err)
				return
			}
			fresh := 0
			for _, m := range changes.Updated {
				v := version{m.ID, m.UpdatedAt.UnixMilli()}
				if seen[v] {
					continue
				}
				seen[v] = true
				fresh++
				if !m.Hidden && !yield(m, nil) {
					return
				}
			}
			if changes.Next == 0 || fresh == 0 && changes.Next <= next {
				return
			}
			next = max(next+1, changes.Next-1) // others may have changed within the same millisecond
		}
	}
}
