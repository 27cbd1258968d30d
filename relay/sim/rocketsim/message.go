package rocketsim

import (
	"maps"
	"strings"
	"time"
)

// userRef is a user as messages name one.
type userRef struct {
	ID       string `json:"_id"`
	Username string `json:"username"`
	Name     string `json:"name,omitempty"`
}

// mention is a user, or "all" or "here", that a text names.
type mention struct {
	ID       string `json:"_id"`
	Username string `json:"username"`
	Name     string `json:"name,omitempty"`
	Type     string `json:"type,omitempty"` // user
}

// channelRef is a room that a text names.
type channelRef struct {
	ID   string `json:"_id"`
	Name string `json:"name"`
}

// fileRef is an upload as its message names it.
type fileRef struct {
	ID   string `json:"_id"`
	Name string `json:"name"`
	Type string `json:"type"`
	Size int    `json:"size,omitempty"`
}

// reaction is one emoji, with its colons, and who gave it.
type reaction struct {
	Emoji     string
	Usernames []string
}

// message is a document of the message collection (Rocket.Chat: core-typings IMessage). A committed message is never changed in
// place: a change replaces it with a clone. So whoever got one may keep it and read it without a lock.
type message struct {
	ID, RID, Msg string
	T            string // kind of a system message; "rm" for a deleted one; empty for what people write
	TMID         string // root of the thread
	TShow        bool   // shown in the channel, too
	TS           time.Time
	TSRaw        any // ts as the sender wrote it, where the server kept that: then TS is zero and no query by ts finds the message
	UpdatedAt    time.Time
	U            userRef

	Mentions    []mention
	Channels    []channelRef
	URLs        []any
	Attachments []any // nil has no key
	Blocks      []any // nil has no key
	File        *fileRef
	Files       []fileRef
	Reactions   []reaction
	NoReactions bool // an empty object for reactions, as deleted messages have

	Replies   []string  // ids of those who follow the thread
	HasThread bool      // it is, or was, a thread's root: it has tcount and tlm
	TCount    int       // how many replies the thread has
	TLM       time.Time // ts of the last reply
	TLMRaw    any       // the same as its sender wrote it; see TSRaw

	Alias, Avatar, Emoji string
	Bot                  any // {"i": integration id} of what webhooks post, or what the sender wrote; nil has no key
	Groupable            *bool
	CustomFields         map[string]any
	EditedAt             time.Time
	EditedBy             userRef
	Hidden               bool   // a copy that KeepHistory left behind
	Parent               string // the message that a hidden copy is of

	Extra map[string]any // keys that the server does not know, kept as they came

	seq int64 // order of insertion
}

// root is the id of the thread that a message belongs to: of its root, or of itself.
func (m *message) root() string {
	if m.TMID != "" {
		return m.TMID
	}
	return m.ID
}

// clone copies a message for a change. Slices and maps are shared: they must be replaced, not changed.
func (m *message) clone() *message {
	c := *m
	return &c
}

// isoDate is a time as REST shows it.
func isoDate(t time.Time) any { return t.UTC().Format(isoLayout) }

// isoLayout is ISO-8601 with milliseconds and Z.
const isoLayout = "2006-01-02T15:04:05.000Z"

// ddpDate is a time as the realtime API shows it.
func ddpDate(t time.Time) any { return map[string]int64{"$date": t.UnixMilli()} }

// doc is a message as the API shows it, with its times written by date ([isoDate] or [ddpDate]). The map is the caller's; what is
// inside is shared and must not be changed.
func (m *message) doc(date func(time.Time) any) map[string]any {
	d := make(map[string]any, len(m.Extra)+12)
	maps.Copy(d, m.Extra)
	d["_id"], d["rid"], d["msg"], d["u"] = m.ID, m.RID, m.Msg, m.U
	d["_updatedAt"] = date(m.UpdatedAt)
	d["ts"] = m.TSRaw
	if m.TSRaw == nil {
		d["ts"] = date(m.TS)
	}
	d["mentions"], d["channels"], d["urls"] = listed(m.Mentions), listed(m.Channels), listed(m.URLs)
	for key, value := range map[string]string{
		"t": m.T, "tmid": m.TMID, "alias": m.Alias, "avatar": m.Avatar, "emoji": m.Emoji, "parent": m.Parent,
	} {
		if value != "" {
			d[key] = value
		}
	}
	m.docThread(d, date)
	m.docRest(d)
	return d
}

// docThread adds what belongs to threads and edits.
func (m *message) docThread(d map[string]any, date func(time.Time) any) {
	if m.TShow {
		d["tshow"] = true
	}
	if m.Replies != nil {
		d["replies"] = m.Replies
	}
	if m.HasThread {
		d["tcount"], d["tlm"] = m.TCount, m.TLMRaw
		if m.TLMRaw == nil {
			d["tlm"] = date(m.TLM)
		}
	}
	if !m.EditedAt.IsZero() {
		d["editedAt"], d["editedBy"] = date(m.EditedAt), userRef{ID: m.EditedBy.ID, Username: m.EditedBy.Username}
	}
	if m.Hidden {
		d["_hidden"] = true
	}
}

// docRest adds what hangs on a message.
func (m *message) docRest(d map[string]any) {
	if m.Attachments != nil {
		d["attachments"] = m.Attachments
	}
	if m.Blocks != nil {
		d["blocks"] = m.Blocks
	}
	if m.Msg != "" && m.T == "" {
		d["md"] = parsed(m.Msg)
	}
	if m.File != nil {
		d["file"] = m.File
	}
	if m.Files != nil {
		d["files"] = m.Files
	}
	if len(m.Reactions) > 0 || m.NoReactions {
		given := make(map[string]any, len(m.Reactions))
		for _, r := range m.Reactions {
			given[r.Emoji] = map[string]any{"usernames": r.Usernames}
		}
		d["reactions"] = given
	}
	if m.Bot != nil {
		d["bot"] = m.Bot
	}
	if m.Groupable != nil {
		d["groupable"] = *m.Groupable
	}
	if m.CustomFields != nil {
		d["customFields"] = m.CustomFields
	}
}

// parsed is the syntax tree of a text: one paragraph for each line, without any markup, since nothing that is tested reads it.
func parsed(text string) []any {
	var tree []any
	for line := range strings.SplitSeq(text, "\n") {
		plain := map[string]any{"type": "PLAIN_TEXT", "value": line}
		tree = append(tree, map[string]any{"type": "PARAGRAPH", "value": []any{plain}})
	}
	return tree
}

// listed is a slice that JSON shows as an array even when it is nil.
func listed[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}
