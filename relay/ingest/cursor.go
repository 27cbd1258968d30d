package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// bookmark says how far a source has been read.
type bookmark struct {
	Version int `json:"v"`
	// After is the cursor behind the last page whose events are stored; empty before the first.
	After string `json:"after,omitempty"`
	// Since is where the first page starts, and Began when the source was first known.
	Since time.Time `json:"since"`
	Began time.Time `json:"began"`
	// Found is when a page with events was last stored.
	Found time.Time `json:"found,omitzero"`

	// again is set if it was made by an earlier process, or session, since when something may have happened.
	again bool
}

// bookmarkVersion is the version of the bookmark's JSON form.
const bookmarkVersion = 1

// newBookmark is that of a source that was never read.
func newBookmark(now time.Time, backfill time.Duration) bookmark {
	return bookmark{Version: bookmarkVersion, Since: now.Add(-backfill).UTC(), Began: now.UTC()}
}

// promptly is how soon after it became known a source is read from the platform's own "now" on, which no difference of clocks
// and no rounding of times can shift. One whose turn comes later must not lose what happened in the meantime.
const promptly = 5 * time.Second

// request is what to ask the platform for.
func (b bookmark) request(source string, now time.Time) relay.PollRequest {
	r := relay.PollRequest{Source: source, After: b.After}
	if b.After == "" && (b.again || !b.Since.Equal(b.Began) || now.Sub(b.Began) > promptly) {
		r.Since = b.Since
	}
	return r
}

// advance is the bookmark behind a page, and false if the page has not come any further.
func (b bookmark) advance(p relay.Page, now time.Time) (bookmark, bool) {
	if p.Next == "" || p.Next == b.After {
		return b, false
	}
	b.After = p.Next
	if len(p.Events) > 0 {
		b.Found = now.UTC()
	}
	return b, true
}

func parseBookmark(data []byte) (bookmark, error) {
	var b bookmark
	if err := json.Unmarshal(data, &b); err != nil {
		return b, fmt.Errorf("the cursor's record is damaged: %w", err)
	}
	if b.Version > bookmarkVersion {
		return b, fmt.Errorf("the cursor's record has version %d, this program knows %d: use a newer one", b.Version, bookmarkVersion)
	}
	b.again = true
	return b, nil
}

// marker is a source's bookmark in memory, read when it is first needed.
type marker struct {
	mu    sync.Mutex
	known bool
	bookmark
}

func (m *marker) get(ctx context.Context, load func(context.Context) (bookmark, error)) (bookmark, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known {
		return m.bookmark, nil
	}
	b, err := load(ctx)
	if err == nil {
		m.known, m.bookmark = true, b
	}
	return b, err
}

func (m *marker) set(b bookmark) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known, m.bookmark = true, b
}

// bookmarks keeps the bookmarks of a connection.
type bookmarks interface {
	// load returns a source's bookmark, and keeps fresh as such if it has none.
	load(ctx context.Context, source string, fresh bookmark) (bookmark, error)
	// save replaces it. It fails with [bus.ErrFenced] if a later holder of the connection's lease has written.
	save(ctx context.Context, source string, b bookmark) error
}

// stateBookmarks keeps them in the bucket of cursors, under poll/<connection>/<source>.
type stateBookmarks struct {
	state      *bus.State
	connection event.ConnectionID
	fence      uint64
}

func (s stateBookmarks) key(source string) string {
	return "poll/" + string(s.connection) + "/" + source
}

func (s stateBookmarks) load(ctx context.Context, source string, fresh bookmark) (bookmark, error) {
	v, err := s.state.Get(ctx, s.key(source))
	if err == nil {
		return parseBookmark(v.Data)
	}
	if !errors.Is(err, bus.ErrNoState) {
		return bookmark{}, err
	}
	kept := fresh
	_, err = s.state.EditFenced(ctx, s.key(source), s.fence, func(old []byte) ([]byte, error) {
		if old == nil {
			kept = fresh
			return json.Marshal(fresh)
		}
		var err error
		kept, err = parseBookmark(old)
		return old, err
	})
	return kept, err
}

func (s stateBookmarks) save(ctx context.Context, source string, b bookmark) error {
	data, err := json.Marshal(b)
	if err != nil {
		return err
	}
	_, err = s.state.PutFenced(ctx, s.key(source), data, s.fence)
	return err
}
