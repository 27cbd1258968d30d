package bottest

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bots"
	"github.com/threadrelay/threadrelay/bus/event"
)

// Chat is a conversation between people and a bot.
type Chat struct {
	t       testing.TB
	stage   Stage
	threads map[string]*Thread
	room    *room // nil on a stage of real parts
}

// New returns a chat with a bot on a stage that is all in memory. What the bot is told, it handles before the call returns.
func New(t testing.TB, bot *bots.Bot) *Chat {
	t.Helper()
	r, err := newRoom(bot)
	if err != nil {
		t.Fatal(err)
	}
	return &Chat{t: t, stage: r, room: r, threads: make(map[string]*Thread)}
}

// Live returns a chat on a stage of real parts, on which a bot runs already.
func Live(t testing.TB, stage Stage) *Chat {
	return &Chat{t: t, stage: stage, threads: make(map[string]*Thread)}
}

// Thread returns the thread of that name in the group. It begins with what is said in it first.
func (c *Chat) Thread(name string) *Thread { return c.thread("group/"+name, false) }

// Direct returns the thread of that name in the conversation with the bot alone.
func (c *Chat) Direct(name string) *Thread { return c.thread("direct/"+name, true) }

func (c *Chat) thread(key string, direct bool) *Thread {
	th, ok := c.threads[key]
	if !ok {
		th = &Thread{chat: c, name: key, direct: direct}
		c.threads[key] = th
	}
	return th
}

// Advance moves the time of the chat on. It is for the stage in memory alone, whose clock stands still otherwise.
func (c *Chat) Advance(d time.Duration) {
	c.t.Helper()
	c.memory("Advance").advance(d)
}

// Replay shows the bot the last thing that happened once more, as after a crash. People must see nothing of it. It is for the
// stage in memory alone.
func (c *Chat) Replay() {
	c.t.Helper()
	if err := c.memory("Replay").replay(); err != nil {
		c.t.Fatalf("replay: %v", err)
	}
}

// Restart starts the bot anew, as made again by the function that makes it. It remembers what it wrote down. It is for the stage
// in memory alone.
func (c *Chat) Restart(bot *bots.Bot) {
	c.t.Helper()
	if err := c.memory("Restart").restart(bot); err != nil {
		c.t.Fatalf("restart: %v", err)
	}
}

func (c *Chat) memory(what string) *room {
	c.t.Helper()
	if c.room == nil {
		c.t.Fatalf("%s is for the stage in memory", what)
	}
	return c.room
}

// Thread is a thread of the chat.
type Thread struct {
	chat   *Chat
	name   string
	direct bool
	root   event.MessageID
	last   event.MessageID // what somebody said last
	read   int             // messages of the bot that were expected
}

// Root is the thread's first message, empty before that is said.
func (th *Thread) Root() event.MessageID { return th.root }

// Say has somebody say something in the thread, and returns the message's id. The first one is the thread's root.
func (th *Thread) Say(from event.UserID, text string) event.MessageID {
	th.chat.t.Helper()
	return th.SayLine(Line{From: from, Text: text})
}

// SayLine has somebody say something in the thread, with all that may belong to it.
func (th *Thread) SayLine(l Line) event.MessageID {
	th.chat.t.Helper()
	id, err := th.TryLine(l)
	if err != nil {
		th.chat.t.Fatalf("%s: %s says %q: %v", th.name, l.From, l.Text, err)
	}
	return id
}

// TryLine is SayLine for what the bot may fail at: on the stage in memory the error is its handler's.
func (th *Thread) TryLine(l Line) (event.MessageID, error) {
	l.Root, l.Direct = th.root, th.direct
	id, err := th.chat.stage.Say(l)
	if th.root == "" {
		th.root = id
	}
	th.last = id
	return id, err
}

// Edit has its sender change what was said in the thread last.
func (th *Thread) Edit(text string) {
	th.chat.t.Helper()
	th.must(th.chat.stage.Edit(th.last, text))
}

// Delete has its sender take back what was said in the thread last.
func (th *Thread) Delete() {
	th.chat.t.Helper()
	th.must(th.chat.stage.Delete(th.last))
}

