package bottest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/threadrelay/threadrelay/bots"
	"github.com/threadrelay/threadrelay/bus/event"
)

// Names of what is on the stage in memory.
const (
	connection = event.ConnectionID("test")
	group      = event.ConversationID("group/test")
)

// room is the stage in memory.
type room struct {
	session *bots.Session

	mu       sync.Mutex
	now      time.Time
	serial   int
	flat     []*post                     // outside of threads
	threads  map[event.MessageID][]*post // each with its root
	byID     map[event.MessageID]*post
	byAction map[event.ActionID]*post
	carried  map[event.ActionID]bool
	last     event.Event // what the bot was shown last
	memory   memory
}

// post is a message in the room.
type post struct {
	Shown
	root   event.MessageID // empty outside of threads
	direct bool
	at     time.Time
	edits  int
	marker *event.Marker // of what the bot said
}

func newRoom(bot *bots.Bot) (*room, error) {
	r := &room{
		now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC), threads: make(map[event.MessageID][]*post), byID: make(map[event.MessageID]*post), byAction: make(map[event.ActionID]*post),
		carried: make(map[event.ActionID]bool), memory: memory{values: make(map[string]value)},
	}
	return r, r.restart(bot)
}

func (r *room) restart(bot *bots.Bot) error {
	s, err := bots.NewSession(bot, r)
	if err != nil {
		return err
	}
	r.session = s
	return nil
}

func (r *room) advance(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

// tick makes the next id, and moves the clock by a millisecond so that times differ.
func (r *room) tick() string {
	r.serial++
	r.now = r.now.Add(time.Millisecond)
	return strconv.Itoa(r.serial)
}

// show has the bot handle an event, and carries out what it wants done.
func (r *room) show(e event.Event) error {
	r.mu.Lock()
	r.last = e
	r.mu.Unlock()
	actions, err := r.session.Handle(context.Background(), e)
	if err != nil {
		return err
	}
	return r.Store(context.Background(), actions)
}

func (r *room) replay() error {
	r.mu.Lock()
	e := r.last
	r.mu.Unlock()
	if e.ID == "" {
		return fmt.Errorf("nothing has happened")
	}
	return r.show(e)
}

// Say has somebody say something.
func (r *room) Say(l Line) (event.MessageID, error) {
	r.mu.Lock()
	p := r.add(post{Shown: Shown{From: l.From, Text: l.Text, Attachments: l.Attachments}, root: l.Root, direct: l.Direct})
	e := r.event(p, event.MessageCreated)
	e.Message.Mentions = l.Mentions
	r.mu.Unlock()
	return p.ID, r.show(e)
}

func (r *room) add(p post) *post {
	p.ID = event.MessageID(r.tick())
	p.at, p.Reactions = r.now, make(map[string][]event.UserID)
	if p.root == "" {
		r.flat = append(r.flat, &p)
	}
	thread := cmp.Or(p.root, p.ID)
	r.threads[thread] = append(r.threads[thread], &p)
	r.byID[p.ID] = &p
	return &p
}

// event is what a platform would report of a message.
func (r *room) event(p *post, t event.Type) event.Event {
	m := &event.Message{ID: p.ID, Parent: p.root, Sender: person(p.From), Kind: "text", Text: p.Text, Attachments: p.Attachments, Marker: p.marker}
	if p.direct {
		m.Recipient = Bot
	}
	id := fmt.Sprintf("test:%s:%s:%d", p.ID, t, p.edits)
	return event.Event{
		Version: event.Version, ID: event.ID(id), Type: t, Time: r.now, Platform: "test", Self: Bot, Thread: r.place(p), Message: m,
	}
}

// place is the thread that a message is in, or could start.
func (r *room) place(p *post) event.ThreadRef {
	t := event.ThreadRef{Connection: connection, Conversation: group, Root: p.root}
	if p.direct {
		t.Conversation = "user/" + event.ConversationID(r.partner(p))
	}
	if t.Root == "" {
		t.Root = p.ID
	}
	return t
}

// partner is the person that a direct message is exchanged with: whoever opened the thread.
func (r *room) partner(p *post) event.UserID {
	if root := r.byID[p.root]; root != nil {
		return root.From
	}
	return p.From
}

func person(id event.UserID) event.User {
	name := string(id)
	if name != "" {
		name = strings.ToUpper(name[:1]) + name[1:]
	}
	return event.User{ID: id, Name: name}
}

// Edit has its sender change a message.
func (r *room) Edit(id event.MessageID, text string) error {
	return r.change(id, event.MessageEdited, func(p *post) { p.Text = text })
}

// Delete has its sender take a message back.
func (r *room) Delete(id event.MessageID) error {
	return r.change(id, event.MessageDeleted, func(p *post) { p.Text, p.Deleted = "", true })
}

func (r *room) change(id event.MessageID, t event.Type, change func(p *post)) error {
	r.mu.Lock()
	p := r.byID[id]
	if p == nil {
		r.mu.Unlock()
		return fmt.Errorf("there is no message %q", id)
	}
	r.tick()
	p.edits++
	change(p)
	e := r.event(p, t)
	r.mu.Unlock()
	return r.show(e)
}

// React has somebody react to a message.
func (r *room) React(id event.MessageID, by event.UserID, emoji string) error {
	return r.reaction(id, by, emoji, event.ReactionAdded)
}

// Unreact has somebody take a reaction away.
func (r *room) Unreact(id event.MessageID, by event.UserID, emoji string) error {
	return r.reaction(id, by, emoji, event.ReactionRemoved)
}

func (r *room) reaction(id event.MessageID, by event.UserID, emoji string, t event.Type) error {
	r.mu.Lock()
	p := r.byID[id]
	if p == nil {
		r.mu.Unlock()
		return fmt.Errorf("there is no message %q", id)
	}
	n := r.tick()
	p.react(by, emoji, t == event.ReactionAdded)
	e := r.event(p, t)
	e.ID, e.Message = event.ID("test:"+n), nil
	e.Reaction = &event.Reaction{Message: id, Emoji: emoji, By: person(by)}
	r.mu.Unlock()
	return r.show(e)
}

func (p *post) react(by event.UserID, emoji string, add bool) {
	who := slices.DeleteFunc(p.Reactions[emoji], func(u event.UserID) bool { return u == by })
	if add {
		who = append(who, by)
	}
	if p.Reactions[emoji] = who; len(who) == 0 {
		delete(p.Reactions, emoji)
	}
}

// Shown returns a thread, or what is outside of threads.
func (r *room) Shown(root event.MessageID, direct bool) ([]Shown, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.threads[root]
	if root == "" {
		all = r.flat
	}
	var out []Shown
	for _, p := range all {
		if root != "" || p.direct == direct {
			out = append(out, p.Shown)
		}
	}
	return out, nil
}

// Await looks once: all that happens has happened.
func (r *room) Await(holds func() error) error { return holds() }

// Settle has nothing to wait for.
func (r *room) Settle() error { return nil }
