package rocketsim

import (
	"encoding/json"
	"slices"
	"strings"
)

// integrationSchema is the two kinds of integrations (Rocket.Chat: rest-typings IntegrationsCreateProps).
func integrationSchema() schema {
	must := func(kind string) schema { return schema{kind: kind} }
	common := func(kind string) map[string]schema {
		return map[string]schema{
			"type": {kind: "string", pattern: kind}, "username": must("string"), "channel": must("string"),
			"scriptEnabled": must("boolean"), "script": nullText(), "name": must("string"), "enabled": must("boolean"),
			"alias": nullText(), "avatar": nullText(), "emoji": nullText(),
		}
	}
	incoming, outgoing := common("webhook-incoming"), common("webhook-outgoing")
	incoming["overrideDestinationChannelEnabled"] = flag()
	for name, sc := range map[string]schema{
		"event": must("string"), "targetRoom": nullText(), "urls": arrayOf(someText()), "triggerWords": arrayOf(someText()),
		"triggerWordAnywhere": flag(), "token": nullText(), "runOnEdits": flag(), "retryFailedCalls": flag(),
		"retryCount": {kind: "number", nullable: true}, "retryDelay": nullText(), "impersonateUser": flag(),
	} {
		outgoing[name] = sc
	}
	required := []string{"type", "username", "channel", "scriptEnabled", "name", "enabled"}
	return schema{oneOf: []schema{
		shape(required, incoming),
		shape([]string{"type", "username", "channel", "event", "scriptEnabled", "name", "enabled"}, outgoing),
	}}
}

// createIntegration is POST integrations.create for outgoing webhooks; incoming ones are not simulated and are refused as an unknown
// type would be.
func (s *Server) createIntegration(c *call) (map[string]any, error) {
	if c.text("type") != "webhook-outgoing" {
		return nil, plain("Invalid integration type.")
	}
	if !s.can(c.user, "manage-outgoing-integrations") && !s.can(c.user, "manage-own-outgoing-integrations") {
		return nil, refuse("not_authorized", "")
	}
	in := integrationOf(c.params)
	in.CreatedBy = userRef{ID: c.user.ID, Username: c.user.Username}
	made, err := s.addIntegration(in)
	if err != nil {
		return nil, err
	}
	return map[string]any{"integration": made.doc()}, nil
}

// integrationOf reads the parameters of an outgoing webhook.
func integrationOf(b map[string]any) integration {
	in := integration{
		Name: text(b["name"]), Username: text(b["username"]), Event: text(b["event"]), URLs: texts(b["urls"]), Token: text(b["token"]),
		TriggerWords: texts(b["triggerWords"]), RetryDelay: text(b["retryDelay"]), TargetRoom: text(b["targetRoom"]),
		Alias: text(b["alias"]), Avatar: text(b["avatar"]), Emoji: text(b["emoji"]),
	}
	for key, to := range map[string]*bool{
		"enabled": &in.Enabled, "triggerWordAnywhere": &in.TriggerWordAnyWhere, "runOnEdits": &in.RunOnEdits,
		"retryFailedCalls": &in.RetryFailedCalls, "scriptEnabled": &in.ScriptEnabled, "impersonateUser": &in.ImpersonateUser,
	} {
		*to = b[key] == true
	}
	if n, ok := b["retryCount"].(json.Number); ok {
		count, err := n.Int64()
		if err == nil {
			in.RetryCount = int(count)
		}
	}
	for _, one := range strings.Split(text(b["channel"]), ",") {
		if one = strings.TrimSpace(one); one != "" {
			in.Channel = append(in.Channel, one)
		}
	}
	return in
}

// addIntegration checks and keeps an outgoing webhook (Rocket.Chat: validateOutgoingIntegration.ts, from memory); the caller holds s.mu.
// Without a channel it is for all public ones, and without a token it gets one.
func (s *Server) addIntegration(in integration) (*integration, error) {
	events := []string{
		"sendMessage", "fileUploaded", "roomArchived", "roomCreated", "roomJoined", "roomLeft", "userCreated",
	}
	u := s.names[in.Username]
	switch {
	case s.closed:
		return nil, ErrClosed
	case !slices.Contains(events, in.Event):
		return nil, refuse("error-invalid-event-type", "Invalid event type")
	case in.Username == "":
		return nil, refuse("error-invalid-username", "Invalid username")
	case len(in.URLs) == 0:
		return nil, refuse("error-invalid-urls", "Invalid URLs")
	case u == nil:
		return nil, refuse("error-invalid-user", "Invalid user (did you delete the `rocket.cat` user?)")
	}
	if len(in.Channel) == 0 {
		in.Channel = []string{"all_public_channels"}
	}
	for _, at := range in.Channel {
		if err := s.checkChannel(at); err != nil {
			return nil, err
		}
	}
	if in.ID == "" {
		in.ID = objectID()
	}
	in.UserID = u.ID
	if in.Token == "" {
		in.Token = random(24)
	}
	in.CreatedAt = s.now()
	in.UpdatedAt = in.CreatedAt
	s.integrations = append(slices.Clone(s.integrations), &in)
	s.touch()
	return &in, nil
}

// checkChannel checks one place that a webhook is for.
func (s *Server) checkChannel(at string) error {
	if slices.Contains([]string{"all_public_channels", "all_private_groups", "all_direct_messages"}, at) {
		return nil
	}
	switch name := at[1:]; at[0] {
	case '#':
		if s.rooms[name] == nil && s.find("", name) == nil {
			return refuse("error-invalid-room", "Invalid room")
		}
	case '@':
		if s.names[name] == nil && s.users[name] == nil {
			return refuse("error-invalid-room", "Invalid room")
		}
	default:
		return refuse("error-invalid-channel-start-with-chars", "Invalid channel. Start with @ or #")
	}
	return nil
}

// doc is an integration as the API shows one.
func (in *integration) doc() map[string]any {
	d := map[string]any{
		"_id": in.ID, "type": "webhook-outgoing", "name": in.Name, "username": in.Username, "userId": in.UserID, "enabled": in.Enabled,
		"event": in.Event, "channel": in.Channel, "urls": in.URLs, "token": in.Token, "triggerWords": listed(in.TriggerWords),
		"triggerWordAnywhere": in.TriggerWordAnyWhere, "runOnEdits": in.RunOnEdits, "retryFailedCalls": in.RetryFailedCalls,
		"scriptEnabled": in.ScriptEnabled, "impersonateUser": in.ImpersonateUser, "scriptEngine": "isolated-vm",
		"_createdAt": isoDate(in.CreatedAt), "_createdBy": in.CreatedBy, "_updatedAt": isoDate(in.UpdatedAt),
	}
	for key, value := range map[string]string{
		"retryDelay": in.RetryDelay, "targetRoom": in.TargetRoom, "alias": in.Alias, "avatar": in.Avatar, "emoji": in.Emoji,
	} {
		if value != "" {
			d[key] = value
		}
	}
	if in.RetryCount != 0 {
		d["retryCount"] = in.RetryCount
	}
	return d
}
