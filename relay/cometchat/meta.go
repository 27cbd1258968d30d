package cometchat

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// Meta is what a list says of itself. The platform has two styles of it, and mixes them: current and next, or pagination and
// cursor. Nothing of it can be relied on: in nearly every documented example the total is 0, whatever the rows, and the next
// cursor another than the last row's. The iterators go by the rows alone.
type Meta struct {
	// Limit is the page size that the platform went by, and Count how many rows it says that the page has; 0 if not told.
	Limit, Count int
	// Page, TotalPages and Total are those of the page style; 0 if not told.
	Page, TotalPages, Total int
	// Next is where the platform says that the next page begins; nil if it does not.
	Next *Cursor
}

// wireMeta is both styles.
type wireMeta struct {
	Current struct {
		Limit number `json:"limit"`
		Count number `json:"count"`
	} `json:"current"`
	Pagination struct {
		Total       number `json:"total"`
		Count       number `json:"count"`
		PerPage     number `json:"per_page"`
		CurrentPage number `json:"current_page"`
		TotalPages  number `json:"total_pages"`
	} `json:"pagination"`
	Next   *wireCursor `json:"next"`
	Cursor *wireCursor `json:"cursor"`
}

type wireCursor struct {
	Affix  loose            `json:"affix"`
	ID     loose            `json:"id"`
	SentAt lenient[instant] `json:"sentAt"`
}

// readMeta reads what it can of a list's meta.
func readMeta(raw json.RawMessage) Meta {
	var parts map[string]json.RawMessage
	if json.Unmarshal(raw, &parts) != nil {
		return Meta{}
	}
	var w wireMeta
	for name, into := range map[string]any{"current": &w.Current, "pagination": &w.Pagination, "next": &w.Next, "cursor": &w.Cursor} {
		if part := bytes.TrimSpace(parts[name]); len(part) > 0 && part[0] == '{' {
			_ = json.Unmarshal(part, into) // whose fields take anything
		}
	}
	m := Meta{
		Limit: int(w.Current.Limit), Count: int(w.Current.Count),
		Page: int(w.Pagination.CurrentPage), TotalPages: int(w.Pagination.TotalPages), Total: int(w.Pagination.Total),
	}
	if m.Limit == 0 {
		m.Limit, m.Count = int(w.Pagination.PerPage), int(w.Pagination.Count)
	}
	next := w.Next
	if next == nil {
		next = w.Cursor
	}
	if next != nil {
		m.Next = &Cursor{Affix: Affix(next.Affix), ID: string(next.ID), SentAt: next.SentAt.v.Time}
	}
	return m
}

// lenient is a T that is empty when the value is of any other type: an extra, without which the rest still tells enough.
type lenient[T any] struct{ v T }

// UnmarshalJSON reads anything.
func (l *lenient[T]) UnmarshalJSON(b []byte) error {
	var v T
	if json.Unmarshal(b, &v) != nil {
		var zero T
		v = zero
	}
	l.v = v
	return nil
}

// number is a count, as a number or as a string, and 0 when the value is anything else.
type number int

// UnmarshalJSON reads anything.
func (n *number) UnmarshalJSON(b []byte) error {
	var t loose
	_ = t.UnmarshalJSON(b) // which takes anything
	i, err := strconv.ParseInt(string(t), 10, 32)
	if err != nil || i < 0 {
		i = 0
	}
	*n = number(i)
	return nil
}

// flag is true, false, or nil when the value is neither.
type flag struct{ v *bool }

// UnmarshalJSON reads anything.
func (f *flag) UnmarshalJSON(b []byte) error {
	f.v = nil
	switch string(b) {
	case "true", "1", `"1"`, `"true"`:
		f.v = new(true)
	case "false", "0", `"0"`, `"false"`:
		f.v = new(false)
	}
	return nil
}

func timeOf(l lenient[instant]) time.Time { return l.v.Time }
