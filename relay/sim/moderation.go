package sim

import (
	"net/http"
	"strings"
)

// The values of data.moderation.status (CometChat: JavaScript SDK).
const (
	statusPending     = "pending"
	statusApproved    = "approved"
	statusDisapproved = "disapproved"
	statusUnmoderated = "unmoderated"
)

// Moderation is the app's moderation engine. It looks for words in texts and file names when a message is sent; edits are not judged
// again. What no word matches is approved: message_sent carries the status, and moderation_engine_approved follows. Messages
// without words, such as custom ones, are unmoderated and fire message_sent alone.
//
// Lists, single messages and conversations show every message, whatever its status.
type Moderation struct {
	// Pending words leave a message undecided until Approve or Disapprove.
	Pending []string
	// HoldPending keeps message_sent of a pending message back until Approve; otherwise it is fired at once, with the status pending.
	// Which of the two the platform does is not documented.
	HoldPending bool
	// Blocked words get a message disapproved: moderation_engine_blocked is fired and message_sent is not, as public live test suites
	// report of the real service.
	Blocked []string
	// Failing words make the engine fail: moderation_engine_failed is fired, and the message passes.
	Failing []string
}

// Moderate sets the moderation engine for the messages to come; nil, the default, is none.
func (s *CometChat) Moderate(m *Moderation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.engine = nil
	if m != nil {
		engine := *m
		s.engine = &engine
	}
}

// judge gives the status of a new message; the caller holds s.mu.
func (s *CometChat) judge(m *message) string {
	if s.engine == nil {
		return ""
	}
	words := m.words()
	switch {
	case words == "":
		return statusUnmoderated
	case contains(words, s.engine.Blocked):
		return statusDisapproved
	case contains(words, s.engine.Pending):
		return statusPending
	}
	return statusApproved
}

// words is what a moderation engine reads of a message.
func (m *message) words() string {
	words := []string{m.text()}
	files, _ := m.data["attachments"].([]any)
	for _, f := range files {
		file, _ := f.(map[string]any)
		name, _ := file["name"].(string)
		words = append(words, name)
	}
	return strings.ToLower(strings.TrimSpace(strings.Join(words, " ")))
}

func contains(text string, words []string) bool {
	for _, w := range words {
		if w != "" && strings.Contains(text, strings.ToLower(w)) {
			return true
		}
	}
	return false
}

// fireNew fires what a new message causes, by its moderation status; the caller holds s.mu.
func (s *CometChat) fireNew(m *message) {
	switch m.moderation {
	case statusDisapproved:
		s.fireModeration("moderation_engine_blocked", m)
	case statusPending:
		if !s.engine.HoldPending {
			s.announce(m)
		}
	case statusApproved:
		s.announce(m)
		if contains(m.words(), s.engine.Failing) {
			s.fireFailed(m)
			return
		}
		s.fireModeration("moderation_engine_approved", m)
	default:
		s.announce(m)
	}
}

// Approve lets a message pass. One that was pending fires moderation_engine_approved, as if the engine had come to its verdict; one that was
// disapproved fires moderation_manual_approved, as if a moderator had overruled the engine. A pending message whose message_sent was
// held back fires that too, first. It fails when there is no such message or nothing to decide.
func (s *CometChat) Approve(id string) error {
	return s.decideOn(id, statusApproved, func(m *message, was string) {
		if was == statusDisapproved {
			s.fireManual(m)
			return
		}
		if !m.announced {
			m.first = encode(map[string]any{"message": s.renderMessage(m, view{hook: true})})
			s.announce(m)
		}
		s.fireModeration("moderation_engine_approved", m)
	})
}

// Disapprove rejects a pending or approved message and fires moderation_engine_blocked, the only documented trigger for it. It fails
// when there is no such message or nothing to decide.
func (s *CometChat) Disapprove(id string) error {
	return s.decideOn(id, statusDisapproved, func(m *message, _ string) { s.fireModeration("moderation_engine_blocked", m) })
}

func (s *CometChat) decideOn(id, status string, fire func(m *message, was string)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	m := s.store.find(id)
	switch {
	case m == nil:
		return noMessage(id)
	case m.moderation == status, m.moderation == "", m.moderation == statusUnmoderated:
		return refuse(http.StatusBadRequest, "ERR_BAD_REQUEST", "There is nothing to decide about the message with ID %s.", id)
	}
	was := m.moderation
	m.moderation, m.updatedAt = status, s.cfg.Now()
	s.store.change(m)
	fire(m, was)
	s.touch()
	return nil
}
