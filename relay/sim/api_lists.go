package sim

import (
	"net/url"
	"slices"
)

// GET /messages lists the whole app, or what onBehalfOf may see.
func (s *CometChat) listMessages(c *call) (answer, error) {
	q := c.r.URL.Query()
	l, err := parseListing(q, listing{size: defaultLimit, affix: affixAppend})
	if err != nil {
		return answer{}, err
	}
	lines := s.seen(c.uid)
	if room := l.filter.conversation; room != "" {
		lines = []line{s.store.rooms[room]}
	} else if uid := l.filter.sender; uid != "" && c.uid == "" {
		lines = []line{s.store.users[uid]}
	}
	if l.count {
		return s.countAll(c, l)
	}
	return s.cursorList(c, l, lines...), nil
}

// GET /messages/{id}/thread lists the replies to a message.
func (s *CometChat) listThread(c *call) (answer, error) {
	root, err := s.visible(c.uid, c.path("id"))
	if err != nil {
		return answer{}, err
	}
	l, err := parseListing(without(c.r.URL.Query(), "count", "unread"), listing{size: defaultLimit, affix: affixAppend})
	if err != nil {
		return answer{}, err
	}
	return s.cursorList(c, l, s.store.replies[root.id]), nil
}

// GET /groups/{guid}/messages.
func (s *CometChat) listGroupMessages(c *call) (answer, error) {
	g, err := s.group(c.path("guid"))
	if err != nil {
		return answer{}, err
	}
	if c.uid != "" && c.uid != systemUID && !g.has(c.uid) {
		return answer{}, notJoined(c.uid, g.guid)
	}
	l, err := s.narrowListing(c, listing{size: defaultLimit, affix: affixAppend})
	if err != nil {
		return answer{}, err
	}
	if l.count {
		return s.countIn(c, l, talk{room: groupConversation(g.guid), group: true, with: g.guid})
	}
	return s.cursorList(c, l, s.store.rooms[groupConversation(g.guid)]), nil
}

// cursorList answers with one page in the cursor style. Without a cursor or an affix it starts at the oldest message.
func (s *CometChat) cursorList(c *call, l listing, lines ...line) answer {
	rows := s.pick(l, c.uid, lines...)
	meta := cursorMeta{Current: current{Limit: l.size, Count: len(rows)}}
	if edge := l.edge(rows); edge != nil {
		meta.Next = &next{Affix: l.affix, SentAt: seconds(edge.sentAt), ID: edge.key()}
	}
	return answer{Data: s.renderAll(rows, c), Meta: meta}
}

// GET /users/{uid}/messages lists a user's one-to-one messages, with onBehalfOf only those between the two, in the page style.
// Without a cursor or an affix it starts at the newest message, as the affix of the documented example suggests.
func (s *CometChat) listUserMessages(c *call) (answer, error) {
	p, err := s.user(c.path("uid"))
	if err != nil {
		return answer{}, err
	}
	size, from := defaultPerPage, s.store.users[p.UID]
	if c.uid != "" {
		size, from = defaultLimit, s.store.rooms[userConversation(p.UID, c.uid)]
	}
	l, err := s.narrowListing(c, listing{size: size, affix: affixPrepend})
	if err != nil {
		return answer{}, err
	}
	if l.count {
		return s.countIn(c, l, talk{room: userConversation(p.UID, c.uid), with: p.UID})
	}
	if c.uid == "" {
		l.filter.receiverType = "user"
	}
	rows := s.pick(l, c.uid, from)
	meta := pageMeta{Pagination: newPagination(len(rows), l, len(rows))}
	if edge := l.edge(rows); edge != nil {
		meta.Cursor = map[string]any{"id": edge.id, "affix": l.affix}
	}
	return answer{Data: s.renderAll(rows, c), Meta: meta}, nil
}

// narrowListing reads the query of a user's or group's list, which has fewer filters than GET /messages; those it does not know
// are ignored.
func (s *CometChat) narrowListing(c *call, l listing) (listing, error) {
	q := without(c.r.URL.Query(), "hideDeleted", "onlyDeleted", "conversationId", "receiverType", "sentAt")
	return parseListing(q, l)
}

func without(q url.Values, names ...string) url.Values {
	for _, name := range names {
		q.Del(name)
	}
	return q
}

// renderAll renders rows in the order of the answer; tags are told only when they are asked for.
func (s *CometChat) renderAll(rows []*message, c *call) []wireMessage {
	q := c.r.URL.Query()
	v := view{viewer: c.uid, blockInfo: truth(q, "mentionsWithBlockedInfo")}
	v.tagInfo = truth(q, "mentionsWithTagInfo") || truth(q, "mentionswithTagInfo") // the documents spell it both ways
	out := make([]wireMessage, 0, len(rows))
	for _, m := range rows {
		w := s.renderMessage(m, v)
		if !truth(q, "withTags") {
			w.Tags = nil
		}
		out = append(out, w)
	}
	if s.cfg.NewestFirst {
		slices.Reverse(out)
	}
	return out
}
