package cometchat

import (
	"context"
	"errors"
	"iter"
	"slices"
)

// maxThreadPages bounds the pages of a thread that are asked for by number.
const maxThreadPages = 10_000

// Thread lists the replies to a message, in the way of [Client.Messages].
//
// That the list takes a cursor is shown by its answer and by the vendor's own client, and not said in the document, which has
// numbered pages. So where a cursor is found to make no difference, Thread goes forward by page number; back it cannot go
// then, and says so.
func (c *Client) Thread(ctx context.Context, root string, o ThreadOptions) iter.Seq2[Message, error] {
	if o.Affix == Append && o.ID == "" {
		o.ID = root // every reply has a higher id
	}
	return func(yield func(Message, error) bool) {
		t := threadWalk{page: func(o ThreadOptions) (Page[Message], error) { return c.ListThread(ctx, root, o) }, start: o.ID}
		walk(o.Cursor, t.next)(yield)
	}
}

// threadWalk asks for the pages of a thread.
type threadWalk struct {
	page  func(ThreadOptions) (Page[Message], error)
	start string // the cursor of the first page
	// number is the last page that was asked for by number, and size the size of those; 0 while the cursor works.
	number, size int
}

// next returns a page that brings something new, or the last there is.
func (t *threadWalk) next(at Cursor) (Page[Message], error) {
	if t.number == 0 {
		p, err := t.page(ThreadOptions{Cursor: at, PerPage: at.Limit})
		if err != nil || at.ID == t.start || !at.ignored(p.Rows) {
			return p, err
		}
		if at.Affix == Prepend {
			return Page[Message]{}, errors.New("cometchat: the thread's list takes no cursor: it can be read forward alone")
		}
	}
	if t.size != at.Limit {
		t.number, t.size = 0, at.Limit
	}
	for t.number < maxThreadPages {
		t.number++
		p, err := t.page(ThreadOptions{PerPage: t.size, Page: t.number})
		if err != nil || len(p.Rows) == 0 || at.brings(p.Rows) {
			return p, err
		}
	}
	return Page[Message]{}, errors.New("cometchat: the thread's list does not end")
}

// ignored reports whether rows show that the cursor made no difference: none lies beyond it, and one lies well on this side.
func (c Cursor) ignored(rows []Message) bool {
	return !c.brings(rows) && slices.ContainsFunc(rows, func(m Message) bool { return compareIDs(m.ID, c.ID) != 0 })
}
