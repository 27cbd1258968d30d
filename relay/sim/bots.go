package sim

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// botPrefix stands before a bot's uid where a delivery names its webhook.
const botPrefix = "bot/"

const maxBots = 25 // of an app (CometChat: articles/properties-and-constraints)

// Bot makes a user a bot: messages to it one-to-one, and those in its groups that Groups selects, are posted to its URL in the
// shape of a legacy after_message (CometChat: sdk/android/3.0/bots). Its own messages are not.
type Bot struct {
	UID                string // of an existing user
	URL                string // where messages are posted; empty is a bot that is called nowhere, which REST cannot make
	Groups             string // allMessages, slashedMessages, mentionedMessages or none; empty is none
	Username, Password string // basic auth, sent when Username is not empty
	Enabled            bool   // false: it may be spoken for, but is not called

	createdAt time.Time
}

// AddBot makes a user a bot. It fails when the user does not exist or is a bot, when Groups is none of its values, and at the
// documented number of 25.
func (s *CometChat) AddBot(b Bot) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.addBot(b)
	return err
}

func (s *CometChat) addBot(b Bot) (*Bot, error) {
	p, err := s.user(b.UID)
	if err != nil {
		return nil, err
	}
	b.UID, b.createdAt = p.UID, s.cfg.Now()
	switch {
	case s.bots[b.UID] != nil:
		return nil, refuse(http.StatusBadRequest, "ERR_BOT_ALREADY_EXISTS", "The user with UID %s is a bot already.", b.UID)
	case len(s.bots) >= maxBots:
		return nil, refuse(http.StatusBadRequest, "ERR_PLAN_QUOTA_RESTRICTION", "An app may have %d bots.", maxBots)
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	s.bots[b.UID] = &b
	return &b, nil
}

// check fills the default of Groups and refuses what is none of its values.
func (b *Bot) check() error {
	switch b.Groups {
	case "":
		b.Groups = "none"
	case "allMessages", "slashedMessages", "mentionedMessages", "none":
	default:
		return badField("groupChatSetting", "The selected groupChatSetting is invalid.")
	}
	return nil
}

// bot finds a bot; the caller holds s.mu.
func (s *CometChat) bot(uid string) (*Bot, error) {
	if b := s.bots[strings.ToLower(uid)]; b != nil {
		return b, nil
	}
	return nil, refuse(http.StatusNotFound, "ERR_BOT_NOT_FOUND", "The bot with UID %s does not exist.", uid)
}

// relayToBots calls the bots that a message is for; the caller holds s.mu.
func (s *CometChat) relayToBots(m *message) {
	for _, uid := range slices.Sorted(maps.Keys(s.bots)) {
		b := s.bots[uid]
		if !b.Enabled || b.URL == "" || m.sender == uid || !s.botHears(b, m) {
			continue
		}
		body := encode(envelope{
			Trigger: "after_message", Data: encode(s.renderMessage(m, view{hook: true})), AppID: s.cfg.AppID, Origin: apiOrigin(),
			Version: apiVersion, Region: s.cfg.Region, Bot: uid,
		})
		id := botPrefix + uid
		s.dispatch(laneKey{webhook: id, room: m.conversation}, job{webhook: id, trigger: "after_message", messageID: m.key(), body: body}, m.fault)
	}
}

func (s *CometChat) botHears(b *Bot, m *message) bool {
	if m.receiverType == "user" {
		return m.receiver == b.UID
	}
	if g := s.groups[m.receiver]; g == nil || !g.has(b.UID) {
		return false
	}
	switch b.Groups {
	case "allMessages":
		return true
	case "slashedMessages":
		return strings.HasPrefix(m.text(), "/")
	case "mentionedMessages":
		return filter{}.names(m.text(), b.UID)
	}
	return false
}
