package rocketchat

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"time"
)

// ThreadPage returns a page of the replies to a message, without that itself (chat.getThreadMessages). Unless a sort is given
// they are in the order of their time. Older servers put in copies that are [Message.Hidden].
func (c *Client) ThreadPage(ctx context.Context, root string, p Paging) (Page[Message], error) {
	return c.messages(ctx, "chat.getThreadMessages", p.values(url.Values{"tmid": {root}}))
}

// Threads says which threads of a room are wanted.
type Threads struct {
	Paging
	// Type is "following" or "unread"; empty for all.
	Type string
	// Text is what the root has to say somewhere.
	Text string
}

// ThreadsPage returns a page of the roots of a room's threads (chat.getThreadsList), the one with the newest reply first.
func (c *Client) ThreadsPage(ctx context.Context, room string, t Threads) (Page[Message], error) {
	q := t.values(url.Values{"rid": {room}})
	setText(q, "type", t.Type)
	setText(q, "text", t.Text)
	var a struct {
		paged
		Threads listOf[Message] `json:"threads"`
	}
	err := c.get(ctx, "chat.getThreadsList", q, &a)
	return pageOf(a.Threads.v, a.paged), err
}

// DeletedPage returns a page of the ids of messages that were deleted in a room (chat.getDeletedMessages), without those that
// left a tombstone.
func (c *Client) DeletedPage(ctx context.Context, room string, since time.Time, p Paging) (Page[Message], error) {
	return c.messages(ctx, "chat.getDeletedMessages", p.values(url.Values{"roomId": {room}, "since": {formatTime(since)}}))
}

// messages reads a list of messages. One that cannot be read is left out.
func (c *Client) messages(ctx context.Context, route string, q url.Values) (Page[Message], error) {
	var a struct {
		paged
		Messages listOf[Message] `json:"messages"`
	}
	err := c.get(ctx, route, q, &a)
	return pageOf(a.Messages.v, a.paged), err
}

// Changes are what has changed since a time.
type Changes struct {
	// Updated are messages that are there, and Deleted those that are not any more. Of these the room's list has the id and
	// the time alone.
	Updated, Deleted []Message
	// Next is the cursor of the next page; 0 if there is none, or if no page was asked for.
	Next int64
}

// SyncThread returns what has changed in a thread after a time (chat.syncThreadMessages), all at once. It may hold copies that
// are [Message.Hidden].
func (c *Client) SyncThread(ctx context.Context, root string, since time.Time) (Changes, error) {
	var a struct {
		Messages struct {
			Update listOf[Message] `json:"update"`
			Remove listOf[Message] `json:"remove"`
		} `json:"messages"`
	}
	err := c.get(ctx, "chat.syncThreadMessages", url.Values{"tmid": {root}, "updatedSince": {formatTime(since)}}, &a)
	return Changes{Updated: a.Messages.Update.v, Deleted: a.Messages.Remove.v}, err
}

// Sync says which changes of a room are wanted: all since a time, or a page of one type behind or before a cursor.
type Sync struct {
	// Since asks for all changes after a time, the newest message first.
	Since time.Time
	// Next asks for a page of what changed after a cursor, in milliseconds since 1970, the earliest change first; messages that
	// changed within the millisecond of a page's last one may be missing from the next page. Deleted has it be of deletions
	// instead of updates. Count is how many are wanted; 0 is the server's choice of 20.
	Next    int64
	Deleted bool
	Count   int
	// Previous asks for a page of what changed before a time in milliseconds since 1970, the latest change first.
	Previous int64
}

// SyncMessages returns what has changed in a room, replies in threads included (chat.syncMessages).
func (c *Client) SyncMessages(ctx context.Context, room string, s Sync) (Changes, error) {
	q := url.Values{"roomId": {room}}
	switch {
	case !s.Since.IsZero() && (s.Next != 0 || s.Previous != 0), s.Next != 0 && s.Previous != 0:
		return Changes{}, errors.New("chat.syncMessages: want a time or a cursor, not both")
	case !s.Since.IsZero():
		q.Set("lastUpdate", formatTime(s.Since))
	case s.Next <= 0 && s.Previous <= 0:
		return Changes{}, errors.New("chat.syncMessages: want a time or a cursor")
	default:
		if s.Next > 0 {
			q.Set("next", strconv.FormatInt(s.Next, 10))
		} else {
			q.Set("previous", strconv.FormatInt(s.Previous, 10))
		}
		q.Set("type", "UPDATED")
		if s.Deleted {
			q.Set("type", "DELETED")
		}
		if s.Count > 0 {
			q.Set("count", strconv.Itoa(s.Count))
		}
	}
	var a struct {
		Result struct {
			Updated listOf[Message] `json:"updated"`
			Deleted listOf[Message] `json:"deleted"`
			Cursor  struct {
				Next instant `json:"next"`
			} `json:"cursor"`
		} `json:"result"`
	}
	err := c.get(ctx, "chat.syncMessages", q, &a)
	changes := Changes{Updated: a.Result.Updated.v, Deleted: a.Result.Deleted.v}
	if next := a.Result.Cursor.Next; !next.IsZero() {
		changes.Next = next.UnixMilli()
	}
	return changes, err
}

// History says which messages of a room are wanted.
type History struct {
	Paging
	// Latest and Oldest bound the time of the messages; zero does not. Inclusive takes in those of just these times.
	Latest, Oldest time.Time
	Inclusive      bool
	// NoThreads leaves out replies in threads that are not shown in the room as well.
	NoThreads bool
}

// HistoryPage returns messages of a room, the newest first (channels.history, groups.history or im.history, by the kind of the
// room). The page's total is not known.
func (c *Client) HistoryPage(ctx context.Context, kind RoomKind, room string, h History) (Page[Message], error) {
	family, err := kind.family()
	if err != nil {
		return Page[Message]{}, err
	}
	q := h.values(url.Values{"roomId": {room}})
	if !h.Latest.IsZero() {
		q.Set("latest", formatTime(h.Latest))
	}
	if !h.Oldest.IsZero() {
		q.Set("oldest", formatTime(h.Oldest))
	}
	if h.Inclusive {
		q.Set("inclusive", "true")
	}
	if h.NoThreads {
		q.Set("showThreadMessages", "false")
	}
	return c.messages(ctx, family+".history", q)
}

func setText(q url.Values, key, value string) {
	if value != "" {
		q.Set(key, value)
	}
}
