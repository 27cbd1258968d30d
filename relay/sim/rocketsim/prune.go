package rocketsim

import (
	"fmt"
	"slices"
	"time"
)

// pruned is a change that took many messages of a room away at once; Message is one of them.
const pruned changeKind = "pruned"

// Prune says which messages of a room an administrator's clean-up takes away (Rocket.Chat: cleanRoomHistory.ts).
type Prune struct {
	Oldest, Latest time.Time // only messages between them, both excluded
	Users          []string  // only messages of these usernames; empty = of anybody
	Limit          int       // at most so many, the oldest first; 0 = no limit
}

// bulkDeletion is what the realtime API tells of a clean-up. The ids are told only when there was a limit: whoever listens must find
// out otherwise which messages are meant.
type bulkDeletion struct {
	RID              string         `json:"rid"`
	ExcludePinned    bool           `json:"excludePinned"`
	IgnoreDiscussion bool           `json:"ignoreDiscussion"`
	TS               map[string]any `json:"ts"`
	Users            []string       `json:"users"`
	IDs              []string       `json:"ids,omitempty"`
}

// Prune takes messages of a room, given by id or "#name", away for good and returns their ids. The realtime API tells it in one event;
// threads do not notice.
func (s *Server) Prune(at string, p Prune) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	r := s.place(nil, at)
	if r == nil {
		return nil, fmt.Errorf("rocketsim: there is no room %q", at)
	}
	gone := s.prunable(r, p)
	if len(gone) == 0 {
		return nil, nil
	}
	told := &bulkDeletion{
		RID: r.ID, TS: map[string]any{"$gt": ddpDate(p.Oldest), "$lt": ddpDate(p.Latest)}, Users: listed(p.Users),
	}
	var ids []string
	for _, m := range gone {
		s.store.remove(m, s.now())
		s.forget(m)
		ids = append(ids, m.ID)
	}
	if p.Limit > 0 {
		told.IDs = ids
	}
	s.tell(change{Kind: pruned, Message: gone[0], bulk: told})
	return ids, nil
}

// prunable are the messages that a clean-up takes away, the oldest first.
func (s *Server) prunable(r *room, p Prune) []*message {
	var gone []*message
	for _, m := range s.store.shelf(r.ID).told {
		mine := len(p.Users) == 0 || slices.Contains(p.Users, m.U.Username)
		if mine && !m.Hidden && m.TS.After(p.Oldest) && m.TS.Before(p.Latest) && (p.Limit == 0 || len(gone) < p.Limit) {
			gone = append(gone, m)
		}
	}
	return gone
}
