package cometchat

import (
	"strconv"
	"time"
)

// newest returns the id of the source's newest message, or where it begins if it has none.
func (p *poll) newest() (uint64, error) {
	rows, _, err := p.fetch(Cursor{Affix: Prepend, Limit: 1}, MessageFilter{})
	if err != nil || len(rows) == 0 {
		return p.src.root, err
	}
	return rows[len(rows)-1].id, nil
}

// before returns an id up to which everything was sent before a time, and behind which everything after.
func (p *poll) before(since time.Time) (uint64, error) {
	// "toTimestamp" is ignored without "fromTimestamp", which is the first second there is.
	earlier := MessageFilter{From: time.Unix(1, 0), To: since.Add(-time.Second)}
	rows, _, err := p.fetch(Cursor{Affix: Prepend, Limit: 1}, earlier)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	if last := rows[len(rows)-1]; last.sentAt.Before(since) {
		return last.id, nil
	}
	return p.search(since, rows[len(rows)-1].id)
}

// search is before where the times in the query make no difference: it halves the ids up to high, a message of after since,
// with a call for each of at most 64 steps.
func (p *poll) search(since time.Time, high uint64) (uint64, error) {
	low := uint64(0) // everything up to here is of before
	for high-low > 1 {
		middle := low + (high-low)/2
		rows, _, err := p.fetch(Cursor{Affix: Prepend, ID: strconv.FormatUint(middle+1, 10), Limit: 2}, MessageFilter{})
		if err != nil {
			return 0, err
		}
		for len(rows) > 0 && rows[len(rows)-1].id > middle { // the cursor's own
			rows = rows[:len(rows)-1]
		}
		switch {
		case len(rows) == 0 || rows[len(rows)-1].id <= low || rows[len(rows)-1].sentAt.Before(since):
			low = middle
		default:
			high = rows[len(rows)-1].id
		}
	}
	return low, nil
}
