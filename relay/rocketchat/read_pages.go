package rocketchat

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"

	"github.com/threadrelay/threadrelay/relay"
)

// MessagesPage returns a page of the messages of a room, with replies in threads and without hidden copies
// (channels.messages, groups.messages or im.messages, by the kind of the room). Without a sort the newest come first.
func (c *Client) MessagesPage(ctx context.Context, kind RoomKind, room string, p Paging) (Page[Message], error) {
	family, err := kind.family()
	if err != nil {
		return Page[Message]{}, err
	}
	return c.messages(ctx, family+".messages", p.values(url.Values{"roomId": {room}}))
}

// rootCursor is the cursor of the page that holds a thread's root alone.
const rootCursor = "root"

// place is where a page of history is. The platform's lists are read by offsets, which count from the first message in both
// directions: so what is said meanwhile shifts nothing.
type place struct {
	limit       int
	oldestFirst bool
	// start is set for the first page. Otherwise index is how many messages lie before the page, or with the newest first, how
	// many lie before its end.
	start bool
	index int
	// root: nothing but the root is left.
	root bool
}

// readAt reads where a page is.
func readAt(p relay.PageRequest) (place, error) {
	at := place{limit: historySize, oldestFirst: p.OldestFirst, start: p.Cursor == "", root: p.Cursor == rootCursor && !p.OldestFirst}
	if p.Limit > 0 {
		at.limit = min(p.Limit, maxPage)
	}
	if at.start || at.root {
		return at, nil
	}
	n, err := strconv.Atoi(p.Cursor)
	if err != nil || n < 0 {
		return place{}, errors.New("the cursor is not one of ours")
	}
	at.index = n
	return at, nil
}

// read reads the messages of the page with list, and returns the cursor of the next one.
func (at place) read(list func(Paging) (Page[Message], error)) (rows []Message, next string, err error) {
	switch {
	case at.oldestFirst:
		return at.forward(list)
	case at.start:
		return at.end(list)
	}
	return at.back(list)
}

// forward reads on from the index.
func (at place) forward(list func(Paging) (Page[Message], error)) ([]Message, string, error) {
	page, err := list(Paging{Offset: at.index, Count: at.limit, Sort: Sort{Field: "ts"}})
	n := len(page.Rows)
	if err != nil || n == 0 {
		return nil, "", err
	}
	if page.Total < 0 && n < at.limit || page.Total >= 0 && at.index+n >= page.Total {
		return page.Rows, "", nil
	}
	return page.Rows, strconv.Itoa(at.index + n), nil
}

// end reads the newest messages.
func (at place) end(list func(Paging) (Page[Message], error)) ([]Message, string, error) {
	page, err := list(Paging{Count: at.limit, Sort: Sort{Field: "ts", Descending: true}})
	if err != nil {
		return nil, "", err
	}
	if page.Total < 0 {
		return nil, "", errors.New("the answer does not tell how many messages there are")
	}
	return page.Rows, before(page.Total - len(page.Rows)), nil
}

// back reads the messages before the index. A server that gives fewer than it is asked for is asked for those again that lie
// just before it.
func (at place) back(list func(Paging) (Page[Message], error)) ([]Message, string, error) {
	count := min(at.limit, at.index)
	for count > 0 {
		offset := at.index - count
		page, err := list(Paging{Offset: offset, Count: count, Sort: Sort{Field: "ts"}})
		if err != nil {
			return nil, "", err
		}
		n := len(page.Rows)
		if n > 0 && n < count && offset+n < page.Total {
			count = n
			continue
		}
		slices.Reverse(page.Rows)
		return page.Rows, before(offset), nil
	}
	return nil, "", nil
}

// before returns the cursor of the page before an index; empty if nothing is there.
func before(index int) string {
	if index <= 0 {
		return ""
	}
	return strconv.Itoa(index)
}
