package rocketchat

import (
	"slices"
	"strconv"
	"strings"

	"github.com/threadrelay/threadrelay/bus/event"
)

// Reactions stand in the document of their message, as names of users without a time. What has happened shows by comparing
// with what the document was like before: so somebody has to know that. The poll keeps it in its cursor for the messages that
// have reactions, and what is heard is compared with what this process remembers.

// reactionsOf returns who uses which emoji on a message.
func reactionsOf(m *Message) map[reaction]bool {
	there := make(map[reaction]bool)
	for emoji, names := range m.Reactions {
		for _, name := range names {
			if r := (reaction{emoji, name}); r.fit() {
				there[r] = true
			}
		}
	}
	return there
}

// fit reports whether a reaction is one that an event can tell of.
func (r reaction) fit() bool {
	const most = 256
	return r.emoji != "" && r.username != "" && len(r.emoji) <= most && len(r.username) <= most && !strings.ContainsAny(r.emoji, " \n")
}

// order sorts reactions, so that all who compare the same documents tell of them in the same order.
func (r reaction) order(other reaction) int {
	return strings.Compare(r.emoji+" "+r.username, other.emoji+" "+other.username)
}

// change is a reaction that a document shows to have been added or taken away.
type change struct {
	reaction
	reactionState
}

// compare returns what a document has changed, and how the reactions stand now. told says when others have found the same
// change, so that it has the same id; it may be nil.
func compare(before map[reaction]reactionState, m *Message, told map[reaction]reactionState) ([]change, map[reaction]reactionState) {
	there := reactionsOf(m)
	after := make(map[reaction]reactionState, len(before))
	var changes []change
	for r := range there {
		if _, ok := before[r]; !ok {
			after[r] = reactionState{there: true}
			changes = append(changes, change{r, after[r]})
		}
	}
	for r, was := range before {
		if was.there != there[r] {
			now := reactionState{there: there[r], since: millis(m.UpdatedAt)}
			if t, ok := told[r]; ok && t.there == now.there && t.since > was.since {
				now.since = t.since
			}
			was = now
			changes = append(changes, change{r, now})
		}
		after[r] = was
	}
	slices.SortFunc(changes, func(a, b change) int { return a.order(b.reaction) })
	return changes, after
}

// reacted returns the event of a change.
func (c *Connection) reacted(m *Message, ch change, by event.UserID) event.Event {
	e := event.Event{
		Version: event.Version, Type: event.ReactionAdded, Time: orEpoch(m.UpdatedAt), Platform: platform, Thread: c.thread(m), Self: c.self,
		Trigger: triggerReacted,
		Reaction: &event.Reaction{
			Message: event.MessageID(m.ID), Emoji: c.plain(ch.emoji), By: event.User{ID: by, Name: c.plain(ch.username)},
		},
	}
	what := "reaction-added:"
	if !ch.there {
		e.Type, what = event.ReactionRemoved, "reaction-removed:"
	}
	what += digest(ch.emoji, ch.username)
	if ch.since != 0 {
		what += ":" + strconv.FormatInt(ch.since, 10)
	}
	e.ID = c.eventID(m.ID, what)
	return e
}

// learn takes note of the users that a document names with both id and username: reactions name users by the latter alone.
func (c *Connection) learn(m *Message) {
	until := c.now().Add(usersKept)
	if m.User.ID != "" && m.User.Username != "" {
		c.names.put(m.User.Username, event.UserID(m.User.ID), until)
	}
	for _, u := range m.Mentions {
		if u.ID != "" && u.Username != "" && u.ID != u.Username {
			c.names.put(u.Username, event.UserID(u.ID), until)
		}
	}
}

// reactionsKnown takes down how the reactions to a message stand, by a document of it.
func (c *Connection) reactionsKnown(m *Message, state map[reaction]reactionState) {
	c.memory.note(m.ID, func(k *known) {
		if at := millis(m.UpdatedAt); at >= k.reactedAt {
			k.reactions, k.reactedAt = state, at
		}
	})
}
