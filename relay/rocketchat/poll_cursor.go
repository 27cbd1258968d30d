package rocketchat

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// pollVersion is the version of the cursor's JSON form.
const pollVersion = 1

const (
	// overlap is how far a poll looks back behind what it has read: a change can be committed later than one with a later
	// time, above all where several servers share a database.
	overlap = 10 * time.Second
	// maxSeen bounds the changes that are remembered of it. Those that were forgotten are told again, with the same ids.
	maxSeen = 200
	// readAgain is how old the time of the last poll may become in the cursor before it is written anew.
	readAgain = 10 * time.Minute
)

// pollCursor is how far a room, or a thread, has been read.
type pollCursor struct {
	// floor is the time of the latest change that was read.
	floor int64
	// from is before which nothing is told.
	from int64
	// read is about when it was read last, by our clock.
	read int64
	// paged is set while there is so much to read that it is read page by page, just from the floor on.
	paged bool
	// seen are digests of the changes within the overlap.
	seen []string
	// reacted are the messages with reactions.
	reacted reactedMessages
}

// wirePollCursor is the cursor's JSON form. All times are in ms since 1970.
type wirePollCursor struct {
	Version int             `json:"v"`
	Floor   int64           `json:"floor"`
	From    int64           `json:"from,omitempty"`
	Read    int64           `json:"read,omitempty"`
	Paged   bool            `json:"paged,omitempty"`
	Seen    []string        `json:"seen,omitempty"`
	Below   int64           `json:"below,omitempty"`
	Reacted []wireReactedTo `json:"reacted,omitempty"`
}

// wireReactedTo is a message with reactions: where true, as "emoji username", with when that was found if it was not there
// from the beginning.
type wireReactedTo struct {
	ID      string           `json:"id"`
	Sent    int64            `json:"sent"`
	Changed int64            `json:"changed"`
	There   map[string]int64 `json:"there,omitempty"`
	Gone    map[string]int64 `json:"gone,omitempty"`
}

func (p *pollCursor) encode() string {
	w := wirePollCursor{
		Version: pollVersion, Floor: p.floor, From: p.from, Read: p.read, Paged: p.paged, Seen: p.seen, Below: p.reacted.below,
		Reacted: p.reacted.wire(),
	}
	b, err := json.Marshal(w)
	if err != nil { // of numbers and texts: it cannot fail
		return ""
	}
	return string(b)
}

// decode reads a cursor that encode has written.
func (p *pollCursor) decode(s string) error {
	var w wirePollCursor
	if err := json.Unmarshal([]byte(s), &w); err != nil {
		return errors.New("it is not one of ours")
	}
	switch {
	case w.Version != pollVersion:
		return fmt.Errorf("it is of version %d, and this program knows %d", w.Version, pollVersion)
	case !fitMilli(w.Floor) || !fitMilli(w.From) || !fitMilli(w.Read) || !fitMilli(w.Below):
		return errors.New("one of its times is none")
	case len(w.Seen) > maxSeen || len(w.Reacted) > maxReacted:
		return errors.New("it is too long")
	}
	*p = pollCursor{floor: w.Floor, from: w.From, read: w.Read, paged: w.Paged, seen: w.Seen}
	return p.reacted.unwire(w)
}

func fitMilli(ms int64) bool { return ms >= 0 && ms <= lastMilli }

// knows reports whether a change was read before.
func (p *pollCursor) knows(key string) bool { return slices.Contains(p.seen, key) }

// near reports whether so little can have happened since the last poll that all of it is asked for at once.
func (p *pollCursor) near(now time.Time) bool {
	const soon = 30 * time.Minute
	return !p.paged && p.read > 0 && now.UnixMilli()-p.read < soon.Milliseconds()
}

// touch takes down that it was read just now. It is not worth a new cursor each time.
func (p *pollCursor) touch(now time.Time) {
	if ms := now.UnixMilli(); ms-p.read >= readAgain.Milliseconds() || ms < p.read {
		p.read = ms
	}
}

// since is where a poll begins to ask at a time by the server's clock: an overlap before the floor, or just there while it is
// paged. A floor that lies ahead, because a clock was wrong, does not hide what has a time of before it.
func (p *pollCursor) since(now time.Time) int64 {
	if p.paged {
		return p.floor
	}
	return max(0, min(p.floor, now.UnixMilli())-overlap.Milliseconds())
}

// advance moves the floor, and remembers the changes that the next poll will read again. All of them are among those given.
func (p *pollCursor) advance(floor int64, rows []syncRow, now time.Time) {
	p.floor = max(p.floor, floor)
	low := min(p.floor, now.UnixMilli()) - overlap.Milliseconds()
	var seen []string
	for _, r := range rows {
		if r.at > low {
			seen = append(seen, r.key())
		}
	}
	if p.paged { // the page holds nothing of before
		seen = append(slices.Clone(p.seen), seen...)
	}
	p.seen = seen[max(0, len(seen)-maxSeen):]
}
