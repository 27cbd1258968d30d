package cometchat

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// pollVersion is the version of the cursor's form.
const pollVersion = 1

// Bounds of the overlap: how long an id is read again, how many there are at most, and how far behind a full page must lie for
// its end to be left behind at once.
const (
	overlap    = time.Minute
	maxSeen    = 100
	lateCommit = 10 * time.Minute
)

// pollCursor is where a source was read to. Everything up to floor is read for good; what is seen lies above it.
type pollCursor struct {
	floor uint64
	// seen are the known ids above floor, rising.
	seen []seenID
	// from is before which nothing is told; zero if everything is.
	from    time.Time
	pending []pendingMessage
}

// seenID is an id that was read, and when.
type seenID struct {
	id uint64
	at time.Time
}

// wirePollCursor is the cursor as it is kept. Seen and Pending are flat lists: of pairs (id above the one before, seconds
// before Now), and of triples (id, seconds since it was seen, seconds until it is asked for).
type wirePollCursor struct {
	Version int      `json:"v"`
	Floor   uint64   `json:"floor"`
	Now     int64    `json:"now,omitempty"`
	Seen    []uint64 `json:"seen,omitempty"`
	From    int64    `json:"from,omitempty"`
	Pending []uint64 `json:"pending,omitempty"`
}

func (c *pollCursor) encode() string {
	w := wirePollCursor{Version: pollVersion, Floor: c.floor}
	if !c.from.IsZero() {
		w.From = c.from.Unix()
	}
	now := time.Time{}
	for _, s := range c.seen {
		now = later(now, s.at)
	}
	for _, m := range c.pending {
		now = later(now, later(m.seen, m.next))
	}
	if !now.IsZero() {
		w.Now = now.Unix()
	}
	below := c.floor
	for _, s := range c.seen {
		w.Seen = append(w.Seen, s.id-below, seconds(now, s.at))
		below = s.id
	}
	for _, m := range c.pending {
		w.Pending = append(w.Pending, m.id, seconds(now, m.seen), seconds(now, m.next))
	}
	b, err := json.Marshal(w)
	if err != nil { // of numbers alone: it cannot fail
		return ""
	}
	return string(b)
}

func (c *pollCursor) decode(s string) error {
	var w wirePollCursor
	if err := json.Unmarshal([]byte(s), &w); err != nil {
		return errors.New("it is not one of ours")
	}
	switch {
	case w.Version != pollVersion:
		return fmt.Errorf("it is of version %d, and this program knows %d", w.Version, pollVersion)
	case w.Now < 0 || w.Now > lastSecond:
		return errors.New("its time is none")
	case len(w.Seen)%2 != 0 || len(w.Seen) > 2*maxSeen || len(w.Pending)%3 != 0 || len(w.Pending) > 3*maxPending:
		return errors.New("it has been cut")
	}
	*c = pollCursor{floor: w.Floor}
	if w.From > 0 && w.From < lastSecond {
		c.from = time.Unix(w.From, 0).UTC()
	}
	now := time.Unix(w.Now, 0).UTC()
	id := w.Floor
	for pair := range slices.Chunk(w.Seen, 2) {
		if pair[0] == 0 || id+pair[0] < id {
			return errors.New("its ids do not rise")
		}
		id += pair[0]
		c.seen = append(c.seen, seenID{id: id, at: ago(now, pair[1])})
	}
	for m := range slices.Chunk(w.Pending, 3) {
		if m[0] == 0 {
			return errors.New("it waits for message 0")
		}
		c.pending = append(c.pending, pendingMessage{id: m[0], seen: ago(now, m[1]), next: ago(now, m[2])})
	}
	return nil
}

// floorID returns the floor as a message's id; empty if it lies before the first.
func (c *pollCursor) floorID() string {
	if c.floor == 0 {
		return ""
	}
	return strconv.FormatUint(c.floor, 10)
}

// last returns the highest id that was read.
func (c *pollCursor) last() uint64 {
	if len(c.seen) == 0 {
		return c.floor
	}
	return c.seen[len(c.seen)-1].id
}

// note adds an id, and returns false if it is known.
func (c *pollCursor) note(id uint64, now time.Time) bool {
	i, known := slices.BinarySearchFunc(c.seen, id, func(s seenID, id uint64) int {
		switch {
		case s.id < id:
			return -1
		case s.id > id:
			return 1
		}
		return 0
	})
	if known || id <= c.floor {
		return false
	}
	c.seen = slices.Insert(c.seen, i, seenID{id: id, at: now})
	return true
}

// settle takes what lies in the future, by the clock of whoever read before, for what happens now.
func (c *pollCursor) settle(now time.Time) {
	for i := range c.seen {
		c.seen[i].at = earlier(c.seen[i].at, now)
	}
	for i := range c.pending {
		c.pending[i].seen = earlier(c.pending[i].seen, now)
		c.pending[i].next = earlier(c.pending[i].next, now.Add(pendingLast))
	}
}

// raise moves the floor up to an id.
func (c *pollCursor) raise(floor uint64) {
	c.floor = max(c.floor, floor)
	c.seen = slices.DeleteFunc(c.seen, func(s seenID) bool { return s.id <= c.floor })
}

// age moves the floor up over the ids that were read long enough ago, and over the lowest of too many. An id of this moment
// stays, so that each is read again once at least.
func (c *pollCursor) age(now time.Time) {
	n := max(0, len(c.seen)-maxSeen)
	for n < len(c.seen) && now.Sub(c.seen[n].at) >= overlap {
		n++
	}
	if n > 0 {
		c.raise(c.seen[n-1].id)
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// longestAge bounds the ages in a cursor, in seconds: a century.
const longestAge = uint64(1 << 32)

// seconds returns how many whole seconds at lies before now.
func seconds(now, at time.Time) uint64 {
	return min(longestAge, uint64(max(0, now.Unix()-at.Unix()))) //nolint:gosec // not negative
}

// ago returns the time that lies so many seconds before now.
func ago(now time.Time, seconds uint64) time.Time {
	return now.Add(-time.Duration(min(seconds, longestAge)) * time.Second) //nolint:gosec // bounded
}
