package cometchat

import (
	"context"
	"errors"
	"iter"

	"github.com/threadrelay/threadrelay/relay/egress"
)

// Reactions lists the reactions to a message until a page brings nothing new (GET /messages/{id}/reactions), in no promised
// order and each once. After an error the iteration ends.
func (c *Client) Reactions(ctx context.Context, message string, o ReactionOptions) iter.Seq2[Reaction, error] {
	if o.Limit == 0 {
		o.Limit = pageSize
	}
	key := func(r Reaction) string { return r.ID + "/" + r.UID + "/" + r.Reaction }
	return func(yield func(Reaction, error) bool) {
		o := o
		seen := make(map[string]bool)
		for {
			page, err := c.ListReactions(ctx, message, o)
			if err != nil {
				yield(Reaction{}, err)
				return
			}
			if !yieldNew(page.Rows, key, seen, yield) {
				return
			}
			o.Affix, o.ID = Append, highestID(page.Rows)
			if o.ID == "" {
				return
			}
		}
	}
}

// highestID returns the highest id of the reactions, which are numbered as messages are.
func highestID(rows []Reaction) string {
	var last string
	for _, r := range rows {
		if id, err := messageID(text(r.ID)); err == nil && compareIDs(id, last) > 0 {
			last = id
		}
	}
	return last
}

// Conversations lists a user's conversations, or in the app's name those of all users (GET /conversations), until a page
// brings nothing new. Each comes once per iteration. The list moves when something is said while it is read: what moves
// from a later to an earlier page is missed.
func (c *Client) Conversations(ctx context.Context, o ConversationOptions) iter.Seq2[Conversation, error] {
	return pages(o.Paging, func(v Conversation) string { return v.ID }, func(p Paging) (Page[Conversation], error) {
		o.Paging = p
		return c.ListConversations(ctx, o)
	})
}

// Users lists users (GET /users) until a page brings nothing new. Each comes once.
func (c *Client) Users(ctx context.Context, o UserOptions) iter.Seq2[User, error] {
	return pages(o.Paging, func(v User) string { return v.UID }, func(p Paging) (Page[User], error) {
		o.Paging = p
		return c.ListUsers(ctx, o)
	})
}

// Groups lists groups (GET /groups) until a page brings nothing new. Each comes once.
func (c *Client) Groups(ctx context.Context, o GroupOptions) iter.Seq2[Group, error] {
	return pages(o.Paging, func(v Group) string { return v.GUID }, func(p Paging) (Page[Group], error) {
		o.Paging = p
		return c.ListGroups(ctx, o)
	})
}

// Members lists the members of a group (GET /groups/{guid}/members) until a page brings nothing new. Each comes once.
func (c *Client) Members(ctx context.Context, guid string, o MemberOptions) iter.Seq2[Member, error] {
	return pages(o.Paging, func(v Member) string { return v.UID }, func(p Paging) (Page[Member], error) {
		o.Paging = p
		return c.ListMembers(ctx, guid, o)
	})
}

// pages goes from page to page by number. It remembers the keys of what it has seen, some 50 bytes a row.
func pages[T any](at Paging, key func(T) string, page func(Paging) (Page[T], error)) iter.Seq2[T, error] {
	at.Page = max(at.Page, 1)
	if at.PerPage == 0 {
		at.PerPage = pageSize
	}
	return func(yield func(T, error) bool) {
		at := at
		seen := make(map[string]bool)
		read := (at.Page - 1) * at.PerPage // the rows behind us
		for {
			p, err := page(at)
			if errors.Is(err, egress.ErrAnswerTooLong) && at.PerPage > 1 {
				at.PerPage /= 2
				at.Page = read/at.PerPage + 1 // some of its rows may be known
				continue
			}
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			if !yieldNew(p.Rows, key, seen, yield) {
				return
			}
			read = at.Page * at.PerPage
			at.Page++
		}
	}
}

// yieldNew yields the rows that were not seen before. It returns false if there was none, or nobody wants more.
func yieldNew[T any](rows []T, key func(T) string, seen map[string]bool, yield func(T, error) bool) bool {
	news := false
	for _, row := range rows {
		k := key(row)
		if seen[k] {
			continue
		}
		seen[k], news = true, true
		if !yield(row, nil) {
			return false
		}
	}
	return news
}
