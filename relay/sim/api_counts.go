package sim

// wireCount is how many messages of one conversation are unread. The field names are those of CometChat's JavaScript SDK; the
// REST documents show no example.
type wireCount struct {
	Entity     any    `json:"entity"`
	EntityType string `json:"entityType"` // user or group
	EntityID   string `json:"entityId"`
	Count      int    `json:"count"`
}

// countAll answers GET /messages?count=true: one row per conversation of onBehalfOf that has unread messages.
func (s *CometChat) countAll(c *call, l listing) (answer, error) {
	if c.uid == "" {
		return answer{}, required("onBehalfOf")
	}
	rows := []wireCount{}
	for _, t := range s.talks(c.uid) {
		rows = append(rows, s.counts(c.uid, l, t)...)
	}
	return answer{Data: rows}, nil
}

// countIn answers a user's or group's list with count=true.
func (s *CometChat) countIn(c *call, l listing, t talk) (answer, error) {
	if c.uid == "" {
		return answer{}, required("onBehalfOf")
	}
	rows := append([]wireCount{}, s.counts(c.uid, l, t)...)
	return answer{Data: rows}, nil
}

// counts is the row of a conversation, or none.
func (s *CometChat) counts(uid string, l listing, t talk) []wireCount {
	n := s.unread(uid, t.room, l.filter)
	if n == 0 {
		return nil
	}
	row := wireCount{EntityType: "user", EntityID: t.with, Count: n}
	if t.group {
		row.EntityType, row.Entity = "group", s.renderGroup(s.groups[t.with], view{viewer: uid})
	} else {
		row.Entity = s.userEntity(t.with, t.room, view{viewer: uid}).Entity
	}
	return []wireCount{row}
}
