package rocketsim

import (
	"cmp"
	"slices"
	"strings"
)

// lookInto adds the chosen room's messages and the chosen thread.
func (v *chatView) lookInto(s *Server, me *user, thread string) {
	r := s.rooms[v.Room.Key]
	if r == nil {
		return
	}
	if root := s.store.held[thread]; root != nil && root.RID == r.ID {
		v.Choice.Thread = thread
		v.Thread = s.lookThread(root, me, v.Choice)
	}
	for _, m := range slices.Backward(s.store.shelf(r.ID).told) {
		if m.Hidden || m.TMID != "" && !m.TShow && s.store.held[m.TMID] != nil {
			continue
		}
		if len(v.Messages) == shownMessages {
			v.Earlier = true
			break
		}
		v.Messages = append(v.Messages, s.lookMessage(m, me, v.Choice))
	}
	slices.Reverse(v.Messages)
}

func (s *Server) lookThread(root *message, me *user, at choice) *threadView {
	t := &threadView{Root: s.lookMessage(root, me, at), Choice: at}
	t.Root.inThread()
	for _, m := range s.store.threads[root.ID] {
		if m.Hidden {
			continue
		}
		mv := s.lookMessage(m, me, at)
		mv.inThread()
		t.Replies = append(t.Replies, mv)
	}
	t.Total = len(t.Replies)
	t.Earlier = max(0, t.Total-shownReplies)
	t.Replies = t.Replies[t.Earlier:]
	return t
}

// inThread makes a message one that is shown beside the room.
func (v *messageView) inThread() { v.InThread, v.Anchor = true, messageAnchor(v.Key, true) }

// lookMessage shows one message to a person.
func (s *Server) lookMessage(m *message, me *user, at choice) messageView {
	number, name := 0, cmp.Or(m.U.Name, m.U.Username)
	if u := s.users[m.U.ID]; u != nil {
		number, name = slices.Index(s.everybody(), u), u.Name
	}
	v := messageView{
		Key: m.ID, Anchor: messageAnchor(m.ID, false), Choice: at, Text: m.Msg, Time: s.stamp(told(m)), Mine: m.U.ID == me.ID,
		Bot: m.Bot != nil, Edited: !m.EditedAt.IsZero() && m.T == "", Gone: m.T == "rm", Replies: m.TCount, Reply: m.TMID != "",
		Reactions: s.lookReactions(m, me), Thread: m.root(),
	}
	if m.Alias != "" {
		name, v.Username = m.Alias, m.U.Username
	}
	v.faceView = faceOf(m.U.Username, name, number)
	for _, f := range m.Files {
		v.Files = append(v.Files, f.Name)
	}
	for _, one := range m.Attachments {
		if title := cmp.Or(text(object(one)["title"]), text(object(one)["text"])); title != "" && len(m.Files) == 0 {
			v.Files = append(v.Files, title)
		}
	}
	switch {
	case v.Gone:
		v.Note = "This message was deleted."
	case m.T != "":
		v.Event, v.Note = true, eventWords(m, name)
	case v.Text == "" && len(v.Files) == 0:
		v.Note = "A message without text"
	}
	if m.T == "" {
		v.Quick = quickReactions()
	}
	return v
}

// eventWords says what a system message records.
func eventWords(m *message, name string) string {
	switch m.T {
	case "uj":
		return name + " joined"
	case "ul":
		return name + " left"
	case "au":
		return name + " added " + m.Msg
	case "ru":
		return name + " removed " + m.Msg
	case "r":
		return name + " renamed the room to " + m.Msg
	}
	return strings.TrimSpace(name + ": " + strings.ReplaceAll(m.T, "_", " ") + " " + m.Msg)
}

// lookReactions shows the reactions of a message, as far as there is a glyph for them, and by name otherwise.
func (s *Server) lookReactions(m *message, me *user) []reactionView {
	var out []reactionView
	for _, r := range m.Reactions {
		name := strings.Trim(r.Emoji, ":")
		out = append(out, reactionView{
			Name: name, Glyph: cmp.Or(glyphs()[name], r.Emoji), Count: len(r.Usernames), Who: strings.Join(r.Usernames, ", "),
			Mine: slices.Contains(r.Usernames, me.Username),
		})
	}
	return out
}

// quickReactions are those that the page offers.
func quickReactions() []reactionView {
	var out []reactionView
	for _, name := range []string{"thumbsup", "heart", "smile", "tada", "eyes"} {
		out = append(out, reactionView{Name: name, Glyph: glyphs()[name]})
	}
	return out
}

// glyphs are the characters of the reactions that people and bots give most.
func glyphs() map[string]string {
	return map[string]string{
		"thumbsup": "👍", "+1": "👍", "thumbsdown": "👎", "-1": "👎", "heart": "❤️", "smile": "😄", "grin": "😁", "joy": "😂", "wink": "😉",
		"tada": "🎉", "eyes": "👀", "rocket": "🚀", "fire": "🔥", "clap": "👏", "pray": "🙏", "wave": "👋", "white_check_mark": "✅",
		"heavy_check_mark": "✔️", "x": "❌", "warning": "⚠️", "question": "❓", "cry": "😢", "sob": "😭", "rage": "😡", "thinking": "🤔",
		"ok_hand": "👌", "muscle": "💪", "100": "💯", "bug": "🐛", "sunglasses": "😎", "hourglass": "⌛", "robot": "🤖",
	}
}
