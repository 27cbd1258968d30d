package cometchat

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// maxData bounds the "data" of a message, in bytes of JSON. The platform takes 10 KB (document
// "articles/properties-and-constraints"); how it counts them is not said.
const maxData = 9000

// leastText is the room for text below which a message is refused instead of split into very many.
const leastText = 1000

// prepareSaying makes the messages of a Reply or a Post.
func (s *sending) prepareSaying() error {
	var err error
	if s.receiver, s.kind, err = receiver(s.a.Thread.Conversation, s.as); err != nil {
		return err
	}
	if s.a.Type == event.Reply {
		if s.root, err = messageID(text(s.a.Thread.Root)); err != nil {
			return fmt.Errorf("root %q: %w", s.a.Thread.Root, err)
		}
	}
	first, err := s.draft()
	if err != nil {
		return err
	}
	said := renderMentions(s.a.Text, s.a.Mentions)
	if whole := s.part(first, said, 0); len(said) <= maxText && dataSize(whole.Data) <= maxData {
		s.parts = []Draft{whole}
		return nil
	}
	return s.splitParts(first, said)
}

// splitParts makes several messages of a text. The first carries what is not text.
func (s *sending) splitParts(first Draft, said string) error {
	const highest = 9999
	later := first
	later.Category, later.Type, later.Data = "message", "text", DraftData{}
	room := func(d Draft) int { return min(maxText, maxData-dataSize(s.part(d, "x", highest).Data)+1) }
	if s.a.Custom != nil {
		return fmt.Errorf("custom content has %d bytes, at most %d fit into a message", dataSize(first.Data), maxData)
	}
	if room(first) < leastText || said == "" {
		return fmt.Errorf("attachments and metadata have %d bytes, at most %d fit into a message with text", dataSize(first.Data), maxData-leastText)
	}
	for i, chunk := range splitText(said, room(first), room(later)) {
		d := later
		if i == 0 {
			d = first
		}
		s.parts = append(s.parts, s.part(d, chunk, i+1))
	}
	return nil
}

// draft returns the message without its text and marker.
func (s *sending) draft() (Draft, error) {
	d := Draft{Receiver: s.receiver, ReceiverType: s.kind, Category: "message", Type: "text", Tags: s.a.Tags}
	if len(s.a.Metadata) > 0 {
		if err := json.Unmarshal(s.a.Metadata, &d.Data.Metadata); err != nil {
			return Draft{}, fmt.Errorf("metadata: %w", err)
		}
	}
	for _, m := range s.a.Attachments {
		d.Data.Attachments = append(d.Data.Attachments, attachment(m))
	}
	if len(d.Data.Attachments) > 0 {
		d.Type = mediaType(d.Data.Attachments)
	}
	if s.a.Custom != nil {
		d.Category, d.Type, d.Data.CustomData = "custom", s.a.Custom.Kind, s.a.Custom.Data
	}
	if s.a.Also != nil {
		d.Multiple = new(Receivers)
		for _, u := range s.a.Also.Users {
			id, err := uid(string(u))
			if err != nil {
				return Draft{}, fmt.Errorf("further recipient %q: %w", u, err)
			}
			d.Multiple.UIDs = append(d.Multiple.UIDs, id)
		}
		for _, g := range s.a.Also.Groups {
			id, err := uid(strings.TrimPrefix(string(g), groupPrefix))
			if err != nil {
				return Draft{}, fmt.Errorf("further recipient %q: %w", g, err)
			}
			d.Multiple.GUIDs = append(d.Multiple.GUIDs, id)
		}
	}
	return d, nil
}

// part returns a message with its text and our marker. Parts count from 1; a message that is all there is has none.
func (s *sending) part(d Draft, said string, n int) Draft {
	d.Data.Text = said
	metadata := make(map[string]json.RawMessage, len(d.Data.Metadata)+1)
	for key, value := range d.Data.Metadata {
		metadata[key] = value
	}
	metadata[markerKey] = encodeMarker(s.a, n)
	d.Data.Metadata = metadata
	if s.a.Type == event.Post {
		d.MUID = string(s.a.ID)
		if n > 1 {
			d.MUID = fmt.Sprintf("%s-%d", s.a.ID, n)
		}
	}
	return d
}

func encodeMarker(a event.Action, part int) json.RawMessage {
	b, err := json.Marshal(wireMarker{Action: string(a.ID), Bot: a.Bot, Part: part})
	if err != nil { // of two strings and a number: it cannot fail
		return nil
	}
	return b
}

// dataSize returns the size of a message's data as it is sent.
func dataSize(d DraftData) int {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(d); err != nil { // of raw JSON that is none: the call says so
		return 0
	}
	return b.Len() - 1 // less the line feed
}

// say sends the messages that are not there yet, in order.
func (s *sending) say(ctx context.Context) (event.Receipt, error) {
	sent := make(map[int]Message)
	if len(s.parts) > 1 {
		var err error
		if sent, err = s.findParts(ctx, s.since()); err != nil {
			return event.Receipt{}, err
		}
	}
	for i, d := range s.parts {
		if _, there := sent[i]; there {
			continue
		}
		m, err := s.sayOne(ctx, d)
		if err != nil {
			return event.Receipt{}, err
		}
		sent[i] = m
	}
	return s.receipt(sent), nil
}

// since is how far back parts of this action are looked for: they were sent after it was decided on, by clocks that may differ.
func (s *sending) since() time.Time {
	if s.a.Time.IsZero() {
		return s.c.now().Add(-24 * time.Hour)
	}
	return s.a.Time.Add(-time.Minute)
}

func (s *sending) sayOne(ctx context.Context, d Draft) (m Message, err error) {
	err = s.try(ctx, func() (err error) {
		if s.root != "" {
			m, err = s.client.SendThreaded(ctx, s.root, d)
		} else {
			m, err = s.client.SendMessage(ctx, d)
		}
		return err
	})
	return m, err
}

// receipt returns the receipt of messages that are all there.
func (s *sending) receipt(sent map[int]Message) event.Receipt {
	r := event.Receipt{Action: s.a.ID, Message: event.MessageID(sent[0].ID), Time: sent[0].SentAt}
	if len(s.parts) > 1 {
		for i := range s.parts {
			r.Parts = append(r.Parts, event.MessageID(sent[i].ID))
		}
	}
	return r
}

// attachment returns a file as the platform has them.
func attachment(m event.MediaRef) Attachment {
	a := Attachment{URL: m.URL, Name: m.Name, MIMEType: m.MIMEType, Size: m.Size}
	if u, err := url.Parse(m.URL); err == nil && a.Name == "" && path.Base(u.Path) != "." && path.Base(u.Path) != "/" {
		a.Name = path.Base(u.Path)
	}
	ext := path.Ext(a.Name)
	a.Extension = strings.TrimPrefix(ext, ".")
	if a.MIMEType == "" {
		a.MIMEType = mime.TypeByExtension(ext)
	}
	return a
}

// mediaType returns the message type for files: that of all of them, or "file".
func mediaType(files []Attachment) string {
	var all string
	for _, f := range files {
		kind, _, _ := strings.Cut(f.MIMEType, "/")
		if kind != "image" && kind != "video" && kind != "audio" || all != "" && kind != all {
			return "file"
		}
		all = kind
	}
	return all
}
