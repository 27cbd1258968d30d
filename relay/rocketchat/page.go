package rocketchat

import (
	"net/url"
	"strconv"
)

// maxPage is how many rows a page has at most: the server's default of the setting API_Upper_Count_Limit. It gives fewer
// without saying so if that is set lower.
const maxPage = 100

// Paging asks for part of a list. The zero value leaves all to the server: the first 50 rows.
type Paging struct {
	Offset int
	// Count is how many rows are wanted, at most 100; more are cut down to that. 0 is the server's choice.
	Count int
	// Sort is how the rows are to be ordered; empty for the endpoint's own order.
	Sort Sort
}

// Sort is an order by one field.
type Sort struct {
	Field      string
	Descending bool
}

// Page is part of a list.
type Page[T any] struct {
	Rows []T
	// Offset is where the page begins, and Total how many rows the list had. Total is -1 if the endpoint does not tell.
	Offset, Total int
}

// values adds what is asked for to a query.
func (p Paging) values(q url.Values) url.Values {
	if p.Offset > 0 {
		q.Set("offset", strconv.Itoa(p.Offset))
	}
	if p.Count > 0 {
		q.Set("count", strconv.Itoa(min(p.Count, maxPage)))
	}
	if p.Sort.Field != "" {
		direction := "1"
		if p.Sort.Descending {
			direction = "-1"
		}
		q.Set("sort", "{"+strconv.Quote(p.Sort.Field)+":"+direction+"}")
	}
	return q
}

// paged is what a paged answer says of itself.
type paged struct {
	Offset lenient[int]  `json:"offset"`
	Total  lenient[*int] `json:"total"`
}

func pageOf[T any](rows []T, p paged) Page[T] {
	page := Page[T]{Rows: rows, Offset: max(0, p.Offset.v), Total: -1}
	if p.Total.v != nil {
		page.Total = *p.Total.v
	}
	return page
}
