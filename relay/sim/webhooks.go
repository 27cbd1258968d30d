package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// maxWebhooks is how many webhooks an app may have (CometChat: management-apis/webhooks/overview).
const maxWebhooks = 25

// Webhook is where an app's events are posted.
type Webhook struct {
	ID                 string   // goes into the envelope as "webhook"; required
	URL                string   // required
	Username, Password string   // basic auth, sent when Username is not empty
	Triggers           []string // empty = all; in the legacy mode the legacy names
	RetryOnFailure     bool     // try again after each of CometChatConfig.RetryDelays until answered 200
	LiveShape          bool     // message_edited and message_deleted carry the message itself instead of the documented action
}

func (w *Webhook) wants(trigger string) bool {
	return len(w.Triggers) == 0 || slices.Contains(w.Triggers, trigger)
}

// envelope is the body of every webhook call (CometChat: webhooks/webhooks-events). There is no event id, no attempt and no time.
// Legacy webhooks and bots have an origin and a version besides, and bots name the bot instead of the webhook (CometChat:
// fundamentals/webhooks-legacy-events, sdk/android/3.0/bots).
type envelope struct {
	Trigger string          `json:"trigger"`
	Data    json.RawMessage `json:"data"`
	AppID   string          `json:"appId"`
	Origin  *origin         `json:"origin,omitempty"`
	Version string          `json:"chatAPIVersion,omitempty"`
	Region  string          `json:"region"`
	Webhook string          `json:"webhook,omitempty"`
	Bot     string          `json:"bot,omitempty"`
}

type origin struct {
	Platform string `json:"platform"`
	Language string `json:"language"`
	Resource string `json:"resource"`
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

// target finds where a job goes: a webhook, or a bot as one; the caller holds s.mu.
func (s *CometChat) target(id string) *Webhook {
	uid, isBot := strings.CutPrefix(id, botPrefix)
	if !isBot {
		return s.hook(id)
	}
	b := s.bots[uid]
	if b == nil || !b.Enabled {
		return nil
	}
	return &Webhook{ID: id, URL: b.URL, Username: b.Username, Password: b.Password}
}

// Redeliver sends message_sent of a message once more, with the payload of the first time, to every webhook that wants it (in
// the legacy mode after_message, as the message is now). It fails when there is no such message.
func (s *CometChat) Redeliver(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.store.find(id)
	if m == nil || m.act != nil {
		return noMessage(id)
	}
	if m.first == nil {
		m.first = encode(map[string]any{"message": s.renderMessage(m, view{hook: true})})
	}
	if s.cfg.LegacyHooks {
		s.fireAfter(m)
		return nil
	}
	s.fire(event{trigger: "message_sent", room: m.conversation, messageID: m.key(), data: always(m.first)})
	return nil
}
