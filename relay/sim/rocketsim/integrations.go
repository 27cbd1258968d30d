package rocketsim

import "time"

// integration is an outgoing webhook as integrations.create keeps it (Rocket.Chat: core-typings IOutgoingIntegration). A kept one is
// never changed in place: a change puts a clone into Server.integrations, under s.mu.
type integration struct {
	ID, Name            string
	Username, UserID    string // who its answers are posted as
	Enabled             bool
	Event               string   // sendMessage, fileUploaded, …
	Channel             []string // "#name", "#id", "@user", all_public_channels, all_private_groups, all_direct_messages
	URLs                []string
	Token               string
	TriggerWords        []string
	TriggerWordAnyWhere bool
	RunOnEdits          bool
	RetryFailedCalls    bool
	RetryCount          int    // 0 when unset: the server then takes 4
	RetryDelay          string // powers-of-ten, powers-of-two, increments-of-two; empty when unset
	TargetRoom          string
	Alias, Avatar       string
	Emoji               string
	ScriptEnabled       bool
	ImpersonateUser     bool
	CreatedAt           time.Time
	CreatedBy           userRef
	UpdatedAt           time.Time
}

// outgoing is every outgoing integration, oldest first. It takes s.mu; the integrations are for reading only.
func (s *Server) outgoing() []*integration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*integration(nil), s.integrations...)
}

// changeIntegration replaces an integration by its changed clone, and reports whether there is one with that id. It takes s.mu.
func (s *Server) changeIntegration(id string, change func(*integration)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, in := range s.integrations {
		if in.ID == id {
			clone := *in
			change(&clone)
			clone.UpdatedAt = s.now()
			s.integrations = append([]*integration(nil), s.integrations...)
			s.integrations[i] = &clone
			return true
		}
	}
	return false
}
