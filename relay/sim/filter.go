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
	hasMentions, myMentions, hideBlocked       bool
	unread, undelivered                        bool
	from, to                                   int64 // seconds, both included; to counts only with from
}

func parseFilter(q url.Values) (filter, error) {
	f := filter{
		search: strings.ToLower(q.Get("searchKey")), sender: strings.ToLower(q.Get("sender")),
		receiverType: q.Get("receiverType"), conversation: strings.ToLower(q.Get("conversationId")),
		categories: csv(q, "category", "categories"), kinds: csv(q, "type", "types"), tags: csv(q, "tags"),
		mentioned: csv(q, "mentionedUids"), media: csv(q, "attachmentTypes"),
		hideReplies: truth(q, "hideReplies"), hideDeleted: truth(q, "hideDeleted"), onlyDeleted: truth(q, "onlyDeleted"),
		hasLinks: truth(q, "hasLinks"), hasReactions: truth(q, "hasReactions"), hasAttachments: truth(q, "hasAttachments"),
		hasMentions: truth(q, "hasMentions"), myMentions: truth(q, "myMentionsOnly"),
		hideBlocked: truth(q, "hideMessagesFromBlockedUsers"), unread: truth(q, "unread"), undelivered: truth(q, "undelivered"),
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

// plain tells that nothing but times is asked for, so that every row passes.
func (f filter) plain() bool {
	words := f.search + f.sender + f.receiverType + f.conversation
	lists := len(f.categories) + len(f.kinds) + len(f.tags) + len(f.mentioned) + len(f.media)
	flags := []bool{
		f.hideReplies, f.hideDeleted, f.onlyDeleted, f.hasLinks, f.hasReactions, f.hasAttachments, f.hasMentions, f.myMentions,
		f.hideBlocked, f.unread, f.undelivered,
	}
	return words == "" && lists == 0 && !slices.Contains(flags, true)
}

// passes tells whether a row is to be listed for a viewer; the caller holds s.mu.
func (s *CometChat) passes(f filter, m *message, viewer string) bool {
	switch {
	case !s.sees(viewer, m), !f.matchShape(m), !f.matchState(m), !f.matchContent(m):
		return false
	case f.hideBlocked && s.blocks(viewer, m.sender):
		return false
	case f.unread && m.id <= s.markOf(viewer, m.conversation).read.id, f.undelivered && m.id <= s.markOf(viewer, m.conversation).delivered.id:
		return false
	case (f.unread || f.undelivered) && !countable(m, viewer):
		return false
	}
	return !f.myMentions || viewer != "" && f.names(m.text(), viewer)
}

func (f filter) matchShape(m *message) bool {
	oneOf := func(want []string, got string) bool { return len(want) == 0 || slices.Contains(want, got) }
	return oneOf(f.categories, m.category) && oneOf(f.kinds, m.kind) &&
		(f.sender == "" || m.sender == f.sender) &&
		(f.receiverType == "" || m.receiverType == f.receiverType) &&
		(f.conversation == "" || m.conversation == f.conversation)
}

func (f filter) matchState(m *message) bool {
	deleted := !m.deletedAt.IsZero()
	switch {
	case f.hideReplies && m.parent != 0, f.hideDeleted && deleted, f.onlyDeleted && !deleted:
		return false
	}
	return true
}

func (f filter) matchContent(m *message) bool {
	text := m.text()
	switch {
	case f.search != "" && !strings.Contains(strings.ToLower(text), f.search):
		return false
	case f.hasLinks && !strings.Contains(text, "http://") && !strings.Contains(text, "https://"):
		return false
	case f.hasMentions && !strings.Contains(text, mentionStart):
		return false
	case f.hasReactions && len(m.reactions) == 0, f.hasAttachments && len(m.media()) == 0:
		return false
	case len(f.media) > 0 && !slices.ContainsFunc(m.media(), func(kind string) bool { return slices.Contains(f.media, kind) }):
		return false
	case len(f.tags) > 0 && !slices.ContainsFunc(f.tags, func(t string) bool { return slices.Contains(m.tags, t) }):
		return false
	}
	return len(f.mentioned) == 0 || slices.ContainsFunc(f.mentioned, func(uid string) bool { return f.names(text, uid) })
}

// names tells whether a text mentions a user.
func (filter) names(text, uid string) bool {
	return strings.Contains(strings.ToLower(text), mentionStart+strings.ToLower(uid)+">")
}

// media lists the kinds of a message's attachments: image, video, audio, file.
func (m *message) media() []string {
	files, _ := m.data["attachments"].([]any)
	var kinds []string
	for _, f := range files {
		file, _ := f.(map[string]any)
		mime, _ := file["mimeType"].(string)
		kind, _, _ := strings.Cut(mime, "/")
		if kind != "image" && kind != "video" && kind != "audio" {
			kind = "file"
		}
		kinds = append(kinds, kind)
	}
	if url, _ := m.data["url"].(string); len(files) == 0 && url != "" && isMedia(m.kind) {
		kinds = append(kinds, m.kind)
	}
	return kinds
}
