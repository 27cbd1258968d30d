package rocketsim

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// edit is a change of a message's text on its way in.
type edit struct {
	by     *user
	text   string
	forced bool           // also with the same text, as previewUrls does
	custom map[string]any // customFields; nil leaves them
}

// rewrite changes a message's text as executeUpdateMessage does (Rocket.Chat: updateMessage.ts); the same text changes nothing and is
// no refusal, whoever asks. There is no limit of its length. The caller holds s.mu.
func (s *Server) rewrite(m *message, e edit) error {
	if s.closed {
		return ErrClosed
	}
	if m.T == "rm" {
		return s.noEditing()
	}
	if s.cfg.Version >= 8 {
		e.text = strings.ReplaceAll(e.text, "\x00", "")
		if strings.TrimSpace(e.text) == "" && len(m.Attachments) == 0 && len(m.Blocks) == 0 {
			return refuseIn("updateMessage", "error-invalid-message", "Message cannot be empty")
		}
	}
	described := described(m)
	was := m.Msg
	if described != nil {
		was = text(described["description"])
	}
	if was == e.text && !e.forced && e.custom == nil {
		return nil
	}
	if err := s.mayEdit(m, e); err != nil {
		return err
	}
	s.keepHistory(m, e.by)
	c := m.clone()
	if described != nil {
		first := maps.Clone(described)
		first["description"] = e.text
		c.Attachments = slices.Clone(m.Attachments)
		c.Attachments[0] = first
	} else {
		c.Msg = e.text
		s.read(e.by, c)
	}
	if e.custom != nil {
		c.CustomFields = e.custom
	}
	c.EditedAt, c.EditedBy = s.now(), e.by.ref()
	s.change(change{Kind: edited, Message: c, By: e.by.ref()})
	return nil
}

// described is the first attachment of a message whose text is that attachment's description, as older uploads have it.
func described(m *message) map[string]any {
	if len(m.Attachments) == 0 {
		return nil
	}
	first := object(m.Attachments[0])
	if first["description"] == nil {
		return nil
	}
	return first
}

func (s *Server) noEditing() error {
	e := refuse("error-action-not-allowed", "Message editing not allowed")
	e.Details = map[string]any{"method": "updateMessage", "action": "Message_editing"}
	return e
}

// mayEdit checks the permission and the time for a change of text.
func (s *Server) mayEdit(m *message, e edit) error {
	r := s.rooms[m.RID]
	own := m.U.ID == e.by.ID && !s.cfg.Settings.NoEditing
	if !own && (r == nil || !s.canIn(e.by, r, "edit-message")) {
		return s.noEditing()
	}
	limit := time.Duration(s.cfg.Settings.BlockEditInMinutes) * time.Minute
	if limit > 0 && !s.can(e.by, "bypass-time-limit-edit-and-delete") && m.TSRaw == nil && s.now().Sub(m.TS) >= limit {
		return refuseIn("updateMessage", "error-message-editing-blocked", "Message editing is blocked")
	}
	if err := s.mayPost(e.by, r); err != nil {
		return err
	}
	if e.custom != nil && !s.cfg.Settings.CustomFields {
		return plain("Custom fields not enabled")
	}
	return nil
}

// keepHistory leaves a hidden copy of a message where the settings want one.
func (s *Server) keepHistory(m *message, by *user) {
	if s.cfg.Settings.KeepHistory {
		s.copyHidden(m, by)
	}
}

// copyHidden inserts a hidden copy of a message, with everything that it had, under a new id. Streams are not told.
func (s *Server) copyHidden(m *message, by *user) {
	c := m.clone()
	c.ID, c.Hidden, c.Parent = objectID(), true, m.ID
	c.EditedAt, c.EditedBy = s.now(), by.ref()
	c.UpdatedAt = s.now()
	s.store.insert(c)
}

// erase deletes a message as deleteMessageValidatingPermission does (Rocket.Chat: deleteMessage.ts). Depending on the settings and on
// whether it has replies it goes into the trash, leaves a row of type "rm", or becomes hidden: then no list of deletions tells of it.
// The caller holds s.mu.
func (s *Server) erase(m *message, by *user) error {
	if s.closed {
		return ErrClosed
	}
	if !s.mayDelete(m, by) {
		return refuse("error-action-not-allowed", "Not allowed")
	}
	s.leave(m, by)
	keep := s.cfg.Settings.KeepHistory || m.TCount > 0
	show := s.cfg.Settings.ShowDeletedStatus || m.TCount > 0
	if m.File != nil && !keep {
		delete(s.files, m.File.ID)
	}
	switch {
	case show:
		if keep {
			s.copyHidden(m, by)
		}
		s.change(change{Kind: tombstoned, Message: s.tombstone(m, by), By: by.ref()})
	case keep:
		c := m.clone()
		c.Hidden, c.UpdatedAt = true, s.now()
		s.store.replace(c)
		s.tell(change{Kind: removed, Message: m, Before: m, By: by.ref()})
	default:
		s.store.remove(m, s.now())
		s.tell(change{Kind: removed, Message: m, Before: m, By: by.ref()})
	}
	s.forget(m)
	return nil
}

// tombstone is what stays of a deleted message.
func (s *Server) tombstone(m *message, by *user) *message {
	c := m.clone()
	c.T, c.Msg, c.Mentions, c.URLs, c.Attachments, c.Blocks = "rm", "", nil, nil, []any{}, nil
	c.Reactions, c.NoReactions, c.TShow = nil, true, false
	c.EditedAt, c.EditedBy = s.now(), by.ref()
	return c
}

// leave undoes the bookkeeping of a thread for a reply that goes: its root has one reply less. Streams are told when none is left.
func (s *Server) leave(m *message, by *user) {
	root := s.store.held[m.TMID]
	if m.TMID == "" || root == nil {
		return
	}
	c := root.clone()
	c.TCount--
	c.HasThread = true
	s.change(change{Kind: rootBumped, Message: c, By: by.ref(), Silent: c.TCount != 0})
}

// forget takes a deleted message out of its room's counts.
func (s *Server) forget(m *message) {
	r := s.rooms[m.RID]
	if r == nil {
		return
	}
	r.count--
	r.updatedAt = s.now()
	if r.last == nil || r.last.ID != m.ID {
		return
	}
	r.last = nil
	told := s.store.shelf(m.RID).told
	for _, other := range slices.Backward(told) {
		if !other.Hidden && other.T == "" {
			r.last = other
			return
		}
	}
}

// mayDelete is what canDeleteMessage checks.
func (s *Server) mayDelete(m *message, by *user) bool {
	r := s.rooms[m.RID]
	own := m.U.ID == by.ID && s.can(by, "delete-own-message")
	switch {
	case r == nil, !s.mayRead(by, r):
		return false
	case s.canIn(by, r, "force-delete-message"):
		return true
	case s.cfg.Settings.NoDeleting, !own && !s.canIn(by, r, "delete-message"):
		return false
	}
	limit := time.Duration(s.cfg.Settings.BlockDeleteInMinutes) * time.Minute
	return limit == 0 || s.can(by, "bypass-time-limit-edit-and-delete") || s.now().Sub(m.TS) <= limit
}
