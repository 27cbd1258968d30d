package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
)

// maxWebhooks is how many webhooks an app may have (CometChat: management-apis/webhooks/overview).
const maxWebhooks = 25

// Webhook is where an app's events are posted.
type Webhook struct {
	ID                 string   // goes into the envelope as "webhook"; required
	URL                string   // required
	Username, Password string   // basic auth, sent when Username is not empty
	Triggers           []string // empty = all
	RetryOnFailure     bool     // try again after each of CometChatConfig.RetryDelays until answered 200
	LiveShape          bool     // message_edited and message_deleted carry the message itself instead of the documented action
}

func (w *Webhook) wants(trigger string) bool {
	return len(w.Triggers) == 0 || slices.Contains(w.Triggers, trigger)
}

// envelope is the body of every webhook call (CometChat: webhooks/webhooks-events). There is no event id, no attempt and no time.
type envelope struct {
	Trigger string          `json:"trigger"`
	Data    json.RawMessage `json:"data"`
	AppID   string          `json:"appId"`
	Region  string          `json:"region"`
	Webhook string          `json:"webhook"`
}

// AddWebhook starts delivering events to a webhook, from now on. It fails without an ID or a usable URL, when the ID is taken,
// and at the documented number of 25.
func (s *CometChat) AddWebhook(w Webhook) error {
	if w.ID == "" {
		return errors.New("sim: webhook without ID")
	}
	target, err := url.Parse(w.URL)
	if err != nil {
		return fmt.Errorf("sim: webhook %s: %w", w.ID, err)
	}
	if target.Scheme != "http" && target.Scheme != "https" || target.Host == "" {
		return fmt.Errorf("sim: webhook %s: URL is not an absolute http address", w.ID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hook(w.ID) != nil {
		return fmt.Errorf("sim: webhook %s exists already", w.ID)
	}
	if len(s.hooks) >= maxWebhooks {
		return fmt.Errorf("sim: webhook %s: an app may have %d webhooks", w.ID, maxWebhooks)
	}
	w.Triggers = slices.Clone(w.Triggers)
	s.hooks = append(s.hooks, w)
	return nil
}

// RemoveWebhook ends deliveries to a webhook; what is queued or waits for a retry is dropped. An unknown id is ignored.
func (s *CometChat) RemoveWebhook(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = slices.DeleteFunc(s.hooks, func(w Webhook) bool { return w.ID == id })
}

// hook finds a webhook; the caller holds s.mu.
func (s *CometChat) hook(id string) *Webhook {
	i := slices.IndexFunc(s.hooks, func(w Webhook) bool { return w.ID == id })
	if i < 0 {
		return nil
	}
	return &s.hooks[i]
}

// fireSent fires what a new message causes; the caller holds s.mu.
func (s *CometChat) fireSent(m *message) {
	if s.cfg.RESTOnlyHooks && !m.rest {
		return
	}
	s.fire("message_sent", m.conversation, m.key(), func(*Webhook) any { return m.first })
	if len(s.mentions(m, view{})) > 0 {
		s.fire("user_mentioned", m.conversation, m.key(), func(*Webhook) any { return m.first })
	}
}

// fireChange fires message_edited or message_deleted; the caller holds s.mu.
func (s *CometChat) fireChange(trigger string, m, action *message) {
	s.fire(trigger, m.conversation, m.key(), func(w *Webhook) any {
		told := action
		if w.LiveShape {
			told = m
		}
		return map[string]any{"message": s.renderMessage(told, view{hook: true})}
	})
}

// fireReaction fires message_reaction_added or message_reaction_removed; the caller holds s.mu.
func (s *CometChat) fireReaction(trigger string, m *message, r reaction) {
	body := map[string]any{"reaction": s.renderReaction(m, r, view{hook: true})}
	s.fire(trigger, m.conversation, m.key(), func(*Webhook) any { return body })
}

// fireAdded fires group_member_added; the caller holds s.mu.
func (s *CometChat) fireAdded(g *group, by string, uids []string) {
	v := view{hook: true}
	members := map[string]any{}
	for _, uid := range uids {
		members[uid] = s.userEntity(uid, userConversation(by, uid), v).Entity
	}
	body := map[string]any{"group": s.renderGroup(g, v), "members": members, "by": s.userEntity(by, "", v).Entity}
	s.fire("group_member_added", groupConversation(g.guid), "", func(*Webhook) any { return body })
}

// fire queues an event for every webhook that wants it, with its payload as it is now; the caller holds s.mu.
func (s *CometChat) fire(trigger, room, messageID string, data func(*Webhook) any) {
	for i := range s.hooks {
		w := &s.hooks[i]
		if !w.wants(trigger) {
			continue
		}
		body := encode(envelope{
			Trigger: trigger, Data: encode(data(w)), AppID: s.cfg.AppID, Region: s.cfg.Region, Webhook: w.ID,
		})
		s.queue(laneKey{webhook: w.ID, room: room}, job{webhook: w.ID, trigger: trigger, messageID: messageID, body: body})
	}
}

// Redeliver sends message_sent of a message once more, with the payload of the first time, to every webhook that wants it. It
// fails when there is no such message.
func (s *CometChat) Redeliver(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.store.find(id)
	if m == nil || m.act != nil {
		return noMessage(id)
	}
	s.fire("message_sent", m.conversation, m.key(), func(*Webhook) any { return m.first })
	return nil
}
