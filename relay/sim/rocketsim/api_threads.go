package rocketsim

import (
	"slices"
	"strings"
	"time"
)

// getMessage is GET chat.getMessage; hidden copies are shown like others.
func (s *Server) getMessage(c *call) (map[string]any, error) {
	m := s.store.held[c.text("msgId")]
	if m == nil {
		return nil, failure()
	}
	if r := s.rooms[m.RID]; r == nil || !s.mayRead(c.user, r) {
		return nil, refuseIn("getSingleMessage", "error-not-allowed", "Not allowed")
	}
	return map[string]any{"message": m.doc(isoDate)}, nil
}

// thread finds a thread by any message that exists, its root or not, and its room. The caller holds s.mu.
func (s *Server) thread(c *call, tmid string) (*message, *room, error) {
	if s.cfg.Settings.NoThreads {
		return nil, nil, refuse("error-not-allowed", "Threads Disabled")
	}
	m := s.store.held[tmid]
	if m == nil {
		return nil, nil, refuse("error-invalid-message", "Invalid Message")
	}
	r := s.rooms[m.RID]
	if r == nil || !s.mayRead(c.user, r) {
		return nil, nil, refuse("error-not-allowed", "Not Allowed")
	}
	return m, r, nil
}

// threadRoom finds the room of a list of threads.
func (s *Server) threadRoom(c *call) (*room, error) {
	if s.cfg.Settings.NoThreads {
		return nil, refuse("error-not-allowed", "Threads Disabled")
	}
	r := s.rooms[c.text("rid")]
	if r == nil || !s.mayRead(c.user, r) {
		return nil, refuse("error-not-allowed", "Not Allowed")
	}
	return r, nil
}

// getThreadMessages is GET chat.getThreadMessages: the replies without their root, rising by ts.
func (s *Server) getThreadMessages(c *call) (map[string]any, error) {
	tmid := c.text("tmid")
	if _, _, err := s.thread(c, tmid); err != nil {
		return nil, err
	}
	all := []*message(s.store.threads[tmid])
	if s.cfg.Version >= 8 && !s.cfg.HiddenCopies {
		all = visible(all, false, always)
	}
	if around := c.text("aroundId"); around != "" {
		return s.around(c, all, around)
	}
	return s.pick(c, "messages", all)
}

// around picks the page of a thread that has a message in its middle.
func (s *Server) around(c *call, all []*message, id string) (map[string]any, error) {
	p, err := s.paging(c)
	if err != nil {
		return nil, err
	}
	p.offset = 0
	if id != c.text("tmid") {
		m := s.store.held[id]
		if m == nil || m.TMID != c.text("tmid") {
			return nil, refuse("error-invalid-message", `The provided "aroundId" does not belong to the thread`)
		}
		before := slices.IndexFunc(all, func(o *message) bool { return !o.TS.Before(m.TS) })
		p.offset = max(0, before-p.count/2)
	}
	rows := shown(cut(p, all))
	return map[string]any{"messages": rows, "count": len(rows), "offset": p.offset, "total": len(all)}, nil
}

// getThreadsList is GET chat.getThreadsList: the roots, falling by the time of their last reply.
func (s *Server) getThreadsList(c *call) (map[string]any, error) {
	r, err := s.threadRoom(c)
	if err != nil {
		return nil, err
	}
	kind, part := c.text("type"), strings.ToLower(c.text("text"))
	roots := visible(s.store.shelf(r.ID).told, false, func(m *message) bool {
		return m.HasThread && strings.Contains(strings.ToLower(m.Msg), part) &&
			(kind != "following" || slices.Contains(m.Replies, c.user.ID)) &&
			(kind != "unread" || slices.Contains(r.unread[c.user.ID], m.ID))
	})
	return s.pick(c, "threads", sorted(roots, func(a, b *message) int { return b.TLM.Compare(a.TLM) }))
}

// syncThreadMessages is GET chat.syncThreadMessages: replies, hidden copies among them, that changed after a time, and those that were
// deleted, whole; without pages.
func (s *Server) syncThreadMessages(c *call) (map[string]any, error) {
	since, err := s.updatedSince(c)
	if err != nil {
		return nil, err
	}
	tmid := c.text("tmid")
	m, _, err := s.thread(c, tmid)
	if err != nil {
		return nil, err
	}
	inThread := func(m *message) bool { return m.TMID == tmid }
	return map[string]any{"messages": s.changes(m.RID, since, s.store.threads[tmid], inThread)}, nil
}

// syncThreadsList is GET chat.syncThreadsList.
func (s *Server) syncThreadsList(c *call) (map[string]any, error) {
	since, err := s.updatedSince(c)
	if err != nil {
		return nil, err
	}
	r, err := s.threadRoom(c)
	if err != nil {
		return nil, err
	}
	hasThread := func(m *message) bool { return m.HasThread }
	return map[string]any{"threads": s.changes(r.ID, since, s.store.shelf(r.ID).told, hasThread)}, nil
}

// changes is what changed after a time among messages, and what of their kind was deleted.
func (s *Server) changes(rid string, since time.Time, all []*message, kind func(*message) bool) map[string]any {
	updated := []*message{}
	for _, m := range all {
		if m.UpdatedAt.After(since) && kind(m) {
			updated = append(updated, m)
		}
	}
	return map[string]any{"update": shown(updated), "remove": gone(s.deletedAfter(rid, since, kind))}
}

func (s *Server) updatedSince(c *call) (time.Time, error) {
	if s.cfg.Settings.NoThreads {
		return time.Time{}, refuse("error-not-allowed", "Threads Disabled")
	}
	since, ok := parseDate(c.text("updatedSince"))
	if !ok {
		return since, refuse("error-updatedSince-param-invalid", `The "updatedSince" query parameter must be a valid date.`)
	}
	return since, nil
}
