package rocketchat

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay/egress"
)

// linkPurpose keeps the ids of messages that link to a file apart from those of texts.
const linkPurpose = "link"

// sendFiles sends the attachments that are not there yet, in order.
func (s *sending) sendFiles(ctx context.Context, done *said) error {
	if len(s.a.Attachments) == 0 {
		return nil
	}
	there := make([]Message, len(s.a.Attachments))
	if done.repeat || len(done.messages) == 0 { // of a first attempt, there is nothing to be found
		since := s.decided()
		if len(done.messages) > 0 {
			since = done.messages[0].Time
		}
		var err error
		if there, err = s.findFiles(ctx, since); err != nil {
			return fmt.Errorf("look for attachments: %w", err)
		}
	}
	for i, m := range there {
		var err error
		if m.ID == "" {
			m, err = s.sendFile(ctx, i)
		}
		if err != nil {
			return fmt.Errorf("attachment %d: %w", i, err)
		}
		done.messages = append(done.messages, m)
	}
	return nil
}

// decided is since when there can be anything of the action: it was sent after it was decided on, by clocks that may differ.
func (s *sending) decided() time.Time {
	if s.a.Time.IsZero() {
		return s.c.now().Add(-24 * time.Hour)
	}
	return s.a.Time.Add(-time.Minute)
}

// sendFile uploads an attachment and sends the message that shows it, or one with a link.
func (s *sending) sendFile(ctx context.Context, i int) (Message, error) {
	ref := s.a.Attachments[i]
	bound, cancel := context.WithTimeout(ctx, s.c.client.mediaTimeout)
	defer cancel()
	f, err := s.c.fetch(bound, ref)
	if err != nil {
		return s.link(ctx, i, err)
	}
	defer f.content.body.Close()
	file, err := s.c.client.UploadMedia(bound, s.room, Upload{Name: f.name, MIMEType: f.kind, Content: f.content})
	if err != nil {
		refused := refusalOf(err)
		if f.content.err != nil || refused != nil && refused.Status != 401 && isFinal(refused) {
			return s.link(ctx, i, err)
		}
		return Message{}, err
	}
	s.c.expectFile(file.ID, &event.Marker{Action: s.a.ID, Bot: s.a.Bot})
	var m Message
	err = s.disguised(func(named bool) (err error) {
		d := MediaDraft{ThreadID: s.root}
		if named {
			d.Alias, d.Avatar = s.face.name, s.face.avatar
		} else {
			d.Text = strings.TrimSpace(s.face.prefix)
		}
		m, err = s.c.client.ConfirmMedia(ctx, s.room, file.ID, d)
		return err
	})
	return m, err
}

// link sends a message with a link to an attachment instead of that. If the caller has given up, there is no attachment that
// cannot be had.
func (s *sending) link(ctx context.Context, i int, cause error) (Message, error) {
	if ctx.Err() != nil {
		return Message{}, egress.Cause(ctx, cause)
	}
	stamp := Stamp{Action: s.stamp.Action, Bot: s.stamp.Bot}
	m, _, err := s.speak(ctx, s.wrap(messageID(s.a.ID, linkPurpose, i), linkText(s.a.Attachments[i]), stamp))
	if err != nil {
		return Message{}, fmt.Errorf("%w (in the place of a file: %w)", err, cause)
	}
	return m, nil
}

// linkText names a file, and links to it unless the address holds credentials.
func linkText(m event.MediaRef) string {
	u, err := url.Parse(m.URL)
	if err != nil {
		u = &url.URL{}
	}
	const sign = "📎 "
	name := DefuseMentions(EscapeText(fileName(m.Name, u)))
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || utf16Len(m.URL) > maxText/2 {
		return sign + name
	}
	return sign + "[" + linkLabel(name) + "](" + linkTarget(u) + ")"
}

// linkLabel takes out of a text what would end a link's label.
func linkLabel(s string) string {
	return string(slices.DeleteFunc([]rune(s), func(r rune) bool { return r == '[' || r == ']' }))
}

// linkTarget writes an address so that it does not end within a link.
func linkTarget(u *url.URL) string {
	var out []byte
	for _, b := range []byte(u.String()) {
		switch b {
		case '(', ')', '<', '>', '|', ' ':
			out = fmt.Appendf(out, "%%%02X", b)
		default:
			out = append(out, b)
		}
	}
	return string(out)
}

// findFiles returns the messages that show the action's attachments, in their order; a message without an id for one that is
// not there. They are known by the names of their files, and by when and where they were sent; or are links.
func (s *sending) findFiles(ctx context.Context, since time.Time) ([]Message, error) {
	found := make([]Message, len(s.a.Attachments))
	names := make([]string, len(s.a.Attachments))
	for i, ref := range s.a.Attachments {
		u, err := url.Parse(ref.URL)
		if err != nil {
			u = &url.URL{}
		}
		names[i] = fileName(ref.Name, u)
	}
	var mine []Message
	for m, err := range s.recent(ctx, since) {
		if err != nil {
			return nil, err
		}
		if s.mayShow(m) {
			mine = append(mine, m)
		}
	}
	slices.Reverse(mine) // the earliest first, as they were sent
	for i, name := range names {
		at := slices.IndexFunc(mine, func(m Message) bool { return m.ID == messageID(s.a.ID, linkPurpose, i) })
		if at < 0 {
			at = slices.IndexFunc(mine, func(m Message) bool { return len(m.Files) > 0 && sameFile(m.Files[0].Name, name) })
		}
		if at >= 0 {
			found[i] = mine[at]
			mine = slices.Delete(mine, at, at+1)
		}
	}
	return found, nil
}

// sameFile reports whether two names may be of one file: servers differ in how they read letters that are not ASCII.
func sameFile(a, b string) bool {
	skeleton := func(r rune) rune {
		if isAlphanumeric(r) || r == '.' {
			return r
		}
		return -1
	}
	return strings.Map(skeleton, a) == strings.Map(skeleton, b)
}

// mayShow reports whether a message may be one of the action's attachments.
func (s *sending) mayShow(m Message) bool {
	if m.User.ID != string(s.c.self) || m.ThreadID != s.root || m.Hidden || m.Deleted() {
		return false
	}
	if m.Stamp != nil {
		return m.Stamp.Action == string(s.a.ID)
	}
	if len(m.Files) == 0 {
		return false
	}
	of, known := s.c.uploads.get(m.Files[0].ID, s.c.now())
	return !known || of.Action == s.a.ID
}

// recent lists what was said since a time in the place of the action, the newest first.
func (s *sending) recent(ctx context.Context, since time.Time) iter.Seq2[Message, error] {
	if s.root != "" {
		return s.recentReplies(ctx, since)
	}
	return func(yield func(Message, error) bool) {
		r, err := s.c.room(ctx, event.ConversationID(s.room))
		if err != nil {
			yield(Message{}, err)
			return
		}
		h := History{Oldest: since, Inclusive: true, NoThreads: true}
		s.c.client.RoomHistory(ctx, r.Kind, r.ID, h)(yield)
	}
}

func (s *sending) recentReplies(ctx context.Context, since time.Time) iter.Seq2[Message, error] {
	replies := walk(messageKey, func(p Paging) (Page[Message], error) {
		p.Sort = Sort{Field: "ts", Descending: true}
		return s.c.client.ThreadPage(ctx, s.root, p)
	})
	return func(yield func(Message, error) bool) {
		for m, err := range replies {
			if err == nil && m.Time.Before(since) {
				return
			}
			if !yield(m, err) {
				return
			}
		}
	}
}
