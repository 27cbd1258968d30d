package rocketchat

import (
	"net/url"
	"slices"
	"strings"

	"github.com/threadrelay/threadrelay/bus/event"
)

// systemUser is the platform's own voice. What integrations post comes in its name as well, as a program's.
const systemUser = "rocket.cat"

// thread returns where a message belongs: one that is not a reply is the root of a thread of its own.
func (c *Connection) thread(m *Message) event.ThreadRef {
	root := m.ID
	if m.ThreadID != "" {
		root = m.ThreadID
	}
	return event.ThreadRef{
		Connection: c.id, Conversation: event.ConversationID(m.RoomID), Root: event.MessageID(root),
	}
}

// said returns what a document says, as events have it. recipient is the other side of a direct message.
func (c *Connection) said(m *Message, recipient event.UserID) event.Message {
	out := event.Message{
		ID: event.MessageID(m.ID), Parent: event.MessageID(m.ThreadID), Sender: c.sender(m), Recipient: recipient,
		Kind: kindOf(m), Text: c.plain(textOf(m)), Attachments: c.attachments(m),
	}
	for _, u := range m.Mentions {
		if id := event.UserID(u.ID); id != "" && !slices.Contains(out.Mentions, id) {
			out.Mentions = append(out.Mentions, id)
		}
	}
	if event.UserID(m.User.ID) == c.self {
		out.Marker = c.markerOf(m)
	}
	return out
}

// markerOf returns the marker of a message of our own user: its stamp, or that of the file on it, which has no room for one.
func (c *Connection) markerOf(m *Message) *event.Marker {
	if m.Stamp != nil {
		return m.Stamp.Marker()
	}
	for _, f := range m.Files {
		if marker, ok := c.uploads.get(f.ID, c.now()); ok {
			return marker
		}
	}
	return nil
}

// sender returns who a message is shown as: the username, which is what others see unless the workspace is set up otherwise,
// and what mentions a user; or the name that a bridge has given.
func (c *Connection) sender(m *Message) event.User {
	name, avatar := m.User.Username, ""
	if m.Alias != "" {
		name = m.Alias
	}
	if name == "" {
		name = m.User.Name
	}
	switch {
	case strings.HasPrefix(m.Avatar, "https://") || strings.HasPrefix(m.Avatar, "http://"):
		avatar = m.Avatar
	case m.User.Username != "":
		avatar = c.client.base + "/avatar/" + url.PathEscape(m.User.Username)
	}
	return event.User{
		ID: event.UserID(m.User.ID), Name: c.plain(name), Avatar: c.link(avatar),
		System: m.User.ID == systemUser && !m.Bot && m.Alias == "",
	}
}

// textOf returns what a message says. With an uploaded file, older servers have that in the file's description.
func textOf(m *Message) string {
	if m.Text != "" {
		return m.Text
	}
	for _, a := range m.Attachments {
		if a.Type == "file" && a.Description != "" {
			return a.Description
		}
	}
	return ""
}

// kindOf names the content: that of the first file, or text.
func kindOf(m *Message) string {
	if len(m.Files) == 0 {
		return "text"
	}
	switch family, _, _ := strings.Cut(m.Files[0].MIMEType, "/"); family {
	case "image", "video", "audio":
		return family
	}
	return "file"
}

// attachments returns the files of a message, which need the connection's credentials, and the media that programs link to.
// Quotes of other messages are neither.
func (c *Connection) attachments(m *Message) []event.MediaRef {
	var refs []event.MediaRef
	for _, f := range m.Files {
		if f.ID == "" {
			continue
		}
		refs = append(refs, event.MediaRef{
			URL:  c.client.base + "/file-upload/" + url.PathEscape(f.ID) + "/" + url.PathEscape(f.Name),
			Name: c.plain(f.Name), MIMEType: c.plain(f.MIMEType), Size: f.Size,
		})
	}
	for _, a := range m.Attachments {
		if a.MessageLink == "" && (a.Type != "file" || len(refs) == 0) {
			refs = append(refs, c.linked(a)...)
		}
	}
	return refs
}

// linked returns the media that an attachment links to.
func (c *Connection) linked(a Attachment) []event.MediaRef {
	var refs []event.MediaRef
	add := func(link, mime string, size int64) {
		if link = c.absolute(link); link != "" {
			refs = append(refs, event.MediaRef{URL: link, Name: c.plain(a.Title), MIMEType: c.plain(mime), Size: max(0, size)})
		}
	}
	add(a.ImageURL, a.ImageType, a.ImageSize)
	add(a.AudioURL, a.AudioType, a.AudioSize)
	add(a.VideoURL, a.VideoType, a.VideoSize)
	if len(refs) == 0 && a.Type == "file" {
		add(a.TitleLink, "", 0)
	}
	return refs
}

// absolute returns where a link leads, which may be a path of the workspace; "" if it leads nowhere on the web.
func (c *Connection) absolute(link string) string {
	u, err := url.Parse(link)
	switch {
	case link == "" || err != nil:
		return ""
	case u.Scheme == "http" || u.Scheme == "https":
		return c.link(link)
	case u.Scheme == "" && u.Host == "" && strings.HasPrefix(link, "/"):
		return c.link(c.client.base + link)
	}
	return ""
}

// plain returns a text of the platform without the connection's token, should somebody have written it there.
func (c *Connection) plain(s string) string {
	if token := c.token.literal(); token != "" {
		s = strings.ReplaceAll(s, token, removed)
	}
	return s
}

// link returns a URL without the token and without the credentials of its own.
func (c *Connection) link(s string) string { return cleanText(s, c.token.literal()) }

// recipient returns the other side of a direct message, and false if the room does not tell. It is empty in rooms that are
// not between two.
func recipient(r Room, sender event.UserID) (event.UserID, bool) {
	if r.Kind != Direct {
		return "", true
	}
	switch len(r.UserIDs) {
	case 0:
		return otherSide(r.ID, sender)
	case 1:
		return event.UserID(r.UserIDs[0]), true // a room with oneself
	case 2:
		if r.UserIDs[0] == string(sender) {
			return event.UserID(r.UserIDs[1]), true
		}
		return event.UserID(r.UserIDs[0]), true
	}
	return "", true
}

// otherSide takes apart the id of a direct room, which is made of the ids of the two users. It returns false where it is not.
func otherSide(room string, sender event.UserID) (event.UserID, bool) {
	if sender == "" || len(room) <= len(sender) {
		return "", false
	}
	if other, ok := strings.CutPrefix(room, string(sender)); ok {
		return event.UserID(other), true
	}
	if other, ok := strings.CutSuffix(room, string(sender)); ok {
		return event.UserID(other), true
	}
	return "", false
}
