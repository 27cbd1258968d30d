package relaytest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// The secrets of the fake platform.
const (
	fakeKey  = "k3y-of-the-fake-platform"
	fakeHook = "h00k-of-the-fake-platform"
)

// world is a platform that is as simple as a platform can be, and its stage. What happens has a number, and polls go by that.
type world struct {
	pageSize    int
	newestFirst bool
	native      bool
	now         func() time.Time

	mu       sync.Mutex
	messages []*message
	log      []happened
	hooks    []Call
	names    map[string]string
}

type message struct {
	ID, Parent       int
	Conversation     string
	Sender, Name     string
	Text             string
	Action, Bot      string
	Part, Edits      int
	SentAt, EditedAt int64
	Deleted          bool
	Reactions        map[string]bool
	As, Alias        string `json:",omitempty"`
}

type happened struct {
	Seq     int
	Type    string
	At      int64
	Message message
	By      string `json:",omitempty"`
	Emoji   string `json:",omitempty"`
}

func newWorld(c StageConfig) *world {
	w := &world{pageSize: c.PageSize, newestFirst: c.NewestFirst, now: c.Now, names: map[string]string{
		"bot": "Bot", "ann": "Ann", "ben": "Ben", "eve": "Eve",
	}}
	if w.now == nil {
		w.now = time.Now
	}
	return w
}

func (w *world) Scene() Scene {
	const group, direct = "group/eng", "user/ann"
	return Scene{
		Self: "bot", People: [2]event.UserID{"ann", "ben"}, Stranger: "eve", Nobody: "nobody", Group: group, Direct: direct, NoMessage: "999999",
		Sources: []Source{
			{Name: "all", Conversations: []event.ConversationID{group, direct}}, {Name: group, Conversations: []event.ConversationID{group}},
			{Name: direct, Conversations: []event.ConversationID{direct}},
		},
	}
}

func (w *world) Say(by event.UserID, in event.ThreadRef, text string) (event.MessageID, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	parent, _ := strconv.Atoi(string(in.Root))
	m := w.add(message{Parent: parent, Conversation: string(in.Conversation), Sender: string(by), Text: text})
	return event.MessageID(strconv.Itoa(m.ID)), nil
}

// add takes a message in.
func (w *world) add(m message) *message {
	m.ID, m.SentAt, m.Reactions = len(w.messages)+1, w.now().Unix(), map[string]bool{}
	if m.Name == "" {
		m.Name = w.names[m.Sender]
	}
	w.messages = append(w.messages, &m)
	w.happen("created", &m, "", "")
	return &m
}

// happen tells of something, in the log and by a webhook.
func (w *world) happen(typ string, m *message, by, emoji string) {
	h := happened{Seq: len(w.log) + 1, Type: typ, At: w.now().Unix(), Message: *m, By: by, Emoji: emoji}
	h.Message.Reactions = nil
	w.log = append(w.log, h)
	if strings.HasSuffix(typ, "reacted") {
		h.Message = message{ID: m.ID} // all that this webhook tells
	}
	body, err := json.Marshal(h)
	if err != nil {
		panic(err)
	}
	w.hooks = append(w.hooks, signFake(body))
}

func (w *world) find(id string) *message {
	n, err := strconv.Atoi(id)
	if err != nil || n < 1 || n > len(w.messages) {
		return nil
	}
	return w.messages[n-1]
}

// change changes a message under the lock.
func (w *world) change(id event.MessageID, f func(m *message)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.find(string(id))
	if m == nil {
		return fmt.Errorf("%s: no such message", id)
	}
	f(m)
	return nil
}

func (w *world) Edit(_ event.UserID, id event.MessageID, text string) error {
	return w.change(id, func(m *message) { w.edit(m, text) })
}

func (w *world) edit(m *message, text string) {
	m.Text, m.EditedAt = text, w.now().Unix()
	m.Edits++
	w.happen("edited", m, "", "")
}

func (w *world) Delete(_ event.UserID, id event.MessageID) error { return w.change(id, w.remove) }

func (w *world) remove(m *message) {
	m.Deleted, m.Text = true, ""
	w.happen("deleted", m, "", "")
}

func (w *world) React(by event.UserID, id event.MessageID, emoji string) error {
	return w.change(id, func(m *message) {
		m.Reactions[string(by)+" "+emoji] = true
		w.happen("reacted", m, string(by), emoji)
	})
}

func (w *world) Unreact(by event.UserID, id event.MessageID, emoji string) error {
	return w.change(id, func(m *message) {
		delete(m.Reactions, string(by)+" "+emoji)
		w.happen("unreacted", m, string(by), emoji)
	})
}

func (w *world) Reacted(by event.UserID, id event.MessageID, emoji string) bool {
	is := false
	_ = w.change(id, func(m *message) { is = m.Reactions[string(by)+" "+emoji] })
	return is
}

func (w *world) Lines() []Line {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lines []Line
	for _, m := range w.messages {
		l := Line{
			ID: event.MessageID(strconv.Itoa(m.ID)), Conversation: event.ConversationID(m.Conversation), Sender: event.UserID(m.Sender),
			Name: m.Name, Text: m.Text, Deleted: m.Deleted,
		}
		if m.Parent != 0 {
			l.Parent = event.MessageID(strconv.Itoa(m.Parent))
		}
		lines = append(lines, l)
	}
	return lines
}

func (w *world) AwaitHooks(_ context.Context, done func([]Call) bool) error {
	w.mu.Lock()
	calls := slices.Clone(w.hooks)
	w.mu.Unlock()
	if done(calls) {
		return nil
	}
	return errors.New("no call will follow")
}

func signFake(body []byte) Call {
	return Call{Header: http.Header{"X-Hook": {fakeHook}}, Body: body}
}
