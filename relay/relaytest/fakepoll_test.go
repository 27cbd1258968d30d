package relaytest

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// CheckSource knows the sources of the fake platform.
func (f *fake) CheckSource(source string) error {
	root, ofThread := strings.CutPrefix(source, "thread/")
	if source == "all" || isConversation(event.ConversationID(source)) || ofThread && isID(root) || f.has("takes any source") && source != "" {
		return nil
	}
	return fmt.Errorf("fake: no source %q", source)
}

// ThreadSource names the source of a thread.
func (f *fake) ThreadSource(t event.ThreadRef) (string, bool) {
	if t.Root == "" && f.has("takes a conversation for a thread") {
		return "thread/0", true
	}
	if f.has("knows no threads") {
		return "", false
	}
	return "thread/" + string(t.Root), t.Root != ""
}

// Poll reads a page of what has happened. Its cursor is the number of the last thing.
func (f *fake) Poll(ctx context.Context, r relay.PollRequest) (relay.Page, error) {
	if f.CheckSource(r.Source) != nil {
		if f.has("polls what is no source") {
			_ = f.ask(ctx, "GET", "/log", nil, nil)
		}
		return relay.Page{}, rejected("poll: no source %q", r.Source)
	}
	page := relay.Page{Next: r.After}
	if r.After == "" {
		last, err := f.before(ctx, r, &page)
		page.Next = strconv.Itoa(last)
		if err != nil || r.Since.IsZero() && !f.has("begins at the beginning") {
			return page, err
		}
	}
	after, err := strconv.Atoi(page.Next)
	if err != nil && !f.has("takes any cursor") {
		return relay.Page{}, rejected("poll %s: cursor: %w", r.Source, err)
	}
	if f.has("begins at the beginning") && r.After == "" || f.has("reads all again") {
		after = 0
	}
	err = f.follow(ctx, r, after, &page)
	if f.has("does not count its calls") {
		page.Calls = 1
	}
	return page, err
}

// before returns the number of the last thing before a poll's time.
func (f *fake) before(ctx context.Context, r relay.PollRequest, page *relay.Page) (int, error) {
	since := r.Since
	switch {
	case since.IsZero():
		since = time.Now().Add(time.Hour)
	case f.has("begins too late"):
		since = time.Now()
	case f.has("begins too early"):
		since = time.Unix(1, 0)
	}
	var first rows[happened]
	page.Calls++
	err := f.ask(ctx, "GET", "/log?"+url.Values{"source": {r.Source}, "before": {strconv.FormatInt(since.Unix(), 10)}}.Encode(), nil, &first)
	if err != nil {
		return 0, f.fail("poll", r.Source, err)
	}
	return first.Limit, nil
}

// follow reads the page behind a number.
func (f *fake) follow(ctx context.Context, r relay.PollRequest, after int, page *relay.Page) error {
	var got rows[happened]
	page.Calls++
	limit := 100
	if f.has("reads by twos") {
		limit = 2
	}
	from := after
	if f.has("repeats under other ids") {
		from--
	}
	q := url.Values{"source": {r.Source}, "after": {strconv.Itoa(from)}, "limit": {strconv.Itoa(limit)}}
	if err := f.ask(ctx, "GET", "/log?"+q.Encode(), nil, &got); err != nil {
		if f.has("takes an error for the end") {
			return nil
		}
		if f.has("skips what it cannot read") {
			page.Next, page.More = strconv.Itoa(after+2), true
			return nil
		}
		return f.fail("poll", r.Source, err)
	}
	if !f.has("trusts the order") {
		slices.SortFunc(got.Rows, func(a, b happened) int { return cmp.Compare(a.Seq, b.Seq) })
	}
	for _, h := range got.Rows {
		known := h.Seq <= from && !f.has("reads all again")
		if known || f.has("sees roots only") && h.Message.Parent != 0 || f.has("sees no edits") && h.Type == "edited" {
			continue
		}
		page.Events = append(page.Events, f.event(h, "poll"))
		page.Next = strconv.Itoa(h.Seq)
	}
	page.More = len(got.Rows) == got.Limit && got.Limit > 0
	f.spoilPage(page, r, after)
	return nil
}

