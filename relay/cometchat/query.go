package cometchat

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// query collects the parameters of a call. What is empty is left out, so that the platform's default holds.
type query url.Values

func (q query) text(name, value string) {
	if value != "" {
		url.Values(q).Set(name, value)
	}
}

// flag sets a parameter that may be true, false or left out.
func (q query) flag(name string, value *bool) {
	if value != nil {
		q.text(name, strconv.FormatBool(*value))
	}
}

// list joins with commas, as the documents do for tags and categories, and the vendor's own client for all the rest.
func (q query) list(name string, values []string) { q.text(name, strings.Join(values, ",")) }

func (q query) count(name string, n int) {
	if n > 0 {
		q.text(name, strconv.Itoa(n))
	}
}

// time sets a time in unix seconds.
func (q query) time(name string, t time.Time) {
	if !t.IsZero() {
		q.text(name, strconv.FormatInt(t.Unix(), 10))
	}
}

// Affix says to which side of a cursor a page lies.
type Affix string

// The sides of a cursor.
const (
	// Append is what came after the cursor.
	Append Affix = "append"
	// Prepend is what was before it; without a cursor, the newest.
	Prepend Affix = "prepend"
)

// Cursor is where a page of messages begins. Ids are the safe cursor: times have the grain of a second.
type Cursor struct {
	// Affix is the platform's choice if empty.
	Affix Affix
	// ID is a message's id, itself not part of the page.
	ID string
	// SentAt is another form of it, documented for GET /messages alone.
	SentAt time.Time
	// Limit is the number of rows, 1 to 1,000; 0 is the platform's default, 10 or 100 by the age of the document.
	Limit int
}

func (c Cursor) set(q query) {
	q.text("affix", string(c.Affix))
	q.text("id", c.ID)
	q.time("sentAt", c.SentAt)
	q.count("limit", c.Limit)
}
