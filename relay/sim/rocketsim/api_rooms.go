package rocketsim

import (
	"slices"
	"strings"
	"time"
)

// roomsGet is GET rooms.get: the rooms that the caller is in, or those of them that changed after a time. Rooms are never deleted here.
func (s *Server) roomsGet(c *call) (map[string]any, error) {
	since := time.Time{}
	if given := c.text("updatedSince"); given != "" {
		var ok bool
		if since, ok = parseDate(given); !ok {
			return nil, refuse("error-updatedSince-param-invalid", `The "updatedSince" query parameter must be a valid date.`)
		}
	}
	rooms := []any{}
	for _, id := range s.roomOrder {
		if r := s.rooms[id]; r.has(c.user.ID) && r.updatedAt.After(since) {
			rooms = append(rooms, s.showRoom(r))
		}
	}
	return map[string]any{"update": rooms, "remove": []any{}}, nil
}

// roomsInfo is GET rooms.info.
func (s *Server) roomsInfo(c *call) (map[string]any, error) {
	id, name := c.text("roomId"), c.text("roomName")
	if id == "" && name == "" {
		return nil, refuse("error-roomid-param-not-provided", `The parameter "roomId" or "roomName" is required`)
	}
	r := s.find(id, name)
	if r == nil {
		return nil, refuse("error-room-not-found", `The required "roomId" or "roomName" param provided does not match any channel`)
	}
	if !s.mayRead(c.user, r) {
		if s.cfg.Version >= 9 {
			return nil, refuse("not-allowed", "Not Allowed")
		}
		e := plain("not-allowed")
		e.body = map[string]any{"success": false, "error": "not-allowed", "errorType": "Not Allowed"} // the endpoint swaps the two
		return nil, e
	}
	return map[string]any{"room": s.showRoom(r)}, nil
}

// find finds a room by its id, or by its name when there is no id.
func (s *Server) find(id, name string) *room {
	if id != "" {
		return s.rooms[id]
	}
	for _, r := range s.rooms {
		if r.Name == name && name != "" {
			return r
		}
	}
	return nil
}

// showRoom is a room as the API shows one.
func (s *Server) showRoom(r *room) map[string]any {
	d := map[string]any{
		"_id": r.ID, "t": r.Type, "msgs": r.count, "usersCount": len(r.order), "ts": isoDate(r.createdAt),
		"_updatedAt": isoDate(r.updatedAt), "ro": r.ReadOnly, "sysMes": true, "default": r.ID == "GENERAL",
	}
	if r.Name != "" {
		d["name"], d["fname"] = r.Name, r.Name
	}
	if r.Topic != "" {
		d["topic"] = r.Topic
	}
	if r.last != nil {
		d["lastMessage"], d["lm"] = r.last.doc(isoDate), isoDate(r.last.UpdatedAt)
		if r.last.TSRaw == nil {
			d["lm"] = isoDate(r.last.TS)
		}
	}
	if owner := s.users[r.owner]; owner != nil {
		d["u"] = owner.ref()
	}
	if r.Type == Direct {
		var names []string
		for _, uid := range r.order {
			names = append(names, s.users[uid].Username)
		}
		d["uids"], d["usernames"] = listed(slices.Clone(r.order)), listed(names)
	}
	return d
}

// roomOf finds the room of a kind that a request names, as far as the caller may know of it: to a private room's stranger there is none.
func (s *Server) roomOf(c *call, kind RoomType) (*room, error) {
	id, name := c.text("roomId"), c.text("roomName")
	r := s.find(id, name)
	missing := r == nil || r.Type != kind
	switch kind {
	case Group:
		if id == "" && name == "" {
			return nil, refuse("error-room-param-not-provided", `The parameter "roomId" or "roomName" is required`)
		}
		if missing || !s.mayRead(c.user, r) {
			return nil, refuse("error-room-not-found", `The required "roomId" or "roomName" param provided does not match any group`)
		}
	case Direct:
		if id == "" && c.text("username") == "" {
			return nil, refuse("error-room-param-not-provided", `Query param "roomId" or "username" is required`)
		}
		if other := s.names[c.text("username")]; id == "" && other != nil {
			r = s.rooms[directID(c.user.ID, other.ID)]
		}
		if r == nil || r.Type != kind {
			return nil, refuse("error-room-not-found", `The required "roomId" param provided does not match any direct message`)
		}
	default:
		if missing {
			return nil, refuse("error-room-not-found", `The required "roomId" or "roomName" param provided does not match any channel`)
		}
	}
	if !s.mayRead(c.user, r) {
		return nil, forbidden()
	}
	return r, nil
}

