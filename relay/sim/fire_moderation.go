package sim

// fireModeration fires moderation_engine_approved or moderation_engine_blocked; the caller holds s.mu.
func (s *CometChat) fireModeration(trigger string, m *message) {
	body := map[string]any{"message": s.renderMessage(m, view{hook: true})}
	s.fire(event{trigger: trigger, room: m.conversation, messageID: m.key(), data: always(body)})
}

// fireManual fires moderation_manual_approved, which tells besides what had stopped the message.
func (s *CometChat) fireManual(m *message) {
	rule := map[string]any{
		"condition": map[string]any{
			"id": 1, "entity": "message", "operand": "text", "category": "keyword", "operator": "contains",
			"value": []string{"sim-words"}, "message": "Text message contains keywords from the list",
		},
		"rule": map[string]any{
			"id": "sim-words", "name": "Words of the simulator", "revisionId": s.cfg.AppID + "_sim-words_1",
			"action": []string{"blockMessage"}, "blockedAt": seconds(m.sentAt),
		},
	}
	body := map[string]any{
		"message": s.renderMessage(m, view{hook: true}), "moderation": []any{rule}, "reviewed": true,
	}
	s.fire(event{trigger: "moderation_manual_approved", room: m.conversation, messageID: m.key(), data: always(body)})
}

// fireFailed fires moderation_engine_failed, whose data names the message without its content.
func (s *CometChat) fireFailed(m *message) {
	resource := map[string]any{
		"id": m.key(), "conversationId": m.conversation, "sender": m.sender, "receiverType": m.receiverType,
		"receiver": m.receiver, "category": m.category, "type": m.kind, "sentAt": seconds(m.sentAt),
	}
	now := s.cfg.Now().Unix()
	body := map[string]any{
		"resource": resource, "contentType": m.kind, "outcome": statusApproved, "completedAt": now,
		"failures": []any{map[string]any{
			"timeoutMs": 2000, "failedAt": now, "category": "http_5xx", "httpStatus": 500,
			"errorMessage": "Your moderation endpoint returned HTTP 500.",
		}},
	}
	s.fire(event{trigger: "moderation_engine_failed", room: m.conversation, messageID: m.key(), data: always(body)})
}
