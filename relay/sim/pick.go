package sim

import "slices"

// bounds turns the cursor and the times of a list request into ids.
func (s *CometChat) bounds(l listing) bounds {
	st := &s.store
	b := bounds{before: st.lastID + 1}
	switch {
	case l.affix == affixAppend && l.id > 0:
		b.after = l.id
	case l.affix == affixAppend && l.sentAt > 0:
		b.after = st.firstAt(l.sentAt+1) - 1
	case l.affix == affixPrepend && l.id > 0:
		b.before = min(b.before, l.id)
	case l.affix == affixPrepend && l.sentAt > 0:
		b.before = st.firstAt(l.sentAt)
	}
	if l.filter.from > 0 {
		b.after = max(b.after, st.firstAt(l.filter.from)-1)
		if l.filter.to > 0 {
			b.before = min(b.before, st.firstAt(l.filter.to+1))
		}
	}
	return b
}

// pick takes the rows of one page out of lines, as the viewer sees them, and returns them in id order.
func (s *CometChat) pick(l listing, viewer string, lines ...line) []*message {
	back := l.affix != affixAppend
	b, skip := s.bounds(l), (l.number-1)*l.size
	if skip > 0 && len(lines) == 1 && l.filter.plain() && s.store.removed == 0 {
		b, skip = b.shrink(lines[0], skip, back), 0
	}
	var rows []*message
	walk(lines, b, back, func(id int64) bool {
		m := s.store.at(id)
		if m == nil || !s.passes(l.filter, m, viewer) {
			return false
		}
		if skip > 0 {
			skip--
			return false
		}
		rows = append(rows, m)
		return len(rows) == l.size
	})
	if back {
		slices.Reverse(rows)
	}
	return rows
}

// shrink leaves out the first n ids of a line, or with back the last, without looking at them.
func (b bounds) shrink(l line, n int, back bool) bounds {
	from, to := b.within(l)
	switch {
	case n >= to-from:
		b.before = b.after
	case back:
		b.before = l.id(to - n)
	default:
		b.after = l.id(from + n - 1)
	}
	return b
}

// seen are the lines of all messages that a user may see, and some that he may not; the empty uid sees everything.
func (s *CometChat) seen(uid string) []line {
	if uid == "" || uid == systemUID {
		return []line{span(s.store.lastID)}
	}
	lines := []line{s.store.users[uid]}
	for guid := range s.joined[uid] {
		lines = append(lines, s.store.rooms[groupConversation(guid)])
	}
	return lines
}
