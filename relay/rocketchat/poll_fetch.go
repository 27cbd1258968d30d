package rocketchat

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/relay/egress"
)

const (
	// syncCount is how many changes a page is asked for, and mostCount how many if that does not suffice: where more of them
	// than that have the same time, they were made by one operation on the database, and are no news.
	syncCount = 100
	mostCount = 5000
)

// syncRow is a change that a poll has read: a document that is there, or a deletion.
type syncRow struct {
	m    Message
	at   int64 // when it changed, in ms
	gone bool
}

// key tells a change apart from others within the overlap.
func (r syncRow) key() string {
	kind := "u"
	if r.gone {
		kind = "d"
	}
	return digest(kind, r.m.ID, strconv.FormatInt(r.at, 10))
}

// rowsOf returns changes in the order of their times.
func rowsOf(ch Changes) []syncRow {
	rows := make([]syncRow, 0, len(ch.Updated)+len(ch.Deleted))
	for _, m := range ch.Updated {
		at := m.UpdatedAt
		if at.IsZero() {
			at = m.Time
		}
		rows = append(rows, syncRow{m: m, at: millis(at)})
	}
	for _, m := range ch.Deleted {
		rows = append(rows, syncRow{m: m, at: millis(m.DeletedAt), gone: true})
	}
	slices.SortStableFunc(rows, syncRow.order)
	return rows
}

// order sorts changes by their times.
func (r syncRow) order(other syncRow) int {
	return cmp.Or(cmp.Compare(r.at, other.at), cmp.Compare(millis(r.m.Time), millis(other.m.Time)), strings.Compare(r.m.ID, other.m.ID))
}

// sync asks for changes of the room.
func (p *poll) sync(s Sync) (Changes, error) {
	p.page.Calls++
	return p.c.client.SyncMessages(p.ctx, p.room.ID, s)
}

// fetch reads the changes behind the cursor, and up to which time these are all.
func (p *poll) fetch() ([]syncRow, int64, error) {
	if p.src.root != "" {
		return p.thread()
	}
	if p.at.near(p.now) {
		ch, err := p.sync(Sync{Since: time.UnixMilli(max(1, p.at.since(p.theirs)))})
		if !errors.Is(err, egress.ErrAnswerTooLong) {
			return all(rowsOf(ch), err)
		}
	}
	p.at.floor, p.at.paged = p.at.since(p.theirs), true
	for count := syncCount; ; count *= 2 {
		half, err := p.paged(count)
		switch {
		case err != nil:
			return nil, 0, err
		case half.last == math.MaxInt64:
			p.at.paged = false
			return all(half.rows, nil)
		case half.last > p.at.floor || len(half.rows) == 0: // or the server repeats itself
			return half.upTo(half.last), half.last, nil
		case count >= mostCount:
			last := half.rows[0].at
			return half.upTo(last), last, nil
		}
	}
}

// all returns changes that are all there are.
func all(rows []syncRow, err error) ([]syncRow, int64, error) {
	if err != nil || len(rows) == 0 {
		return nil, 0, err
	}
	return rows, rows[len(rows)-1].at, nil
}

// thread reads the changes of a thread, of which there are no pages.
func (p *poll) thread() ([]syncRow, int64, error) {
	p.page.Calls++
	return all(withRows(p.c.client.SyncThread(p.ctx, p.src.root, time.UnixMilli(max(1, p.at.since(p.theirs))))))
}

func withRows(ch Changes, err error) ([]syncRow, error) { return rowsOf(ch), err }

// syncPage is part of the changes of a room. Up to last it has all of them, and MaxInt64 means to the end.
type syncPage struct {
	rows []syncRow
	last int64
}

// upTo returns the changes up to a time.
func (s syncPage) upTo(last int64) []syncRow {
	return slices.DeleteFunc(s.rows, func(r syncRow) bool { return r.at > last })
}

// paged reads one page of updates and one of deletions behind the floor. Of the changes within a page's last millisecond some
// may be on the next page, which would leave them out: so the page reaches to the one before.
func (p *poll) paged(count int) (syncPage, error) {
	both := syncPage{last: math.MaxInt64}
	for _, deleted := range []bool{false, true} {
		ch, err := p.half(Sync{Next: max(1, p.at.floor), Count: count, Deleted: deleted})
		if err != nil {
			return syncPage{}, err
		}
		rows := slices.DeleteFunc(rowsOf(ch), func(r syncRow) bool { return r.at <= p.at.floor })
		both.rows = append(both.rows, rows...)
		switch {
		case ch.Next == 0:
		case len(rows) == 0:
			both.last = min(both.last, p.at.floor)
		default:
			both.last = min(both.last, rows[len(rows)-1].at-1)
		}
	}
	slices.SortStableFunc(both.rows, syncRow.order)
	return both, nil
}

// half reads a page of one type, with fewer rows if they are too long.
func (p *poll) half(s Sync) (Changes, error) {
	for {
		ch, err := p.sync(s)
		if !errors.Is(err, egress.ErrAnswerTooLong) || s.Count <= 1 {
			return ch, err
		}
		s.Count /= 2
	}
}

// newest reads the latest changes: those of the overlap at least, unless there are very many.
func (p *poll) newest() ([]syncRow, error) {
	if p.src.root != "" {
		return p.newestReplies()
	}
	var all Changes
	for _, deleted := range []bool{false, true} {
		ch, err := p.half(Sync{Previous: lastMilli, Count: syncCount, Deleted: deleted})
		if err != nil {
			return nil, err
		}
		all.Updated, all.Deleted = append(all.Updated, ch.Updated...), append(all.Deleted, ch.Deleted...)
	}
	return rowsOf(all), nil
}

// newestReplies reads the replies that were sent last.
func (p *poll) newestReplies() ([]syncRow, error) {
	p.page.Calls++
	page, err := p.c.client.ThreadPage(p.ctx, p.src.root, Paging{Count: syncCount, Sort: Sort{Field: "ts", Descending: true}})
	return rowsOf(Changes{Updated: page.Rows}), err
}
