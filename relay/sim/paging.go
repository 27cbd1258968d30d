package sim

import (
	"net/url"
	"strconv"
	"strings"
)

const (
	affixAppend  = "append"  // after the cursor
	affixPrepend = "prepend" // before the cursor

	defaultLimit   = 10 // of message lists (CometChat: chat-apis, 2026)
	defaultPerPage = 100
	maxLimit       = 1000
)

// cursorMeta is the meta of GET /messages, of group messages, threads and reactions.
type cursorMeta struct {
	Current current `json:"current"`
	Next    *next   `json:"next,omitempty"`
}

type current struct {
	Limit int `json:"limit"`
	Count int `json:"count"`
}

type next struct {
	Affix  string `json:"affix"`
	SentAt int64  `json:"sentAt,omitempty"`
	ID     string `json:"id"`
}

// pageMeta is the meta of user messages, conversations, users, groups and members; its cursor holds a numeric id.
type pageMeta struct {
	Pagination pagination     `json:"pagination"`
	Cursor     map[string]any `json:"cursor,omitempty"`
}

type pagination struct {
	Total       int `json:"total"` // 0 in nearly every documented example, whatever the count
	Count       int `json:"count"`
	PerPage     int `json:"per_page"`
	CurrentPage int `json:"current_page"`
	TotalPages  int `json:"total_pages"`
}

func newPagination(count int, l listing, all int) pagination {
	return pagination{Count: count, PerPage: l.size, CurrentPage: l.number, TotalPages: max(1, (all+l.size-1)/l.size)}
}

// listing is the paging part of a list request.
type listing struct {
	size   int
	number int // page number, from 1
	affix  string
	id     int64 // cursor; 0 is none
	sentAt int64 // cursor in seconds, used without id; 0 is none
	count  bool  // unread messages are to be counted instead
	filter filter
}

// parseListing reads a query over defaults. Sizes above the cap are capped.
func parseListing(q url.Values, l listing) (listing, error) {
	var err error
	for _, name := range []string{"per_page", "perPage", "limit"} {
		if l.size, err = positive(q, name, l.size); err != nil {
			return l, err
		}
	}
	l.size = min(l.size, maxLimit)
	if l.number, err = positive(q, "page", 1); err != nil {
		return l, err
	}
	const farPage = 1 << 20 // keeps the product of page and size far from overflow
	l.number = min(l.number, farPage)
	id, err := positive(q, "id", 0)
	if err != nil {
		return l, err
	}
	sentAt, err := positive(q, "sentAt", 0)
	if err != nil {
		return l, err
	}
	l.id, l.sentAt, l.count = int64(id), int64(sentAt), truth(q, "count")
	switch affix := q.Get("affix"); affix {
	case "":
	case affixAppend, affixPrepend:
		l.affix = affix
	default:
		return l, badField("affix", "The selected affix is invalid.")
	}
	l.filter, err = parseFilter(q)
	return l, err
}

// positive reads a whole number of 1 or more; 0 stands for "from the start" where no number is the default.
func positive(q url.Values, name string, otherwise int) (int, error) {
	text := q.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n == 0 && otherwise != 0 {
		return 0, badField(name, "The %s must be a whole number of at least 1.", name)
	}
	return n, nil
}

// truth reads a boolean.
func truth(q url.Values, name string) bool { return q.Get(name) == "true" || q.Get(name) == "1" }

// csv reads a list that may come comma-joined, repeated, or with brackets in its name.
func csv(q url.Values, names ...string) []string {
	var out []string
	for _, name := range names {
		for _, value := range append(q[name], q[name+"[]"]...) {
			for part := range strings.SplitSeq(value, ",") {
				if part = strings.TrimSpace(part); part != "" {
					out = append(out, part)
				}
			}
		}
	}
	return out
}

// pageOf cuts one page out of rows by page number.
func pageOf[T any](rows []T, l listing) []T {
	from := min(len(rows), (l.number-1)*l.size)
	return rows[from:min(len(rows), from+l.size)]
}

// edge is the message from which the next page goes on; nil for an empty page. The rows are in id order.
func (l listing) edge(rows []*message) *message {
	switch {
	case len(rows) == 0:
		return nil
	case l.affix == affixPrepend:
		return rows[0]
	}
	return rows[len(rows)-1]
}
