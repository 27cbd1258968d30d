package sim

import (
	"net/url"
	"slices"
	"strings"
)

// filter is the filtering part of a message list (CometChat: chat-apis, List Messages).
type filter struct {
	search, sender, receiverType, conversation string
	categories, kinds, tags, mentioned, media  []string
	hideReplies, hideDeleted, onlyDeleted      bool
	hasLinks, hasReactions, hasAttachments     bool
	hasMentions                                bool
	from, to                                   int64 // seconds, both included; to counts only with from
}

func parseFilter(q url.Values) (filter, error) {
	is := func(name string) bool { return q.Get(name) == "true" || q.Get(name) == "1" }
	f := filter{
		search: strings.ToLower(q.Get("searchKey")), sender: strings.ToLower(q.Get("sender")),
		receiverType: q.Get("receiverType"), conversation: strings.ToLower(q.Get("conversationId")),
		categories: csv(q, "category", "categories"), kinds: csv(q, "type", "types"), tags: csv(q, "tags"),
		mentioned: csv(q, "mentionedUids"), media: csv(q, "attachmentTypes"),
		hideReplies: is("hideReplies"), hideDeleted: is("hideDeleted"), onlyDeleted: is("onlyDeleted"),
		hasLinks: is("hasLinks"), hasReactions: is("hasReactions"), hasAttachments: is("hasAttachments"),
		hasMentions: is("hasMentions"),
	}
	from, err := positive(q, "fromTimestamp", 0)
	if err != nil {
		return f, err
	}
	to, err := positive(q, "toTimestamp", 0)
	if err != nil {
		return f, err
	}
	f.from, f.to = int64(from), int64(to)
	return f, nil
}

func (f filter) match(m *message) bool {
	return f.matchShape(m) && f.matchState(m) && f.matchContent(m)
}

func (f filter) matchShape(m *message) bool {
	oneOf := func(want []string, got string) bool { return len(want) == 0 || slices.Contains(want, got) }
	return oneOf(f.categories, m.category) && oneOf(f.kinds, m.kind) &&
		(f.sender == "" || m.sender == f.sender) &&
		(f.receiverType == "" || m.receiverType == f.receiverType) &&
		(f.conversation == "" || m.conversation == f.conversation)
}

func (f filter) matchState(m *message) bool {
	deleted, sent := !m.deletedAt.IsZero(), seconds(m.sentAt)
	switch {
	case f.hideReplies && m.parent != 0, f.hideDeleted && deleted, f.onlyDeleted && !deleted:
		return false
	case f.from > 0 && sent < f.from, f.from > 0 && f.to > 0 && sent > f.to:
		return false
	}
	return true
}

func (f filter) matchContent(m *message) bool {
	text := m.text()
	files, _ := m.data["attachments"].([]any)
	switch {
	case f.search != "" && !strings.Contains(strings.ToLower(text), f.search):
		return false
	case f.hasLinks && !strings.Contains(text, "http://") && !strings.Contains(text, "https://"):
		return false
	case f.hasMentions && !strings.Contains(text, "<@uid:"):
		return false
	case f.hasReactions && len(m.reactions) == 0, f.hasAttachments && len(files) == 0:
		return false
	case len(f.media) > 0 && !slices.Contains(f.media, m.kind):
		return false
	case len(f.tags) > 0 && !slices.ContainsFunc(f.tags, func(t string) bool { return slices.Contains(m.tags, t) }):
		return false
	}
	return len(f.mentioned) == 0 || slices.ContainsFunc(f.mentioned, func(uid string) bool {
		return strings.Contains(strings.ToLower(text), "<@uid:"+strings.ToLower(uid)+">")
	})
}
