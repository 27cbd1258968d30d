package sim

import (
	"maps"
	"net/http"
)

type sendBody struct {
	Receiver          string         `json:"receiver"`
	ReceiverType      string         `json:"receiverType"`
	Category          string         `json:"category"`
	Type              string         `json:"type"`
	MUID              string         `json:"muid"`
	Data              map[string]any `json:"data"`
	Tags              []string       `json:"tags"`
	MultipleReceivers *receivers     `json:"multipleReceivers"`
}

type receivers struct {
	UIDs  []string `json:"uids"`
	GUIDs []string `json:"guids"`
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

// POST /bots/{uid}/messages: the sender stands in the path.
func (s *CometChat) sendAsBot(c *call) (answer, error) {
	bot, err := s.bot(c.path("uid"))
	if err != nil {
		return answer{}, err
	}
	return s.send(c, bot.UID, "")
}

// send answers with the message; with several receivers each gets one of its own, and the answer is the first. The documents
// show no example of that.
func (s *CometChat) send(c *call, sender, parent string) (answer, error) {
	var b sendBody
	if err := c.decode(&b); err != nil {
		return answer{}, err
	}
	from, err := s.user(sender)
	if err != nil {
		return answer{}, err
	}
	if err := s.takeSend(from.UID, c.header); err != nil {
		return answer{}, err
	}
	p := posting{
		sender: from, receiver: b.Receiver, receiverType: b.ReceiverType, parent: parent, category: b.Category, kind: b.Type,
		muid: b.MUID, data: b.Data, tags: b.Tags, rest: true,
	}
	sent, err := s.postAll(p.spread(b.MultipleReceivers))
	if err != nil {
		return answer{}, err
	}
	return s.one(c, sent[0]), nil
}

// spread makes a posting for each receiver.
func (p posting) spread(r *receivers) []posting {
	if r == nil {
		return []posting{p}
	}
	var all []posting
	if p.receiver != "" {
		all = append(all, p)
	}
	add := func(kind string, ids []string) {
		for _, id := range ids {
			q := p
			q.receiver, q.receiverType, q.data = id, kind, maps.Clone(p.data)
			all = append(all, q)
		}
	}
	add("user", r.UIDs)
	add("group", r.GUIDs)
	if len(all) == 0 {
		return []posting{p} // which is refused for lack of a receiver
	}
	return all
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
	stripComputed(b.Data)
	if _, ok := b.Data["text"]; ok {
		if err := checkText(b.Data); err != nil {
			return answer{}, err
		}
	}
	merged := maps.Clone(m.data)
	maps.Copy(merged, b.Data)
	if err := s.checkData(merged); err != nil {
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

const maxKept = 100 // pinned messages of a conversation, saved messages of a user (CometChat: articles/error-guide)

// POST /messages/{id}/pin answers with the message.
func (s *CometChat) pin(c *call) (answer, error) {
	m, err := s.visible(c.uid, c.path("id"))
	switch {
	case err != nil:
		return answer{}, err
	case !m.pins.at.IsZero():
		return s.one(c, m), nil
	case s.store.pinned[m.conversation] >= maxKept:
		return answer{}, refuse(http.StatusBadRequest, "ERR_PINNED_MESSAGES_LIMIT_EXCEEDED", "A conversation may have %d pinned messages.", maxKept)
	}
	s.store.pinned[m.conversation]++
	m.pins = pins{at: s.cfg.Now(), by: c.actor()}
	s.firePin("message_pinned", m)
	return s.one(c, m), nil
}

// DELETE /messages/{id}/pin answers with the message; unpinning one that is not pinned changes nothing.
func (s *CometChat) unpin(c *call) (answer, error) {
	m, err := s.visible(c.uid, c.path("id"))
	if err != nil || m.pins.at.IsZero() {
		return s.orOne(c, m, err)
	}
	s.store.pinned[m.conversation]--
	m.pins = pins{offAt: s.cfg.Now(), offBy: c.actor()}
	s.firePin("message_unpinned", m)
	return s.one(c, m), nil
}

func (s *CometChat) orOne(c *call, m *message, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	return s.one(c, m), nil
}
