package rocketchat

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// polling polls a source of a fake workspace on and on.
type polling struct {
	f      *fakeSpace
	c      *Connection
	source string
	since  time.Time
	cursor string
	calls  int
	// forgetful: the host does not tell what was stored.
	forgetful bool
}

func startPolling(f *fakeSpace, source string) *polling {
	return &polling{f: f, c: f.connect(), source: source}
}

func (p *polling) page() relay.Page {
	p.f.t.Helper()
	p.f.called()
	page, err := p.c.Poll(p.f.t.Context(), relay.PollRequest{Source: p.source, After: p.cursor, Since: p.since})
	if err != nil {
		p.f.t.Fatal(err)
	}
	if _, calls := p.f.called(); page.Calls != max(1, calls) {
		p.f.t.Errorf("the page says that it cost %d calls, and there were %d", page.Calls, calls)
	}
	p.calls += page.Calls
	for _, e := range page.Events {
		if err := e.Validate(); err != nil || e.Platform != platform || e.Self != testUser || e.Thread.Connection != "rc" {
			p.f.t.Errorf("%+v: %v", e, err)
		}
		if !p.forgetful {
			p.c.Remember(e)
		}
	}
	p.cursor = page.Next
	return page
}

// all polls until there is no more.
func (p *polling) all() []event.Event {
	p.f.t.Helper()
	var events []event.Event
	for range 200 {
		before := p.cursor
		page := p.page()
		events = append(events, page.Events...)
		if !page.More || page.Next == before {
			return events
		}
	}
	p.f.t.Fatal("there is always more")
	return nil
}

// short names events by what happened to which message.
func short(events []event.Event) []string {
	var out []string
	for _, e := range events {
		what := strings.TrimPrefix(string(e.Type), "chat.")
		switch {
		case e.Reaction != nil:
			out = append(out, fmt.Sprintf("%s %s %s %s", what, e.Reaction.Message, e.Reaction.Emoji, e.Reaction.By.ID))
		case e.Message != nil:
			out = append(out, fmt.Sprintf("%s %s", what, e.Message.ID))
		default:
			out = append(out, fmt.Sprintf("%s %s", what, e.Trigger))
		}
	}
	return out
}

func wantTold(t *testing.T, got []event.Event, want ...string) {
	t.Helper()
	if !slices.Equal(short(got), want) {
		t.Errorf("told %q, want %q", short(got), want)
	}
}

func TestPollTellsWhatHappens(t *testing.T) {
	f := newFakeSpace(t)
	f.say(fakeAna, spaceChannel, "old", "before", nil)
	p := startPolling(f, "#general")
	wantTold(t, p.all())
	wantTold(t, p.all())

	f.say(fakeAna, spaceChannel, "root", "hello @zoe", object{"mentions": []object{{"_id": zoe, "username": "zoe"}}})
	f.reply(zoe, spaceChannel, "root", "reply", "hi")
	f.say(fakeAna, spaceGroup, "elsewhere", "not here", nil)
	f.say(zoe, spaceChannel, "joined", "zoe", object{"t": "uj"})
	f.say(zoe, spaceChannel, "copy", "hi, before", object{"_hidden": true, "parent": "reply"})
	got := p.all()
	wantTold(t, got, "message.created root", "message.created reply", "other note/uj")
	root, reply := got[0], got[1]
	if root.ID != "rocketchat:rc:root:created" || root.Thread != (event.ThreadRef{Connection: "rc", Conversation: spaceChannel, Root: "root"}) {
		t.Errorf("%+v", root)
	}
	if m := root.Message; m.Sender != (event.User{ID: fakeAna, Name: "ana", Avatar: p.c.client.base + "/avatar/ana"}) || !slices.Equal(m.Mentions, []event.UserID{zoe}) || m.Recipient != "" || m.Parent != "" || m.Kind != "text" || m.Text != "hello @zoe" {
		t.Errorf("%+v", m)
	}
	if reply.Thread.Root != "root" || reply.Message.Parent != "root" || !reply.Time.After(root.Time) {
		t.Errorf("%+v", reply)
	}

	f.edit("root", "hello")
	f.edit("root", "hello!")
	f.remove("reply")
	got = p.all()
	wantTold(t, got, "message.edited root", "message.deleted reply")
	if e := got[0]; e.Message.Text != "hello!" || e.ID != event.ID(fmt.Sprintf("rocketchat:rc:root:edited:%d", e.Time.UnixMilli())) {
		t.Errorf("%+v", e)
	}
	if e := got[1]; e.Incomplete || e.ID != "rocketchat:rc:reply:deleted" || e.Thread.Root != "root" || e.Message.Text != "" || e.Message.Sender.ID != zoe {
		t.Errorf("%+v", e)
	}
	f.reply(zoe, spaceChannel, "root", "again", "hi again")
	f.remove("root")
	got = p.all()
	wantTold(t, got, "message.created again", "message.deleted root")
	if e := got[1]; e.ID != "rocketchat:rc:root:deleted" || e.Thread.Root != "root" || e.Message.Sender.ID != fakeAna {
		t.Errorf("%+v", e)
	}
}

