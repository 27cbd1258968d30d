package rocketchat

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// errBroken is an error of the tests' own.
var errBroken = errors.New("broken")

// patience bounds a wait of the tests.
const patience = 20 * time.Second

// listener is a Listen under way.
type listener struct {
	t      *testing.T
	f      *fakeSpace
	c      *Connection
	cancel context.CancelFunc
	heard  chan relay.Heard
	opened chan struct{}
	ended  chan error

	mu   sync.Mutex
	deaf map[string]error
	// refuse is what Hear returns.
	refuse error
}

// listen listens to sources until the test ends.
func listen(t *testing.T, f *fakeSpace, c *Connection, sources ...string) *listener {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &listener{t: t, f: f, c: c, cancel: cancel, heard: make(chan relay.Heard, 100), opened: make(chan struct{}), ended: make(chan error, 1), deaf: map[string]error{}}
	go func() {
		l.ended <- c.Listen(ctx, relay.ListenRequest{
			Sources: sources,
			Open:    func() { close(l.opened) },
			Deaf: func(source string, err error) {
				l.mu.Lock()
				defer l.mu.Unlock()
				l.deaf[source] = err
			},
			Hear: func(h relay.Heard) error {
				l.mu.Lock()
				defer l.mu.Unlock()
				if l.refuse != nil {
					return l.refuse
				}
				l.heard <- h
				return nil
			},
		})
	}()
	t.Cleanup(func() {
		cancel()
		f.wire.cut()
	})
	return l
}

func await[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
	}
	panic("unreachable")
}

// open waits until all is subscribed to.
func (l *listener) open() *listener {
	l.t.Helper()
	select {
	case <-l.opened:
	case err := <-l.ended:
		l.t.Fatal(err)
	case <-time.After(patience):
		l.t.Fatal("it does not open")
	}
	return l
}

// next is what is heard next.
func (l *listener) next() relay.Heard {
	l.t.Helper()
	return await(l.t, "something to be heard", l.heard)
}

// wantHeard compares what is heard next.
func (l *listener) wantHeard(source string, want ...string) []event.Event {
	l.t.Helper()
	h := l.next()
	for _, e := range h.Events {
		if err := e.Validate(); err != nil {
			l.t.Error(err)
		}
	}
	if h.Source != source || !slices.Equal(short(h.Events), want) {
		l.t.Errorf("heard %q of %s (poll %t), want %q of %s", short(h.Events), h.Source, h.Poll, want, source)
	}
	return h.Events
}

func (l *listener) stop() error {
	l.t.Helper()
	l.cancel()
	return await(l.t, "the end", l.ended)
}

func TestListen(t *testing.T) {
	f := newFakeSpace(t)
	f.say(fakeAna, spaceChannel, "old", "before", nil)
	l := listen(t, f, f.connect(), "#general", "@ana").open()
	f.pass(time.Hour)
	f.say(fakeAna, spaceChannel, "root", "hello", nil)
	root := l.wantHeard("#general", "message.created root")[0]
	if root.ID != "rocketchat:rc:root:created" || root.Thread.Root != "root" || root.Time.UnixMilli() != f.clock.UnixMilli()-1 || root.Message.Sender.Name != "ana" {
		t.Errorf("%+v", root)
	}
	l.c.Remember(root)
	f.reply(zoe, spaceChannel, "root", "reply", "hi") // with which the root comes again
	l.c.Remember(l.wantHeard("#general", "message.created reply")[0])
	f.say(fakeAna, spaceGroup, "elsewhere", "hello", nil)
	f.say(fakeAna, spaceDirect, "direct", "psst", nil)
	if m := l.wantHeard("@ana", "message.created direct")[0].Message; m.Recipient != testUser {
		t.Errorf("%+v", m)
	}
	f.edit("reply", "hi!")
	edited := l.wantHeard("#general", "message.edited reply")[0]
	l.c.Remember(edited)
	f.react("reply", ":tada:", "ana")
	l.wantHeard("#general", "reaction.added reply :tada: "+fakeAna)
	f.react("reply", ":tada:")
	l.wantHeard("#general", "reaction.removed reply :tada: "+fakeAna)
	f.say(zoe, spaceChannel, "joined", "zoe", object{"t": "uj"})
	l.wantHeard("#general", "other note/uj")
	f.remove("reply")
	if e := l.wantHeard("#general", "message.deleted reply")[0]; e.Incomplete || e.Thread.Root != "root" || e.ID != "rocketchat:rc:reply:deleted" || time.Since(e.Time) > time.Minute {
		t.Errorf("%+v", e)
	}
	f.remove("root") // which leaves a tombstone
	l.wantHeard("#general", "message.deleted root")
	if edited.Message.Text != "hi!" || edited.Thread.Root != "root" {
		t.Errorf("%+v", edited)
	}

	f.pass(time.Hour)
	f.reply(zoe, spaceChannel, "old", "late", "hi") // a thread of which nothing is known
	l.wantHeard("#general", "message.created late")
	if h := l.next(); len(h.Events) != 0 || !h.Poll {
		t.Errorf("of a root that nobody has heard of: %+v", h)
	}
	f.remove("old") // which nobody has heard of
	if h := l.next(); len(h.Events) != 1 || h.Events[0].Type != event.MessageDeleted {
		t.Errorf("%+v", h)
	}
	f.mu.Lock()
	f.wire.notice(spaceChannel+noticePruned, object{"rid": spaceChannel, "ids": []string{"late", "x y"}})
	f.wire.notice(spaceChannel+noticePruned, object{"rid": spaceChannel, "ts": object{}})
	f.wire.notice(spaceChannel+noticeDeleted, object{"_id": "never"})
	f.mu.Unlock()
	l.wantHeard("#general", "message.deleted late")
	if h := l.next(); len(h.Events) != 0 || !h.Poll {
		t.Errorf("of many deletions: %+v", h)
	}
	if e := l.wantHeard("#general", "message.deleted never")[0]; !e.Incomplete || e.ID != "rocketchat:rc:never:deleted:incomplete" || e.Thread.Conversation != spaceChannel {
		t.Errorf("%+v", e)
	}
	if err := l.stop(); !errors.Is(err, context.Canceled) || len(l.heard) > 0 {
		t.Errorf("%v, and %d more were heard", err, len(l.heard))
	}
}

