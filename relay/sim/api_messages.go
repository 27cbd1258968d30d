package sim

import (
	"encoding/json"
	"maps"
	"net/http"
)

type sendBody struct {
	Receiver          string          `json:"receiver"`
	ReceiverType      string          `json:"receiverType"`
	Category          string          `json:"category"`
	Type              string          `json:"type"`
	MUID              string          `json:"muid"`
	Data              map[string]any  `json:"data"`
	MultipleReceivers json.RawMessage `json:"multipleReceivers"`
	Tags              []string        `json:"tags"`
}

// POST /messages: without onBehalfOf the system user is the sender.
func (s *CometChat) sendMessage(c *call) (answer, error) { return s.send(c, c.actor(), "") }

// POST /messages/{id}/thread.
func (s *CometChat) sendThread(c *call) (answer, error) {
	if c.uid == "" {
		return answer{}, required("onBehalfOf")
	}
	return s.send(c, c.uid, c.path("id"))
}

// POST /bots/{uid}/messages: the sender stands in the path. Every user counts as a bot.
func (s *CometChat) sendAsBot(c *call) (answer, error) {
	bot, err := s.user(c.path("uid"))
	if err != nil {
		return answer{}, refuse(http.StatusNotFound, "ERR_BOT_NOT_FOUND", "The bot with UID %s does not exist.", c.path("uid"))
	}
	return s.send(c, bot.UID, "")
}

func (s *CometChat) send(c *call, sender, parent string) (answer, error) {
	var b sendBody
	if err := c.decode(&b); err != nil {
		return answer{}, err
	}
	if len(b.MultipleReceivers) > 0 {
		return answer{}, badField("multipleReceivers", "This simulator does not send to multiple receivers.")
	}
	from, err := s.user(sender)
	if err != nil {
		return answer{}, err
	}
	if err := s.takeSend(from.UID, c.header); err != nil {
		return answer{}, err
	}
	m, err := s.post(posting{
		sender: from, receiver: b.Receiver, receiverType: b.ReceiverType, parent: parent, category: b.Category, kind: b.Type,
		muid: b.MUID, data: b.Data, tags: b.Tags, rest: true,
	})
	if err != nil {
		return answer{}, err
	}
	return s.one(c, m), nil
}

// one answers with a message as the caller sees it.
func (s *CometChat) one(c *call, m *message) answer {
	return answer{Data: s.renderMessage(m, view{viewer: c.uid})}
}

// GET /messages/{id}.
func (s *CometChat) getMessage(c *call) (answer, error) {
	m, err := s.visible(c.uid, c.path("id"))
	if err != nil {
		return answer{}, err
	}
	return s.one(c, m), nil
}

// PUT /messages/{id} answers with the action message that records the edit.
func (s *CometChat) updateMessage(c *call) (answer, error) {
	var b struct {
		Data map[string]any `json:"data"`
		Tags []string       `json:"tags"`
	}
	m, err := s.own(c.uid, c.path("id"))
	if err != nil {
		return answer{}, err
	}
	if err := c.decode(&b); err != nil {
		return answer{}, err
	}
	if len(b.Data) == 0 && b.Tags == nil {
		return answer{}, required("data")
	}
	for _, computed := range []string{"entities", "mentions", "reactions"} {
		delete(b.Data, computed)
	}
	if _, ok := b.Data["text"]; ok {
		if err := checkText(b.Data); err != nil {
			return answer{}, err
		}
	}
	merged := maps.Clone(m.data)
	maps.Copy(merged, b.Data)
	if err := checkData(merged); err != nil {
		return answer{}, err
	}
	return s.one(c, s.edit(m, c.actor(), b.Data, b.Tags)), nil
}

// DELETE /messages/{id} answers with the action message that records the deletion.
func (s *CometChat) deleteMessage(c *call) (answer, error) {
	var b struct {
		Permanent bool `json:"permanent"`
	}
	if err := c.decode(&b); err != nil {
		return answer{}, err
	}
	m, err := s.own(c.uid, c.path("id"))
	if err != nil {
		return answer{}, err
	}
	return s.one(c, s.erase(m, c.actor(), b.Permanent)), nil
}

// GET /messages/{id}/reactions and /messages/{id}/reactions/{emoji}.
func (s *CometChat) listReactions(c *call) (answer, error) {
	m, err := s.visible(c.uid, c.path("id"))
	if err != nil {
		return answer{}, err
	}
	l, err := parseListing(c.r.URL.Query(), listing{size: defaultLimit, affix: affixAppend})
	if err != nil {
		return answer{}, err
	}
	emoji := c.path("emoji")
	rows := []wireReaction{}
	var last string
	for _, r := range m.reactions {
		if r.id <= l.id || emoji != "" && r.emoji != emoji {
			continue
		}
		if len(rows) == l.size {
			break
		}
		row := s.renderReaction(m, r, view{viewer: c.uid})
		rows, last = append(rows, row), row.ID
	}
	meta := cursorMeta{Current: current{Limit: l.size, Count: len(rows)}}
	if len(rows) > 0 {
		meta.Next = &next{Affix: affixAppend, ID: last}
	}
	return answer{Data: rows, Meta: meta}, nil
}

// POST /messages/{id}/reactions/{emoji} answers with the message.
func (s *CometChat) addReaction(c *call) (answer, error) { return s.changeReaction(c, s.react) }

// DELETE /messages/{id}/reactions/{emoji} answers with the message.
func (s *CometChat) removeReaction(c *call) (answer, error) { return s.changeReaction(c, s.unreact) }

func (s *CometChat) changeReaction(c *call, do func(m *message, uid, emoji string) error) (answer, error) {
	if c.uid == "" {
		return answer{}, required("onBehalfOf")
	}
	m, err := s.visible(c.uid, c.path("id"))
	if err != nil {
		return answer{}, err
	}
	if err := do(m, c.uid, c.path("emoji")); err != nil {
		return answer{}, err
	}
	return s.one(c, m), nil
}
