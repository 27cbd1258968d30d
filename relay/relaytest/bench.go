package relaytest

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// bench is a stage with a server before it and a connection to that.
type bench struct {
	*suite
	*link
	stage  Stage
	scene  Scene
	front  *front
	server *httptest.Server
	acted  atomic.Int64
}

// stand builds a bench.
func (s *suite) stand(c StageConfig) *bench {
	s.t.Helper()
	b := &bench{suite: s, stage: s.p.NewStage(s.t, c)}
	b.scene = b.stage.Scene()
	b.front = &front{next: b.stage.Handler(), changes: s.p.Changes}
	b.server = httptest.NewServer(b.front)
	s.t.Cleanup(b.close)
	b.link = b.connect()
	return b
}

// close ends the server and whatever goes on there. It may be called more than once.
func (b *bench) close() {
	b.front.clear()
	b.server.CloseClientConnections()
	b.server.Close()
}

// connect makes a further connection, as a restarted process would.
func (b *bench) connect() *link {
	return &link{s: b.suite, conn: b.p.Connect(b.t, Address{URL: b.server.URL})}
}

// thread names a thread, or with an empty root a conversation.
func (b *bench) thread(c event.ConversationID, root event.MessageID) event.ThreadRef {
	return event.ThreadRef{Connection: b.p.Connection, Conversation: c, Root: root}
}

func (b *bench) group() event.ThreadRef  { return b.thread(b.scene.Group, "") }
func (b *bench) direct() event.ThreadRef { return b.thread(b.scene.Direct, "") }

// say has the first of the people say something.
func (b *bench) say(in event.ThreadRef, text string) event.MessageID {
	b.t.Helper()
	id, err := b.stage.Say(b.scene.People[0], in, text)
	b.must(err)
	return id
}

// line returns a message as it stands on the stage.
func (b *bench) line(id event.MessageID) (Line, bool) {
	lines := b.stage.Lines()
	i := slices.IndexFunc(lines, func(l Line) bool { return l.ID == id })
	if i < 0 {
		return Line{}, false
	}
	return lines[i], true
}

// action returns a whole action of a type, about a target where the type has one. Each has an id of its own.
func (b *bench) action(typ event.ActionType, in event.ThreadRef, target event.MessageID) event.Action {
	n := b.acted.Add(1)
	a := event.Action{
		Version: event.Version, ID: event.NewActionID("relaytest", b.t.Name(), int(n)), Type: typ, Time: time.Now().UTC(),
		Thread: in, Bot: "relaytest",
	}
	switch typ {
	case event.Reply, event.Post, event.Edit:
		a.Text = fmt.Sprintf("what action %d says", n)
	case event.React, event.Unreact:
		a.Emoji = "👍"
	case event.Delete:
	}
	if typ != event.Reply && typ != event.Post {
		a.Target = target
	}
	return a
}

// capabilities returns what the platform says that it can do; without a word of it, nothing.
func (b *bench) capabilities() event.Capabilities {
	if !b.promises(Capable) {
		return event.Capabilities{Idempotence: event.NoIdempotence, Identity: event.NoIdentity}
	}
	return b.abilities()
}