// What is heard has the ids that polls give it.
func TestHeardAsPolled(t *testing.T) {
	f := newFakeSpace(t)
	p := startPolling(f, spaceChannel)
	p.forgetful = true
	p.all()
	l := listen(t, f, f.connect(), spaceChannel).open()
	compare := func() {
		t.Helper()
		for _, e := range p.all() {
			h := l.next().Events[0]
			a, errA := e.Encode()
			b, errB := h.Encode()
			if errA != nil || errB != nil || string(a) != string(b) {
				t.Errorf("%s\n%s", a, b)
			}
			p.c.Remember(e)
			l.c.Remember(h)
		}
	}
	f.say(fakeAna, spaceChannel, "m", "hello @zoe", object{"mentions": []object{{"_id": zoe, "username": "zoe"}}})
	compare()
	f.edit("m", "hello!")
	compare()
	f.react("m", ":tada:", "zoe")
	compare()
	f.react("m", ":tada:")
	compare()
}

// All rooms are listened to by one stream, those that the user joins later included, and live chats are left alone.
func TestListenToAllRooms(t *testing.T) {
	f := newFakeSpace(t)
	l := listen(t, f, f.connect(), "rooms").open()
	if f.wire.has(streamMessages+" "+spaceChannel) || !f.wire.has(streamNotices+" "+spaceGroup+noticeDeleted) {
		t.Error("the wrong streams are subscribed to")
	}
	f.say(fakeAna, "visitorRoomId0001", "v", "hello", nil)
	f.say(fakeAna, spaceGroup, "m", "hello", nil)
	l.wantHeard(spaceGroup, "message.created m")
	f.say(fakeAna, spaceDirect, "d", "hello", nil)
	if m := l.wantHeard(spaceDirect, "message.created d")[0].Message; m.Recipient != testUser {
		t.Errorf("%+v", m)
	}
	f.mu.Lock()
	f.rooms = append(f.rooms, object{"_id": "newRoomId00000001", "t": "c", "name": "new"}, object{"_id": "oddDirectRoom0001", "t": "d"})
	f.mu.Unlock()
	f.say(fakeAna, "newRoomId00000001", "n", "hello", nil)
	l.wantHeard("newRoomId00000001", "message.created n")
	awaitSub(t, f, streamNotices+" newRoomId00000001"+noticeDeleted)
	f.remove("n")
	l.wantHeard("newRoomId00000001", "message.deleted n")
	f.say(fakeAna, "oddDirectRoom0001", "o", "hello", nil)
	if h := l.next(); h.Source != "oddDirectRoom0001" || len(h.Events) != 0 || !h.Poll {
		t.Errorf("of a direct room that does not show who is there: %+v", h)
	}
}

func awaitSub(t *testing.T, f *fakeSpace, about string) {
	t.Helper()
	for end := time.Now().Add(patience); !f.wire.has(about); {
		if time.Now().After(end) {
			t.Fatalf("%s is not subscribed to", about)
		}
		<-time.After(time.Millisecond)
	}
}

// The frames that the server's source and the vendor's client show are understood.
func TestGoldenFrames(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "frames.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Frames []json.RawMessage }
	if err := json.Unmarshal(data, &file); err != nil || len(file.Frames) < 15 {
		t.Fatal(err)
	}
	s := newStream(t)
	for _, raw := range file.Frames {
		f, ok := readFrame(raw)
		if !ok {
			if !strings.Contains(string(raw), "server_id") {
				t.Errorf("%s is no frame", raw)
			}
			continue
		}
		if err := s.take(t.Context(), f); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
	var events []event.Event
	for len(s.heard) > 0 {
		events = append(events, (<-s.heard).Events...)
	}
	wantTold(t, events, "message.created m1", "message.created m2", "message.deleted m1")
	if len(events) == 3 && events[0].Thread.Root != "p1" {
		t.Errorf("%+v", events[0])
	}
}

// aStream is a stream without a connection.
type aStream struct {
	*stream
	heard chan relay.Heard
}

func newStream(t testing.TB) aStream {
	t.Helper()
	heard := make(chan relay.Heard, 1000)
	c := newConnection(t, nil)
	r := relay.ListenRequest{
		Deaf: func(string, error) {},
		Hear: func(h relay.Heard) error {
			select {
			case heard <- h:
			default:
			}
			return nil
		},
	}
	rooms := &heardRooms{by: map[string]heardRoom{
		"GENERAL": {room: Room{ID: "GENERAL", Kind: Channel}, source: "#general"}, "R": {room: Room{ID: "R", Kind: Group}, source: "R"},
	}}
	s := &stream{c: c, d: &ddp{clean: c.client.errorText}, r: r, rooms: rooms, subs: map[string]*subscription{"2": {room: "GENERAL", main: true}, "3": {room: "GENERAL"}}}
	return aStream{s, heard}
}
