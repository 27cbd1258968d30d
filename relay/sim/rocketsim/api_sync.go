package rocketsim

import (
	"slices"
	"sort"
	"strconv"
	"time"
)

// syncMessages is GET chat.syncMessages: what changed and what was deleted in a room after a time, all at once, or in pages by cursors
// (Rocket.Chat: server/publications/messages.ts). What changed in the same millisecond as the time or cursor is left out.
func (s *Server) syncMessages(c *call) (map[string]any, error) {
	last, kind := c.text("lastUpdate"), c.text("type")
	if last == "" && kind == "" {
		return nil, refuse("error-param-required", `The "type" or "lastUpdate" parameters must be provided`)
	}
	since, ok := parseDate(last)
	if last != "" && !ok {
		return nil, refuse("error-lastUpdate-param-invalid", `The "lastUpdate" query parameter must be a valid date`)
	}
	r := s.rooms[c.text("roomId")]
	if r == nil || !s.mayRead(c.user, r) {
		return nil, refuseIn("messages/get", "error-not-allowed", "Not allowed")
	}
	next, previous := c.text("next"), c.text("previous")
	paged := next != "" || previous != ""
	switch {
	case paged && kind == "":
		return nil, refuse("error-type-param-required", `The "type" parameter is required when using the "next" or "previous" parameters`)
	case next != "" && previous != "":
		return nil, refuse("error-cursor-conflict", `You cannot provide both "next" and "previous" parameters`)
	case paged && last != "":
		return nil, refuse("error-cursor-and-lastUpdate-conflict",
			`The attributes "next", "previous" and "lastUpdate" cannot be used together`)
	case last != "":
		return s.syncAll(c, r, since), nil
	case paged:
		return s.syncPage(c, r)
	}
	// The real server asks for the room's history here, and shows nothing of it.
	return map[string]any{"result": map[string]any{"updated": []any{}, "deleted": []any{}}}, nil
}

// syncAll is everything after a time, newest first.
func (s *Server) syncAll(c *call, r *room, since time.Time) map[string]any {
	from, bounded := parseDate(c.text("fromTs"))
	touched := s.store.shelf(r.ID).touched
	updated := visible(touched[touched.after(since):], false, func(m *message) bool { return !bounded || !m.TS.Before(from) })
	newest := func(a, b *message) int { return b.TS.Compare(a.TS) }
	deleted := s.deletedAfter(r.ID, since, always)
	slices.SortStableFunc(deleted, func(a, b *trashed) int { return newest(a.message, b.message) })
	return map[string]any{"result": map[string]any{"updated": shown(sorted(updated, newest)), "deleted": deletions(deleted)}}
}

// deletions are messages of the trash as chat.syncMessages shows them.
func deletions(all []*trashed) []map[string]any {
	out := make([]map[string]any, len(all))
	for i, t := range all {
		out[i] = map[string]any{"_id": t.ID, "_deletedAt": isoDate(t.deletedAt)}
	}
	return out
}

// row is one line of a page by cursor: a message, and when it was changed or deleted.
type row struct {
	*message
	at      time.Time
	deleted bool
}

func (w row) doc() map[string]any {
	if w.deleted {
		return map[string]any{"_id": w.ID, "_deletedAt": isoDate(w.at)}
	}
	return w.message.doc(isoDate)
}

// syncPage is one page by cursor: rising from next, or falling from previous.
func (s *Server) syncPage(c *call, r *room) (map[string]any, error) {
	const usual = 20
	count := usual
	if n := whole(c.text("count")); n > 0 {
		count = n
	}
	back := c.text("next") == ""
	at, ok := parseMillis(c.text("next") + c.text("previous"))
	if !ok {
		return nil, plain("Invalid Date")
	}
	rows := s.syncRows(r, c.text("type") == "DELETED")
	i := sort.Search(len(rows), func(i int) bool { return rows[i].at.After(at) || back && rows[i].at.Equal(at) })
	if back {
		rows = rows[:i]
		slices.Reverse(rows)
	} else {
		rows = rows[i:]
	}
	more := len(rows) > count
	rows = rows[:min(len(rows), count)]
	docs := make([]map[string]any, len(rows))
	for i, w := range rows {
		docs[i] = w.doc()
	}
	result := map[string]any{"updated": []any{}, "deleted": []any{}, "cursor": cursors(rows, back, more)}
	if c.text("type") == "DELETED" {
		result["deleted"] = docs
	} else {
		result["updated"] = docs
	}
	return map[string]any{"result": result}, nil
}

// syncRows are the changed or the deleted messages of a room, rising by the time of that.
func (s *Server) syncRows(r *room, deleted bool) []row {
	var rows []row
	if deleted {
		for _, t := range s.store.trash[r.ID] {
			rows = append(rows, row{t.message, t.deletedAt, true})
		}
		return rows
	}
	for _, m := range visible(s.store.shelf(r.ID).touched, false, always) {
		rows = append(rows, row{m, m.UpdatedAt, false})
	}
	return rows
}

// cursors are where the page before and the page behind a page begin; null is none.
func cursors(rows []row, back, more bool) map[string]any {
	cursor := map[string]any{"next": nil, "previous": nil}
	if len(rows) == 0 {
		return cursor
	}
	first, last := millis(rows[0].at), millis(rows[len(rows)-1].at)
	if back {
		cursor["next"] = first
		if more {
			cursor["previous"] = last
		}
		return cursor
	}
	cursor["previous"] = first
	if more {
		cursor["next"] = last
	}
	return cursor
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// getDeletedMessages is GET chat.getDeletedMessages; like the real server it does not ask who may read the room.
func (s *Server) getDeletedMessages(c *call) (map[string]any, error) {
	since, ok := parseDate(c.text("since"))
	if !ok {
		return nil, refuse("error-since-param-invalid", `The "since" query parameter must be a valid date`)
	}
	p, err := s.paging(c)
	if err != nil {
		return nil, err
	}
	all := s.deletedAfter(c.text("roomId"), since, always)
	rows := []map[string]any{}
	for _, t := range cut(p, all) {
		rows = append(rows, map[string]any{"_id": t.ID})
	}
	return map[string]any{"messages": rows, "count": len(rows), "offset": p.offset, "total": len(all)}, nil
}