// In a direct room the other side is the recipient.
func TestPollOfADirectRoom(t *testing.T) {
	f := newFakeSpace(t)
	for _, source := range []string{"@ana", spaceDirect} {
		p := startPolling(f, source)
		p.all()
		f.say(fakeAna, spaceDirect, "a"+source, "hi", nil)
		f.say(testUser, spaceDirect, "b"+source, "hi", object{"threadrelay": object{"action": "act", "bot": "echo"}})
		f.say(fakeAna, spaceDirect, "c"+source, "hi", object{"threadrelay": object{"action": "forged"}})
		if strings.HasPrefix(source, "@") { // which no id has
			f.change("a@ana", func(d object) { d["_id"] = "a" })
			f.change("b@ana", func(d object) { d["_id"] = "b" })
			f.change("c@ana", func(d object) { d["_id"] = "c" })
		}
		got := p.all()
		if len(got) != 3 {
			t.Fatalf("told %q", short(got))
		}
		if a, b, c := got[0].Message, got[1].Message, got[2].Message; a.Recipient != testUser || b.Recipient != fakeAna || a.Marker != nil || c.Marker != nil ||
			b.Marker == nil || *b.Marker != (event.Marker{Action: "act", Bot: "echo"}) {
			t.Errorf("%+v, %+v, %+v", a, b, c)
		}
		if !p.c.client.limits.absent() {
			t.Error("a limit was told")
		}
	}
}

// A direct room that nobody has opened is read from when its polling began, once it is there.
func TestPollOfADirectRoomToCome(t *testing.T) {
	f := newFakeSpace(t)
	f.rooms = f.rooms[:2]
	f.clock = time.Now().Add(-time.Hour)
	p := startPolling(f, "@ana")
	wantTold(t, p.all())
	f.say(fakeAna, spaceDirect, "early", "before", nil)
	f.mu.Lock()
	f.clock = time.Now().Add(time.Second)
	f.rooms = append(f.rooms, object{"_id": spaceDirect, "t": "d", "uids": []string{fakeAna, testUser}})
	f.mu.Unlock()
	f.say(fakeAna, spaceDirect, "first", "hi", nil)
	now := time.Now().Add(roomsKept)
	p.c.now = func() time.Time { return now }
	wantTold(t, p.all(), "message.created first")
}

// However small the pages, all is told once and in order, from any cursor on.
func TestPollPages(t *testing.T) {
	for _, size := range []int{1, 2, 3, 7, 100} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			f := newFakeSpace(t)
			f.page = size
			p := startPolling(f, spaceChannel)
			p.since = f.clock
			f.pass(time.Hour)
			var want []string
			for n := range 9 {
				id := fmt.Sprintf("m%d", n)
				f.say(fakeAna, spaceChannel, id, "line", nil)
				want = append(want, "message.created "+id)
				f.pass(time.Second)
			}
			f.say(fakeAna, spaceChannel, "gone", "line", nil)
			f.remove("gone")
			want = append(want, "message.deleted gone")
			first := *p
			var cursors []string
			var told [][]event.Event
			for range 100 {
				page := p.page()
				cursors, told = append(cursors, page.Next), append(told, page.Events)
				if !page.More {
					break
				}
			}
			all := slices.Concat(told...)
			wantTold(t, all, want...)
			for i, cursor := range cursors {
				later := first
				later.c, later.cursor = f.connect(), cursor
				got := later.all()
				rest := slices.Concat(told[i+1:]...)
				known := func(e event.Event) bool {
					return slices.ContainsFunc(all, func(k event.Event) bool { return k.ID == e.ID })
				}
				for _, e := range got {
					if !known(e) && !e.Incomplete {
						t.Errorf("behind page %d: %s was never told", i, e.ID)
					}
				}
				if n := len(got) - len(rest); n < 0 || !slices.Equal(short(got[n:]), short(rest)) {
					t.Errorf("behind page %d: told %q, want %q", i, short(got), short(rest))
				}
			}
		})
	}
}

// Changes of one millisecond that do not fit into a page are all told.
func TestPollTies(t *testing.T) {
	f := newFakeSpace(t)
	p := startPolling(f, spaceChannel)
	p.since = f.clock
	var want []string
	f.say(fakeAna, spaceChannel, "first", "line", nil)
	at := formatTime(f.clock.Add(time.Second))
	for n := range syncCount + 50 {
		id := fmt.Sprintf("m%03d", n)
		f.say(fakeAna, spaceChannel, id, "line", nil)
		f.docs[id]["ts"], f.docs[id]["_updatedAt"] = at, at
		want = append(want, "message.created "+id)
	}
	f.pass(time.Minute)
	f.say(fakeAna, spaceChannel, "last", "line", nil)
	wantTold(t, p.all(), slices.Concat([]string{"message.created first"}, want, []string{"message.created last"})...)
	if p.calls > 12 {
		t.Errorf("%d calls", p.calls)
	}
}
