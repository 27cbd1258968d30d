package sim

// event is something that webhooks are told of.
type event struct {
	trigger   string
	room      string             // conversation id, whose events stay in order
	messageID string             // the message that it is about; empty for events of groups and people
	data      func(*Webhook) any // payload for a webhook
	fault     *DeliveryFault     // asked for by the message's text
}

func always(payload any) func(*Webhook) any { return func(*Webhook) any { return payload } }

// legacyTrigger is the name of a trigger among the legacy ones; false for those that have none.
func legacyTrigger(trigger string) (string, bool) {
	switch trigger {
	case "after_message", "message_delivery_receipt", "message_read_receipt":
		return trigger, true
	case "user_connection_status_changed":
		return "after_connection_status_changed", true
	}
	return "", false
}

// fire queues an event for every webhook that wants it, with its payload as it is now; the caller holds s.mu.
func (s *CometChat) fire(e event) {
	env := envelope{Trigger: e.trigger, AppID: s.cfg.AppID, Region: s.cfg.Region}
	if s.cfg.LegacyHooks {
		name, ok := legacyTrigger(e.trigger)
		if !ok {
			return
		}
		env.Trigger, env.Origin, env.Version = name, apiOrigin(), apiVersion
	}
	for i := range s.hooks {
		w := &s.hooks[i]
		if !w.wants(env.Trigger) {
			continue
		}
		env.Webhook, env.Data = w.ID, encode(e.data(w))
		j := job{webhook: w.ID, trigger: env.Trigger, messageID: e.messageID, body: encode(env)}
		s.dispatch(laneKey{webhook: w.ID, room: e.room}, j, e.fault)
	}
}

const apiVersion = "3.0"

// apiOrigin is what legacy webhooks and bots are told of where a message came from; the same for every message here.
func apiOrigin() *origin {
	return &origin{Platform: "web", Language: "reactjs", Resource: "chat-widget"}
}

// announce fires message_sent and user_mentioned, and calls the bots that the message is for; the caller holds s.mu.
func (s *CometChat) announce(m *message) {
	m.announced = true
	if !s.cfg.RESTOnlyHooks || m.rest {
		s.fireSent(m)
	}
	s.relayToBots(m)
}

func (s *CometChat) fireSent(m *message) {
	if s.cfg.LegacyHooks {
		s.fireAfter(m)
		return
	}
	e := event{trigger: "message_sent", room: m.conversation, messageID: m.key(), data: always(m.first), fault: m.fault}
	s.fire(e)
	if len(s.mentions(m, view{})) > 0 {
		e.trigger = "user_mentioned"
		s.fire(e)
	}
}

// fireAfter fires the legacy after_message, whose data is the message itself. It is fired for action messages, too; the
// documents leave that open.
func (s *CometChat) fireAfter(m *message) {
	about := m
	if m.act != nil && m.act.on != nil {
		about = m.act.on
	}
	s.fire(event{
		trigger: "after_message", room: m.conversation, messageID: about.key(), data: always(s.renderMessage(m, view{hook: true})),
		fault: m.fault,
	})
}

// fireChange fires message_edited or message_deleted; the caller holds s.mu.
func (s *CometChat) fireChange(trigger string, m, action *message) {
	if s.cfg.LegacyHooks {
		s.fireAfter(action)
		return
	}
	s.fire(event{trigger: trigger, room: m.conversation, messageID: m.key(), data: func(w *Webhook) any {
		told := action
		if w.LiveShape {
			told = m
		}
		return map[string]any{"message": s.renderMessage(told, view{hook: true})}
	}})
}

// fireReaction fires message_reaction_added or message_reaction_removed; the caller holds s.mu.
func (s *CometChat) fireReaction(trigger string, m *message, r reaction) {
	body := map[string]any{"reaction": s.renderReaction(m, r, view{hook: true})}
	s.fire(event{trigger: trigger, room: m.conversation, messageID: m.key(), data: always(body)})
}

// firePin fires message_pinned or message_unpinned; no document shows their payload.
func (s *CometChat) firePin(trigger string, m *message) {
	body := map[string]any{"message": s.renderMessage(m, view{hook: true})}
	s.fire(event{trigger: trigger, room: m.conversation, messageID: m.key(), data: always(body)})
	s.touch()
}

// fireReceipt fires a receipt of one user, or of the system user for all; the caller holds s.mu.
func (s *CometChat) fireReceipt(trigger string, m *message, by *person, action string) {
	receiver := m.sender
	if m.receiverType == "group" {
		receiver = m.receiver
	}
	user := s.renderUser(by, "", view{hook: true})
	no := false
	if by.UID != systemUID {
		user.HasBlockedMe, user.BlockedByMe = &no, &no
	}
	body := map[string]any{
		"receiver": receiver, "receiverType": m.receiverType, "type": "receipts", "sender": by.UID, "messageSender": m.sender,
		"body": map[string]any{"action": action, "messageId": m.key(), "user": user, "timestamp": s.cfg.Now().Unix()},
	}
	s.fire(event{trigger: trigger, room: m.conversation, messageID: m.key(), data: always(body)})
}

// fireGroup fires an event of a group as such: group_created, group_updated, group_deleted, group_owner_transferred. No
// document shows their payload.
func (s *CometChat) fireGroup(trigger string, g *group, by string) {
	v := view{hook: true}
	body := map[string]any{"group": s.renderGroup(g, v), "by": s.userEntity(by, "", v).Entity}
	s.fire(event{trigger: trigger, room: groupConversation(g.guid), data: always(body)})
}

// fireMembers fires an event about members of a group; by is empty for what they did themselves. The action messages stand for
// it in the legacy mode. The caller holds s.mu.
func (s *CometChat) fireMembers(trigger string, g *group, by string, actions ...*message) {
	v := view{hook: true}
	members := map[string]any{}
	for _, action := range actions {
		uid := action.act.whom
		conversation := ""
		if by != "" && by != uid {
			conversation = userConversation(by, uid)
		}
		members[uid] = s.userEntity(uid, conversation, v).Entity
		if s.cfg.LegacyHooks {
			s.fireAfter(action)
		}
	}
	body := map[string]any{"group": s.renderGroup(g, v), "members": members}
	if by != "" {
		body["by"] = s.userEntity(by, "", v).Entity
	}
	s.fire(event{trigger: trigger, room: groupConversation(g.guid), data: always(body)})
}
