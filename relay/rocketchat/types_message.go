package rocketchat

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// Message is a message document, as REST and the realtime stream have it. What the platform left out is empty or zero.
type Message struct {
	ID, RoomID string
	// ThreadID is the root of the thread that the message is a reply in ("tmid"), and InChannel says that the reply is shown in
	// the room as well ("tshow").
	ThreadID  string
	InChannel bool
	Text      string
	// Type is empty for what somebody has said, and else what the system notes: "uj" for a user who joined, "rm" for a message
	// that was deleted and left a tombstone.
	Type string
	User UserRef
	// Time is when it was sent, and UpdatedAt when anything of the document changed last: also by a reply, a reaction or a pin.
	Time, UpdatedAt time.Time
	// EditedAt and EditedBy are set if it was edited, or deleted with a tombstone.
	EditedAt time.Time
	EditedBy UserRef
	// DeletedAt is set in the lists of deleted messages, where there may be nothing else but the id.
	DeletedAt   time.Time
	Mentions    []Mention
	Attachments []Attachment
	Files       []File
	// Reactions are the usernames of who reacted, by emoji such as ":smile:".
	Reactions map[string][]string
	// ReplyCount, LastReply and Followers are those of a thread's root; followers are ids of users.
	ReplyCount int
	LastReply  time.Time
	Followers  []string
	// Alias, Avatar and Emoji are what it is shown with instead of its sender's name and picture.
	Alias, Avatar, Emoji string
	// Bot is set for messages that an integration sent, by a server or by whoever says so of itself.
	Bot bool
	// Hidden is set for the copy that keeps what a message said before an edit, and Parent is that message.
	Hidden bool
	Parent string
	// DiscussionID is the room of the discussion that hangs on the message.
	DiscussionID string
	// Private is set for messages that one user alone sees, and that are stored nowhere.
	Private bool
	Pinned  bool
	// Stamp is what threadrelay wrote into a message that it sent; nil on everybody else's. Anybody can write one: it proves
	// something only of messages of our own user.
	Stamp *Stamp
	// Raw is the message as it came.
	Raw json.RawMessage
}

// UserRef is who sent or changed a message.
type UserRef struct{ ID, Username, Name string }

// Mention is somebody whom a text mentions. "all" and "here" are both id and username of everybody.
type Mention struct {
	ID, Username, Name string
	// Type is "user" or "team"; empty if the server does not tell.
	Type string
}

// File is an uploaded file of a message.
type File struct {
	ID, Name, MIMEType string
	// Size is in bytes; 0 if unknown.
	Size int64
}

