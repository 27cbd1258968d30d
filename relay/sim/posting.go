package sim

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxPayload = 65536     // characters of a message's JSON (CometChat: articles/properties-and-constraints)
	maxData    = 10 * 1024 // bytes of the data object
	maxTags    = 25
	maxTag     = 100 // characters of a tag
)

// posting is a message before it is accepted.
type posting struct {
	sender                 *person
	receiver, receiverType string
	parent                 string // id of the thread's root; empty outside threads
	category, kind, muid   string
	data                   map[string]any
	tags                   []string
	rest                   bool
}

// isMedia tells whether messages of a type need a file.
func isMedia(kind string) bool {
	return kind == "image" || kind == "video" || kind == "audio" || kind == "file"
}

// post checks and commits one message and fires its webhooks; the caller holds s.mu.
func (s *CometChat) post(p posting) (*message, error) {
	sent, err := s.postAll([]posting{p})
	if err != nil {
		return nil, err
	}
	return sent[0], nil
}

// postAll checks all messages and then commits them and fires their webhooks; when one is refused, none is committed. The
// caller holds s.mu.
func (s *CometChat) postAll(all []posting) ([]*message, error) {
	if s.closed {
		return nil, ErrClosed
	}
	var sent []*message
	for _, p := range all {
		m, err := s.draft(p)
		if err != nil {
			return nil, err
		}
		sent = append(sent, m)
	}
	for _, m := range sent {
		m.moderation = s.judge(m)
		m.fault = s.deliveryFaultOf(m)
		s.commit(m)
		m.first = encode(map[string]any{"message": s.renderMessage(m, view{hook: true})})
		s.armThread(m)
		s.fireNew(m)
	}
	return sent, nil
}