// spoilPage breaks what is to be broken of a page.
func (f *fake) spoilPage(page *relay.Page, r relay.PollRequest, after int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count++
	n := len(page.Events)
	switch {
	case f.has("stops after a page"):
		page.More = false
	case f.has("loses the last of a page") && page.More:
		page.Events = page.Events[:n-1]
	case f.has("goes round in circles") && n == 0:
		page.Next, page.More = strconv.Itoa(f.count%2), true
	case f.has("turns pages round"), f.has("turns its first page round") && f.count == 1:
		slices.Reverse(page.Events)
	case f.has("moves the cursor too far") && n > 0:
		next, _ := strconv.Atoi(page.Next)
		page.Next = strconv.Itoa(next + 1)
	case f.has("remembers in itself") && after > 0:
		if f.count == 1 && n > 1 { // a fresh process believes that it has told the first
			page.Events = page.Events[1:]
		}
	case f.has("gives ids by the page"), f.has("repeats under other ids"):
		for i := range page.Events {
			page.Events[i].ID += event.ID(strconv.Itoa(f.count))
		}
	case f.has("mixes up sources that are polled together"):
		if f.places == nil {
			f.places = map[event.MessageID]event.ThreadRef{}
		}
		f.places[event.MessageID(r.Source)] = event.ThreadRef{}
		if len(f.places) > 1 && n > 0 {
			page.Events = page.Events[1:]
		}
	}
}

// Thread reads a thread.
func (f *fake) Thread(ctx context.Context, t event.ThreadRef, p relay.PageRequest) (relay.History, error) {
	return f.read(ctx, "thread", string(t.Root), url.Values{"root": {string(t.Root)}}, p)
}

// Conversation reads a conversation.
func (f *fake) Conversation(ctx context.Context, t event.ThreadRef, p relay.PageRequest) (relay.History, error) {
	return f.read(ctx, "conversation", string(t.Conversation), url.Values{"in": {string(t.Conversation)}}, p)
}

func (f *fake) read(ctx context.Context, call, name string, q url.Values, p relay.PageRequest) (relay.History, error) {
	limit := p.Limit
	if limit <= 0 || f.has("reads more than is wanted") {
		limit = 50
	}
	q.Set("limit", strconv.Itoa(limit))
	q.Set("cursor", p.Cursor)
	if !p.OldestFirst {
		q.Set("back", "1")
	}
	var got rows[message]
	if err := f.ask(ctx, "GET", "/messages?"+q.Encode(), nil, &got); err != nil {
		if f.has("reads nothing of what is gone") {
			return relay.History{}, nil
		}
		return relay.History{}, f.fail(call, name, err)
	}
	slices.SortFunc(got.Rows, func(a, b message) int {
		if p.OldestFirst {
			return cmp.Compare(a.ID, b.ID)
		}
		return cmp.Compare(b.ID, a.ID)
	})
	var h relay.History
	for _, m := range got.Rows {
		if m.Deleted && !f.has("reads what was deleted") || m.Parent == 0 && f.has("leaves the root out") || m.Parent != 0 && f.has("leaves replies out") {
			continue
		}
		said := relay.Said{Message: *f.message(m), Thread: m.thread(), Time: time.Unix(m.SentAt, 0).UTC()}
		if m.Edits > 0 && !f.has("forgets when it was edited") {
			said.Edited = time.Unix(m.EditedAt, 0).UTC()
		}
		h.Messages = append(h.Messages, said)
	}
	if f.has("turns history round") {
		slices.Reverse(h.Messages)
	}
	if n := len(got.Rows); n > 0 && n == got.Limit {
		h.Next = strconv.Itoa(got.Rows[n-1].ID)
		if f.has("reads the same page for ever") {
			h.Next = p.Cursor + ""
		}
		if f.has("reads one page") {
			h.Next = ""
		}
	}
	if f.has("reads the same page for ever") && len(got.Rows) > 0 {
		h.Next = "0"
	}
	return h, nil
}

// User looks a user up.
func (f *fake) User(ctx context.Context, id event.UserID) (event.User, error) {
	var u struct{ Name string }
	if err := f.ask(ctx, "GET", "/users/"+url.PathEscape(string(id)), nil, &u); err != nil {
		if f.has("makes users up") {
			return event.User{ID: id}, nil
		}
		return event.User{}, f.fail("user", string(id), err)
	}
	if f.has("forgets names") {
		u.Name = ""
	}
	return event.User{ID: id, Name: u.Name}, nil
}
