package rocketsim

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// mayPost is what canSendMessage checks; the caller holds s.mu. The refusals are plain errors in every version.
func (s *Server) mayPost(u *user, r *room) error {
	switch {
	case r == nil:
		return plain("error-invalid-room")
	case !s.mayRead(u, r):
		return plain("error-not-allowed")
	case r.ReadOnly && !s.canIn(u, r, "post-readonly"):
		return plain("You can't send messages because the room is readonly.")
	}
	return nil
}

// checkMessage is what the library function sendMessage checks of a message: the types of what it knows, the permission to show
// another name or picture, attachments and custom fields (Rocket.Chat: server/lib/messages/sendMessage.ts validateMessage).
func (s *Server) checkMessage(p posting) error {
	for _, key := range []string{"_id", "msg", "text", "alias", "emoji", "tmid", "avatar"} {
		if err := wantType(p.doc, key, "string"); err != nil {
			return err
		}
	}
	if err := wantType(p.doc, "tshow", "boolean"); err != nil {
		return err
	}
	for _, key := range []string{"attachments", "blocks"} {
		if v := p.doc[key]; v != nil && list(v) == nil {
			return plain("Match error: Expected array, got %s in field %s", typeName(v), key)
		}
	}
	alias, avatar := text(p.doc["alias"]), text(p.doc["avatar"])
	if avatar != "" && (badLink(avatar) || !s.absolute(avatar) && !strings.HasPrefix(avatar, "/")) {
		return plain("Invalid href value provided")
	}
	if (alias != "" || avatar != "") && !s.can(p.by, "message-impersonate") {
		return plain("Not enough permission")
	}
	for _, one := range list(p.doc["attachments"]) {
		if err := s.checkAttachment(object(one)); err != nil {
			return err
		}
	}
	if p.doc["customFields"] != nil && !s.cfg.Settings.CustomFields {
		return plain("Custom fields not enabled")
	}
	return nil
}

// checkAttachment looks at the keys of an attachment that the server knows; others pass.
func (s *Server) checkAttachment(a map[string]any) error {
	for kind, keys := range map[string][]string{
		"boolean": {"collapsed", "title_link_download"},
		"number":  {"image_size", "audio_size", "video_size"},
		"string":  {"color", "text", "author_name", "title", "image_preview", "image_type", "audio_type", "video_type"},
	} {
		for _, key := range keys {
			if err := wantType(a, key, kind); err != nil {
				return err
			}
		}
	}
	for _, key := range []string{
		"thumb_url", "message_link", "author_link", "author_icon", "title_link", "image_url", "audio_url", "video_url",
	} {
		if err := wantType(a, key, "string"); err != nil {
			return err
		}
		if link := text(a[key]); a[key] != nil && (badLink(link) || !s.absolute(link)) {
			return plain("Invalid href value provided")
		}
	}
	for _, one := range list(a["fields"]) {
		f := object(one)
		if !truthy(f["title"]) || !truthy(f["value"]) {
			return plain("Invalid attachment field, title and value is required")
		}
		if err := wantType(f, "short", "boolean"); err != nil {
			return err
		}
	}
	return nil
}

// absolute tells whether a link may stand in an attachment: an absolute one, or a download of this server.
func (s *Server) absolute(link string) bool {
	u, err := url.Parse(link)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https" || u.Scheme == "data") || strings.HasPrefix(link, filePath)
}

func badLink(link string) bool { return strings.HasPrefix(strings.ToLower(link), "javascript:") }

// wantType checks the type of a key that may also be missing or null.
func wantType(doc map[string]any, key, kind string) error {
	v := doc[key]
	if v == nil || typeName(v) == kind {
		return nil
	}
	return plain("Match error: Expected %s, got %s in field %s", kind, typeName(v), key)
}

// typeName is a value's type as JavaScript's typeof calls it.
func typeName(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case json.Number, float64, int:
		return "number"
	}
	return "object"
}

// truthy tells whether JavaScript takes a value for true.
func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case string:
		return v != ""
	case bool:
		return v
	case json.Number:
		n, err := v.Float64()
		return err != nil || n != 0
	}
	return true
}

// systemType tells whether t is a kind of message that only the server makes (core-typings MessageTypes).
func systemType(t string) bool {
	system := []string{
		"uj", "ul", "ut", "au", "ru", "r", "rm", "wm", "ult", "ujt", "ui", "uir", "added-user-to-team", "removed-user-from-team",
		"user-muted", "user-unmuted", "subscription-role-added", "subscription-role-removed", "room-archived", "room-unarchived",
		"room_changed_privacy", "room_changed_avatar", "room_changed_topic", "room_changed_description", "room_changed_announcement",
		"room-removed-read-only", "room-set-read-only", "room-allowed-reacting", "room-disallowed-reacting", "room_e2e_enabled",
		"room_e2e_disabled", "room-deleted", "discussion-created", "message_pinned", "message_pinned_e2e", "command", "videoconf",
		"rtc", "user-converted-to-team", "user-converted-to-channel", "user-removed-room-from-team", "user-deleted-room-from-team",
		"user-added-room-to-team", "abac-removed-user-from-room",
	}
	return slices.Contains(system, t) || strings.HasPrefix(t, "livechat") || strings.HasPrefix(t, "omnichannel_")
}
