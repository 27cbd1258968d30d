package sim

import (
	"net/http"
	"time"
)

// GET /messages/{id}/reactions and /messages/{id}/reactions/{emoji}.
func (s *CometChat) listReactions(c *call) (answer, error) {
	m, err := s.visible(c.uid, c.path("id"))
	if err != nil {
		return answer{}, err
	}
	l, err := parseListing(c.r.URL.Query(), listing{size: defaultLimit, affix: affixAppend})
	if err != nil {
		return answer{}, err
	}
	emoji := c.path("emoji")
	rows := []wireReaction{}
	var last string
	for _, r := range m.reactions {
		if r.id <= l.id || emoji != "" && r.emoji != emoji {
			continue
		}
		if len(rows) == l.size {
			break
		}
		row := s.renderReaction(m, r, view{viewer: c.uid})
		rows, last = append(rows, row), row.ID
	}
	meta := cursorMeta{Current: current{Limit: l.size, Count: len(rows)}}
	if len(rows) > 0 {
		meta.Next = &next{Affix: affixAppend, ID: last}
	}
	return answer{Data: rows, Meta: meta}, nil
}

// POST /messages/{id}/reactions/{emoji} answers with the message.
func (s *CometChat) addReaction(c *call) (answer, error) { return s.changeReaction(c, s.react) }

// DELETE /messages/{id}/reactions/{emoji} answers with the message.
func (s *CometChat) removeReaction(c *call) (answer, error) { return s.changeReaction(c, s.unreact) }

func (s *CometChat) changeReaction(c *call, do func(m *message, uid, emoji string) error) (answer, error) {
	m, err := s.personal(c)
	if err != nil {
		return answer{}, err
	}
	if err := do(m, c.uid, c.path("emoji")); err != nil {
		return answer{}, err
	}
	return s.one(c, m), nil
}

// personal finds the message of a path for an endpoint that demands onBehalfOf.
func (s *CometChat) personal(c *call) (*message, error) {
	if c.uid == "" {
		return nil, required("onBehalfOf")
	}
	return s.visible(c.uid, c.path("id"))
}

// POST /messages/{id}/save answers with the message. No document shows the body of this answer.
func (s *CometChat) save(c *call) (answer, error) {
	m, err := s.personal(c)
	if err != nil {
		return answer{}, err
	}
	if s.saved[c.uid] >= maxKept {
		return answer{}, refuse(http.StatusBadRequest, "ERR_SAVED_MESSAGES_LIMIT_EXCEEDED", "A user may have %d saved messages.", maxKept)
	}
	if _, already := m.saved[c.uid]; !already {
		if m.saved == nil {
			m.saved = map[string]time.Time{}
		}
		m.saved[c.uid] = s.cfg.Now()
		s.saved[c.uid]++
	}
	return s.one(c, m), nil
}

// DELETE /messages/{id}/save answers with the message.
func (s *CometChat) unsave(c *call) (answer, error) {
	m, err := s.personal(c)
	if err != nil {
		return answer{}, err
	}
	if _, saved := m.saved[c.uid]; saved {
		delete(m.saved, c.uid)
		s.saved[c.uid]--
	}
	return s.one(c, m), nil
}

// POST and DELETE /messages/{id}/thread/subscription are acknowledged; nothing in this API tells subscriptions.
func (s *CometChat) subscribe(c *call) (answer, error) {
	m, err := s.personal(c)
	if err != nil {
		return answer{}, err
	}
	if m.parent != 0 {
		return answer{}, nesting(m.key())
	}
	word := "subscribed to"
	if c.r.Method == http.MethodDelete {
		word = "unsubscribed from"
	}
	return answer{Data: map[string]string{"message": "The thread of message " + m.key() + " has been " + word + "."}}, nil
}
