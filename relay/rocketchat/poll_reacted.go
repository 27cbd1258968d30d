package rocketchat

import (
	"cmp"
	"errors"
	"slices"
	"strings"
)

// The bounds of what a cursor remembers of reactions: messages, reactions to all of them, and to one.
const (
	maxReacted   = 100
	maxReactions = 300
	maxPerRow    = 100
)

// reactedMessages are the messages of a source that have reactions, or had some.
type reactedMessages struct {
	rows []reactedTo
	// below is the time up to which there may be others: they were forgotten, or are older than the source's beginning.
	below int64
}

// reactedTo is a message with reactions. Sent and changed are its times, in ms. The state of one with too many is nil.
type reactedTo struct {
	id            string
	sent, changed int64
	state         map[reaction]reactionState
}

// before returns how the reactions to a message stood when it was read last, and false if that is not known.
func (r *reactedMessages) before(m *Message) (map[reaction]reactionState, bool) {
	for _, row := range r.rows {
		if row.id == m.ID {
			return row.state, row.state != nil
		}
	}
	return nil, millis(m.Time) > r.below
}

// put takes down how the reactions to a message stand, and forgets the messages that changed least lately if there are too
// many.
func (r *reactedMessages) put(m *Message, state map[reaction]reactionState) {
	r.drop(m.ID)
	switch {
	case len(state) == 0:
		return
	case len(state) > maxPerRow:
		state = nil
	}
	r.rows = append(r.rows, reactedTo{id: m.ID, sent: millis(m.Time), changed: millis(m.UpdatedAt), state: state})
	slices.SortStableFunc(r.rows, func(a, b reactedTo) int {
		return cmp.Or(cmp.Compare(a.changed, b.changed), strings.Compare(a.id, b.id))
	})
	total := 0
	for _, row := range r.rows {
		total += len(row.state)
	}
	for len(r.rows) > 0 && (len(r.rows) > maxReacted || total > maxReactions) {
		total -= len(r.rows[0].state)
		r.below = max(r.below, r.rows[0].sent)
		r.rows = r.rows[1:]
	}
}

// drop forgets a message that is not there any more.
func (r *reactedMessages) drop(id string) {
	r.rows = slices.DeleteFunc(slices.Clone(r.rows), func(row reactedTo) bool { return row.id == id })
}

func (r *reactedMessages) wire() []wireReactedTo {
	var all []wireReactedTo
	for _, row := range r.rows {
		w := wireReactedTo{ID: row.id, Sent: row.sent, Changed: row.changed}
		for reaction, state := range row.state {
			into := &w.Gone
			if state.there {
				into = &w.There
			}
			if *into == nil {
				*into = make(map[string]int64)
			}
			(*into)[reaction.emoji+" "+reaction.username] = state.since
		}
		all = append(all, w)
	}
	return all
}

// unwire reads what wire has written.
func (r *reactedMessages) unwire(w wirePollCursor) error {
	r.below, r.rows = w.Below, nil
	for _, row := range w.Reacted {
		if row.ID == "" || !fitMilli(row.Sent) || !fitMilli(row.Changed) {
			return errors.New("one of its messages is none")
		}
		to := reactedTo{id: row.ID, sent: row.Sent, changed: row.Changed}
		if len(row.There)+len(row.Gone) > 0 {
			to.state = make(map[reaction]reactionState)
		}
		for _, part := range []struct {
			of    map[string]int64
			there bool
		}{{row.There, true}, {row.Gone, false}} {
			for name, since := range part.of {
				emoji, username, _ := strings.Cut(name, " ")
				if !(reaction{emoji, username}).fit() || !fitMilli(since) {
					return errors.New("one of its reactions is none")
				}
				to.state[reaction{emoji, username}] = reactionState{there: part.there, since: since}
			}
		}
		r.rows = append(r.rows, to)
	}
	return nil
}