// React has somebody react to what the bot has said last in the thread, or if it has said nothing to what people said last.
func (th *Thread) React(by event.UserID, emoji string) {
	th.chat.t.Helper()
	th.must(th.chat.stage.React(th.target(), by, emoji))
}

// Unreact has somebody take their reaction away again.
func (th *Thread) Unreact(by event.UserID, emoji string) {
	th.chat.t.Helper()
	th.must(th.chat.stage.Unreact(th.target(), by, emoji))
}

func (th *Thread) target() event.MessageID {
	th.chat.t.Helper()
	replies := th.bots()
	if len(replies) == 0 {
		return th.last
	}
	return replies[len(replies)-1].ID
}

func (th *Thread) must(err error) {
	th.chat.t.Helper()
	if err != nil {
		th.chat.t.Fatalf("%s: %v", th.name, err)
	}
}

// bots returns what the bot has said in the thread.
func (th *Thread) bots() []Shown {
	th.chat.t.Helper()
	shown, err := th.shown()
	th.must(err)
	return shown
}

func (th *Thread) shown() ([]Shown, error) {
	if th.root == "" {
		return nil, nil
	}
	all, err := th.chat.stage.Shown(th.root, th.direct)
	var own []Shown
	for _, s := range all {
		if s.ID != th.root && s.From == Bot {
			own = append(own, s)
		}
	}
	return own, err
}

// WantReply expects the bot's next reply in the thread to be that text, and returns it.
func (th *Thread) WantReply(text string) Shown {
	th.chat.t.Helper()
	return th.want(fmt.Sprintf("%q", text), func(s Shown) bool { return s.Text == text })
}

// WantMatch expects the bot's next reply in the thread to match a regular expression, and returns it.
func (th *Thread) WantMatch(pattern string) Shown {
	th.chat.t.Helper()
	re, err := regexp.Compile(pattern)
	th.must(err)
	return th.want("a match of "+pattern, func(s Shown) bool { return re.MatchString(s.Text) })
}

// want waits for the bot's next reply.
func (th *Thread) want(what string, fits func(Shown) bool) Shown {
	th.chat.t.Helper()
	var got Shown
	err := th.chat.stage.Await(func() error {
		own, err := th.shown()
		if err != nil {
			return err
		}
		if len(own) <= th.read {
			return fmt.Errorf("no reply")
		}
		if got = own[th.read]; !fits(got) {
			return fmt.Errorf("the reply is %q", got.Text)
		}
		return nil
	})
	if err != nil {
		th.chat.t.Fatalf("%s: %v, want %s", th.name, err, what)
	}
	th.read++
	return got
}

// WantNoReply expects the bot to have said nothing in the thread but what was expected before.
func (th *Thread) WantNoReply() {
	th.chat.t.Helper()
	th.must(th.chat.stage.Settle())
	own := th.bots()
	if len(own) > th.read {
		var texts []string
		for _, s := range own[th.read:] {
			texts = append(texts, fmt.Sprintf("%q", s.Text))
		}
		th.chat.t.Fatalf("%s: the bot said %s", th.name, strings.Join(texts, ", "))
	}
}

// WantShown waits until a message is as the condition wants it: its text after an edit, say, or its reactions. The condition
// returns what is missing.
func (th *Thread) WantShown(id event.MessageID, holds func(Shown) error) {
	th.chat.t.Helper()
	th.must(th.chat.stage.Await(func() error {
		all, err := th.chat.stage.Shown(th.root, th.direct)
		if err != nil {
			return err
		}
		for _, s := range all {
			if s.ID == id {
				return holds(s)
			}
		}
		return fmt.Errorf("message %s is not there", id)
	}))
}

// WantPost expects the bot to have posted that text outside of any thread, in the thread's conversation, and returns it.
func (th *Thread) WantPost(text string) Shown {
	th.chat.t.Helper()
	var got Shown
	th.must(th.chat.stage.Await(func() error {
		all, err := th.chat.stage.Shown("", th.direct)
		if err != nil {
			return err
		}
		for _, s := range all {
			if s.From == Bot && s.Text == text {
				got = s
				return nil
			}
		}
		return fmt.Errorf("the bot has not posted %q", text)
	}))
	return got
}