// Stamp is what threadrelay keeps with a message of its own, under the key "threadrelay" of the message document. The server
// keeps keys that it does not know as they are, and shows them to REST and the realtime stream, though not to webhooks.
type Stamp struct {
	Action string `json:"action"`
	Bot    string `json:"bot,omitempty"`
	// Part counts from 1 where an action became several messages.
	Part     int             `json:"part,omitempty"`
	Tags     []string        `json:"tags,omitempty"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
	// Kind and Data are the action's custom content.
	Kind string          `json:"kind,omitempty"`
	Data json.RawMessage `json:"data,omitempty"`
}

// Marker returns the stamp as events have it; nil without one.
func (s *Stamp) Marker() *event.Marker {
	if s == nil || s.Action == "" {
		return nil
	}
	return &event.Marker{Action: event.ActionID(s.Action), Bot: s.Bot}
}

// Deleted reports whether the message is a tombstone.
func (m *Message) Deleted() bool { return m.Type == typeRemoved || !m.DeletedAt.IsZero() }

// typeRemoved is the type of a tombstone.
const typeRemoved = "rm"

// errNoID means that a message has no id.
var errNoID = errors.New("message without an id")

// UnmarshalJSON reads a message document. It wants an id; anything else that is not as it should be counts as left out.
func (m *Message) UnmarshalJSON(b []byte) error {
	var w wireMessage
	if err := decodeObject(b, &w); err != nil {
		return err
	}
	if w.ID == "" {
		return errNoID
	}
	*m = Message{
		ID: string(w.ID), RoomID: string(w.Room), ThreadID: string(w.Thread), InChannel: bool(w.InChannel), Text: string(w.Text),
		Type: string(w.Type), User: w.User.v.ref(), Time: w.Time.Time, UpdatedAt: w.UpdatedAt.Time,
		EditedAt: w.EditedAt.Time, EditedBy: w.EditedBy.v.ref(), DeletedAt: w.DeletedAt.Time,
		ReplyCount: w.ReplyCount.v, LastReply: w.LastReply.Time,
		Alias: string(w.Alias), Avatar: string(w.Avatar), Emoji: string(w.Emoji), Bot: bool(w.Bot),
		Hidden: bool(w.Hidden), Parent: string(w.Parent), DiscussionID: string(w.Discussion), Private: bool(w.Private),
		Pinned: bool(w.Pinned), Reactions: w.reactions(), Files: w.files(), Attachments: w.Attachments.v,
		Raw: slices.Clone(b),
	}
	for _, u := range w.Followers.v {
		m.Followers = append(m.Followers, string(u))
	}
	for _, u := range w.Mentions.v {
		m.Mentions = append(m.Mentions, Mention{ID: string(u.ID), Username: string(u.Username), Name: string(u.Name), Type: string(u.Type)})
	}
	if s := w.Stamp.v; s.Action != "" {
		m.Stamp = &s
	}
	return nil
}

// wireMessage is a message document (core-typings, IMessage).
type wireMessage struct {
	ID          loose                             `json:"_id"`
	Room        loose                             `json:"rid"`
	Thread      loose                             `json:"tmid"`
	InChannel   truth                             `json:"tshow"`
	Text        loose                             `json:"msg"`
	Type        loose                             `json:"t"`
	User        lenient[wireUser]                 `json:"u"`
	Time        instant                           `json:"ts"`
	UpdatedAt   instant                           `json:"_updatedAt"`
	EditedAt    instant                           `json:"editedAt"`
	EditedBy    lenient[wireUser]                 `json:"editedBy"`
	DeletedAt   instant                           `json:"_deletedAt"`
	Mentions    listOf[wireUser]                  `json:"mentions"`
	Attachments listOf[Attachment]                `json:"attachments"`
	File        lenient[wireFile]                 `json:"file"`
	Files       listOf[wireFile]                  `json:"files"`
	Reactions   lenient[map[string]wireReactions] `json:"reactions"`
	ReplyCount  lenient[int]                      `json:"tcount"`
	LastReply   instant                           `json:"tlm"`
	Followers   listOf[loose]                     `json:"replies"`
	Alias       loose                             `json:"alias"`
	Avatar      loose                             `json:"avatar"`
	Emoji       loose                             `json:"emoji"`
	Bot         truth                             `json:"bot"`
	Hidden      truth                             `json:"_hidden"`
	Parent      loose                             `json:"parent"`
	Discussion  loose                             `json:"drid"`
	Private     truth                             `json:"private"`
	Pinned      truth                             `json:"pinned"`
	Stamp       lenient[Stamp]                    `json:"threadrelay"`
}

type wireUser struct {
	ID       loose `json:"_id"`
	Username loose `json:"username"`
	Name     loose `json:"name"`
	Type     loose `json:"type"`
}

func (u wireUser) ref() UserRef {
	return UserRef{ID: string(u.ID), Username: string(u.Username), Name: string(u.Name)}
}

type wireReactions struct {
	Usernames listOf[string] `json:"usernames"`
}

type wireFile struct {
	ID   loose          `json:"_id"`
	Name loose          `json:"name"`
	Type loose          `json:"type"`
	Size lenient[int64] `json:"size"`
}

func (w *wireMessage) reactions() map[string][]string {
	var all map[string][]string
	for _, emoji := range slices.Sorted(maps.Keys(w.Reactions.v)) {
		if names := w.Reactions.v[emoji].Usernames.v; len(names) > 0 {
			if all == nil {
				all = make(map[string][]string)
			}
			all[emoji] = names
		}
	}
	return all
}

// files returns the uploaded files, of which older servers name one alone, without the thumbnails that the server made.
func (w *wireMessage) files() []File {
	all := w.Files.v
	if len(all) == 0 && w.File.v.ID != "" {
		all = []wireFile{w.File.v}
	}
	var files []File
	for i, f := range all {
		if i > 0 && strings.HasPrefix(string(f.Name), "thumb-") {
			continue
		}
		files = append(files, File{ID: string(f.ID), Name: string(f.Name), MIMEType: string(f.Type), Size: max(0, f.Size.v)})
	}
	return files
}

// Attachment is something that hangs on a message: a file, a quote or what a program has put there. Its paths may be relative
// to the workspace's address.
type Attachment struct {
	Title     string `json:"title,omitempty"`
	TitleLink string `json:"title_link,omitempty"`
	Text      string `json:"text,omitempty"`
	// Type is "file" for an uploaded file.
	Type        string `json:"type,omitempty"`
	Description string `json:"description,omitempty"`
	ImageURL    string `json:"image_url,omitempty"`
	ImageType   string `json:"image_type,omitempty"`
	ImageSize   int64  `json:"image_size,omitempty"`
	AudioURL    string `json:"audio_url,omitempty"`
	AudioType   string `json:"audio_type,omitempty"`
	AudioSize   int64  `json:"audio_size,omitempty"`
	VideoURL    string `json:"video_url,omitempty"`
	VideoType   string `json:"video_type,omitempty"`
	VideoSize   int64  `json:"video_size,omitempty"`
	// MessageLink is set for a quote of another message.
	MessageLink string `json:"message_link,omitempty"`
	AuthorName  string `json:"author_name,omitempty"`
	Color       string `json:"color,omitempty"`
}

// UnmarshalJSON reads an attachment. What is not as it should be counts as left out.
func (a *Attachment) UnmarshalJSON(b []byte) error {
	var w struct {
		Title       loose          `json:"title"`
		TitleLink   loose          `json:"title_link"`
		Text        loose          `json:"text"`
		Type        loose          `json:"type"`
		Description loose          `json:"description"`
		ImageURL    loose          `json:"image_url"`
		ImageType   loose          `json:"image_type"`
		ImageSize   lenient[int64] `json:"image_size"`
		AudioURL    loose          `json:"audio_url"`
		AudioType   loose          `json:"audio_type"`
		AudioSize   lenient[int64] `json:"audio_size"`
		VideoURL    loose          `json:"video_url"`
		VideoType   loose          `json:"video_type"`
		VideoSize   lenient[int64] `json:"video_size"`
		MessageLink loose          `json:"message_link"`
		AuthorName  loose          `json:"author_name"`
		Color       loose          `json:"color"`
	}
	if err := decodeObject(b, &w); err != nil {
		return err
	}
	*a = Attachment{
		Title: string(w.Title), TitleLink: string(w.TitleLink), Text: string(w.Text), Type: string(w.Type), Description: string(w.Description),
		ImageURL: string(w.ImageURL), ImageType: string(w.ImageType), ImageSize: w.ImageSize.v,
		AudioURL: string(w.AudioURL), AudioType: string(w.AudioType), AudioSize: w.AudioSize.v,
		VideoURL: string(w.VideoURL), VideoType: string(w.VideoType), VideoSize: w.VideoSize.v,
		MessageLink: string(w.MessageLink), AuthorName: string(w.AuthorName), Color: string(w.Color),
	}
	return nil
}
