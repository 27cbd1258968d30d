package rocketsim

import "slices"

// permissions says which roles have a permission by default (Rocket.Chat: app/authorization/server/constant/permissions.ts), for those
// permissions that the simulated API asks about.
func permissions() map[string][]string {
	return map[string][]string{
		"access-permissions":                {"admin"},
		"api-bypass-rate-limit":             {"admin", "bot", "app"},
		"bypass-time-limit-edit-and-delete": {"bot", "app"},
		"create-personal-access-tokens":     {"admin", "user"},
		"delete-message":                    {"admin", "owner", "moderator"},
		"delete-own-message":                {"admin", "user"},
		"edit-message":                      {"admin", "owner", "moderator"},
		"force-delete-message":              {"admin", "owner"},
		"manage-own-outgoing-integrations":  {"admin"},
		"manage-outgoing-integrations":      {"admin"},
		"mention-all":                       {"admin", "owner", "moderator", "user"},
		"mention-here":                      {"admin", "owner", "moderator", "user"},
		"message-impersonate":               {"bot", "app"},
		"post-readonly":                     {"admin", "owner", "moderator"},
		"send-many-messages":                {"admin", "bot", "app"},
		"view-broadcast-member-list":        {"admin", "owner", "moderator"},
		"view-c-room":                       {"admin", "user", "bot", "app", "anonymous"},
		"view-full-other-user-info":         {"admin"},
		"view-joined-room":                  {"guest", "bot", "app", "anonymous"},
		"get-server-info":                   {"admin"},
		"view-room-administration":          {"admin"},
	}
}

// can tells whether a user has a permission by the user's own roles; the caller holds s.mu.
func (s *Server) can(u *user, permission string) bool {
	if permission == "view-c-room" && s.cfg.Settings.NoAccessToUnjoinedRoom {
		return slices.Contains(u.Roles, "admin")
	}
	return slices.ContainsFunc(permissions()[permission], func(role string) bool { return slices.Contains(u.Roles, role) })
}

// canIn is can with the roles that a user has in a room: its owner has the role owner there. The caller holds s.mu.
func (s *Server) canIn(u *user, r *room, permission string) bool {
	return s.can(u, permission) || r.owner == u.ID && slices.Contains(permissions()[permission], "owner")
}