// draft makes a message of a posting that may be committed.
func (s *CometChat) draft(p posting) (*message, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if err := s.checkData(p.data); err != nil {
		return nil, err
	}
	m := &message{
		muid: p.muid, sender: p.sender.UID, receiver: strings.ToLower(p.receiver), receiverType: p.receiverType,
		category: p.category, kind: p.kind, data: p.data, tags: p.tags, rest: p.rest,
	}
	if err := s.place(m); err != nil {
		return nil, err
	}
	if p.parent != "" {
		if err := s.attach(m, p.parent); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// place finds the conversation of a message from its sender and receiver.
func (s *CometChat) place(m *message) error {
	if m.receiverType == "group" {
		g, err := s.group(m.receiver)
		if err != nil {
			return err
		}
		if m.sender != systemUID && !g.has(m.sender) {
			return notJoined(m.sender, g.guid)
		}
		m.conversation = groupConversation(g.guid)
		return nil
	}
	if _, err := s.user(m.receiver); err != nil {
		return err
	}
	switch {
	case s.blocks(m.sender, m.receiver):
		return refuse(http.StatusForbidden, "ERR_BLOCKED_RECEIVER", "The user with UID %s has blocked the user with UID %s.", m.sender, m.receiver)
	case s.blocks(m.receiver, m.sender):
		return refuse(http.StatusForbidden, "ERR_BLOCKED_SENDER", "The user with UID %s is blocked by the user with UID %s.", m.sender, m.receiver)
	}
	m.conversation = userConversation(m.sender, m.receiver)
	return nil
}

// attach makes a message a reply (CometChat: articles/error-guide for the thread errors).
func (s *CometChat) attach(m *message, parent string) error {
	root := s.store.find(parent)
	switch {
	case root == nil:
		return noMessage(parent)
	case root.parent != 0:
		return nesting(parent)
	case root.receiverType != m.receiverType:
		return refuse(http.StatusBadRequest, "ERR_WRONG_MESSAGE_THREAD_CATEGORY",
			"The message with ID %s was not sent to a %s.", parent, m.receiverType)
	case root.conversation != m.conversation:
		return refuse(http.StatusBadRequest, "ERR_WRONG_MESSAGE_THREAD",
			"The message with ID %s does not belong to the conversation %s.", parent, m.conversation)
	}
	m.parent = root.id
	return nil
}

// check validates everything that does not depend on the app's state, and fills the documented defaults.
func (p *posting) check() error {
	if p.category == "" {
		p.category = "message"
	}
	if p.kind == "" {
		p.kind = "text"
	}
	switch {
	case p.receiver == "":
		return refuse(http.StatusBadRequest, "ERR_EMPTY_RECEIVER", "The receiver of the message is missing.")
	case p.receiverType != "user" && p.receiverType != "group":
		return refuse(http.StatusBadRequest, "ERR_INVALID_RECEIVER_TYPE", "The receiver type %q is not valid; it must be user or group.", p.receiverType)
	case p.data == nil:
		return refuse(http.StatusBadRequest, "ERR_INVALID_MESSAGE_DATA", "The data of the message is missing.")
	case len(p.tags) > maxTags:
		return badField("tags", "The tags may not have more than %d items.", maxTags)
	case slices.ContainsFunc(p.tags, func(tag string) bool { return utf8.RuneCountInString(tag) > maxTag }):
		return badField("tags", "A tag may not be greater than %d characters.", maxTag)
	}
	stripComputed(p.data)
	return p.checkKind()
}

// stripComputed removes what the server alone puts into data.
func stripComputed(data map[string]any) {
	for _, computed := range []string{"entities", "mentions", "reactions", "moderation", "resource"} {
		delete(data, computed)
	}
}

func (p *posting) checkKind() error {
	switch {
	case p.category == "message" && p.kind == "text":
		return checkText(p.data)
	case p.category == "message" && isMedia(p.kind):
		files, _ := p.data["attachments"].([]any)
		if url, _ := p.data["url"].(string); len(files) == 0 && url == "" {
			return refuse(http.StatusBadRequest, "ERR_EMPTY_MESSAGE_FILE", "The message has no file.")
		}
	case p.category == "message":
		return refuse(http.StatusBadRequest, "ERR_INVALID_MESSAGE_TYPE", "The message type %q is not valid.", p.kind)
	case p.category == "custom":
		custom, ok := p.data["customData"]
		if !ok {
			return refuse(http.StatusBadRequest, "ERR_EMPTY_CUSTOM_DATA", "A custom message needs customData.")
		}
		if _, ok := custom.(map[string]any); !ok {
			return refuse(http.StatusBadRequest, "ERR_INVALID_CUSTOM_DATA", "customData must be an object.")
		}
	case !p.mayBe(p.category):
		return refuse(http.StatusBadRequest, "ERR_INVALID_MESSAGE_CATEGORY", "The message category %q is not valid.", p.category)
	}
	return nil
}

// mayBe tells whether a category without rules of its own is accepted: calls, agents and cards come from apps alone.
func (p *posting) mayBe(category string) bool {
	return category == "interactive" || !p.rest && slices.Contains([]string{"call", "agentic", "card"}, category)
}

// checkText demands a text that is not blank.
func checkText(data map[string]any) error {
	value, ok := data["text"]
	text, isString := value.(string)
	switch {
	case ok && !isString:
		return refuse(http.StatusBadRequest, "ERR_INVALID_MESSAGE_TEXT", "The text of the message must be a string.")
	case strings.TrimSpace(text) == "":
		return refuse(http.StatusBadRequest, "ERR_EMPTY_MESSAGE_TEXT", "The text of the message is empty.")
	}
	return nil
}

// checkData applies the size limits and the shape of metadata.
func (s *CometChat) checkData(data map[string]any) error {
	if meta, ok := data["metadata"]; ok {
		if _, ok := meta.(map[string]any); !ok {
			return refuse(http.StatusBadRequest, "ERR_INVALID_METADATA", "The metadata must be an object.")
		}
	}
	encoded := encode(data)
	switch limit := s.cfg.DataLimit; {
	case utf8.RuneCount(encoded) > maxPayload:
		return refuse(http.StatusBadRequest, "ERR_INVALID_MESSAGE_DATA", "The data of the message is larger than %d characters.", maxPayload)
	case limit > 0 && len(encoded) > limit:
		return refuse(http.StatusBadRequest, "ERR_INVALID_MESSAGE_DATA", "The data of the message is larger than %d bytes.", limit)
	}
	return nil
}