// history is GET channels.history and its like: a room's messages falling by ts, in pages without a total (Rocket.Chat:
// getChannelHistory.ts). Without latest it ends before now.
func (s *Server) history(kind RoomType) endpoint {
	return func(c *call) (map[string]any, error) {
		r, err := s.roomOf(c, kind)
		if err != nil {
			return nil, err
		}
		p, err := s.paging(c)
		if err != nil {
			return nil, err
		}
		latest, oldest := s.now(), time.Time{}
		for name, at := range map[string]*time.Time{"latest": &latest, "oldest": &oldest} {
			if given := c.text(name); given != "" {
				var ok bool
				if *at, ok = parseDate(given); !ok {
					return nil, plain("Invalid Date")
				}
			}
		}
		all := s.between(c, r, oldest, latest)
		rows := cut(p, all)
		out := map[string]any{"messages": shown(rows)}
		if c.text("unreads") == "true" {
			out["unreadNotLoaded"] = 0
			if left := all[min(len(all), p.offset+len(rows)):]; c.has("oldest") && len(rows) > 0 && len(left) > 0 {
				out["firstUnread"], out["unreadNotLoaded"] = left[len(left)-1].doc(isoDate), len(left)
			}
		}
		return out, nil
	}
}

// between are the messages of a room between two times, falling by ts, as a request for history wants them.
func (s *Server) between(c *call, r *room, oldest, latest time.Time) []*message {
	inclusive := c.text("inclusive") == "true"
	told := s.store.shelf(r.ID).told
	from := 0
	if c.has("oldest") {
		from = told.after(oldest, inclusive)
	}
	to := max(from, told.after(latest, !inclusive))
	return visible(told[from:to], true, func(m *message) bool {
		return m.TSRaw == nil && (c.text("showThreadMessages") != "false" || m.TMID == "" || m.TShow)
	})
}

// messages is GET channels.messages and its like: a room's messages falling by ts.
func (s *Server) messages(kind RoomType) endpoint {
	return func(c *call) (map[string]any, error) {
		r, err := s.roomOf(c, kind)
		if err != nil {
			return nil, err
		}
		if kind == Channel && s.can(c.user, "view-joined-room") && !r.has(c.user.ID) {
			return nil, forbidden() // so a bot must be in the channel, whatever else it may
		}
		mentioned := ids(c.text("mentionIds"))
		nothing := len(ids(c.text("starredIds"))) > 0 || strings.EqualFold(c.text("pinned"), "true") // nobody stars or pins here
		return s.pick(c, "messages", visible(s.store.shelf(r.ID).told, true, func(m *message) bool {
			named := slices.ContainsFunc(m.Mentions, func(o mention) bool { return slices.Contains(mentioned, o.ID) })
			return !nothing && (mentioned == nil || named)
		}))
	}
}

// ids splits a list of ids; nil when there is none.
func ids(joined string) []string {
	if joined == "" {
		return nil
	}
	all := strings.Split(joined, ",")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// members is GET channels.members and its like, by username in pages. What stands of a member is from common knowledge of the API and
// not from its sources.
func (s *Server) members(kind RoomType) endpoint {
	return func(c *call) (map[string]any, error) {
		r, err := s.roomOf(c, kind)
		if err != nil {
			return nil, err
		}
		p, err := s.paging(c)
		if err != nil {
			return nil, err
		}
		filter := strings.ToLower(c.text("filter"))
		var in []*user
		for _, uid := range r.order {
			u := s.users[uid]
			asked := texts(c.params["status"])
			named := strings.Contains(strings.ToLower(u.Username+"\n"+u.Name), filter)
			if named && (asked == nil || slices.Contains(asked, "online")) {
				in = append(in, u)
			}
		}
		slices.SortFunc(in, func(a, b *user) int { return strings.Compare(a.Username, b.Username) })
		if slices.Contains(p.order, orderBy{"username", true}) {
			slices.Reverse(in)
		}
		rows := []any{}
		for _, u := range cut(p, in) {
			rows = append(rows, map[string]any{"_id": u.ID, "username": u.Username, "name": u.Name, "status": "online", "utcOffset": 0})
		}
		return map[string]any{"members": rows, "count": len(rows), "offset": p.offset, "total": len(in)}, nil
	}
}
