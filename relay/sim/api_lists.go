package sim

// GET /messages lists the whole app, or what onBehalfOf may see.
func (s *CometChat) listMessages(c *call) (answer, error) {
	return s.cursorList(c, s.store.all, func(m *message) bool { return s.sees(c.uid, m) })
}

// GET /messages/{id}/thread lists the replies to a message.
func (s *CometChat) listThread(c *call) (answer, error) {
	root, err := s.visible(c.uid, c.path("id"))
	if err != nil {
		return answer{}, err
	}
	return s.cursorList(c, s.store.replies[root.id], nil)
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
	return s.cursorList(c, s.store.byRoom[groupConversation(g.guid)], nil)
}

// cursorList answers with one page in the cursor style. Without a cursor or an affix it starts at the oldest message.
func (s *CometChat) cursorList(c *call, from []*message, also func(*message) bool) (answer, error) {
	l, err := parseListing(c.r.URL.Query(), listing{size: defaultLimit, affix: affixAppend})
	if err != nil {
		return answer{}, err
	}
	rows := l.page(from, also)
	meta := cursorMeta{Current: current{Limit: l.size, Count: len(rows)}}
	if edge := l.edge(rows); edge != nil {
		meta.Next = &next{Affix: l.affix, SentAt: seconds(edge.sentAt), ID: edge.key()}
	}
	return answer{Data: s.renderAll(rows, c.uid), Meta: meta}, nil
}

// GET /users/{uid}/messages lists a user's one-to-one messages, with onBehalfOf only those between the two, in the page style.
// Without a cursor or an affix it starts at the newest message, as the affix of the documented example suggests.
func (s *CometChat) listUserMessages(c *call) (answer, error) {
	p, err := s.user(c.path("uid"))
	if err != nil {
		return answer{}, err
	}
	size, from := defaultPerPage, s.store.all
	if c.uid != "" {
		size, from = defaultLimit, s.store.byRoom[userConversation(p.UID, c.uid)]
	}
	l, err := parseListing(c.r.URL.Query(), listing{size: size, affix: affixPrepend})
	if err != nil {
		return answer{}, err
	}
	rows := l.page(from, func(m *message) bool {
		return m.receiverType == "user" && (m.sender == p.UID || m.receiver == p.UID)
	})
	meta := pageMeta{Pagination: newPagination(len(rows), l, len(rows))}
	if edge := l.edge(rows); edge != nil {
		meta.Cursor = map[string]any{"id": edge.id, "affix": l.affix}
	}
	return answer{Data: s.renderAll(rows, c.uid), Meta: meta}, nil
}

func (s *CometChat) renderAll(rows []*message, viewer string) []wireMessage {
	out := make([]wireMessage, 0, len(rows))
	for _, m := range rows {
		out = append(out, s.renderMessage(m, view{viewer: viewer}))
	}
	return out
}
