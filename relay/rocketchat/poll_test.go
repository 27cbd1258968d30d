package rocketchat

import (
	"errors"
	"fmt"
	"net/http"
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

// What shows late, with a time that was read over already, is told; and what was read is not told again.
func TestPollOverlap(t *testing.T) {
	f := newFakeSpace(t)
	p := startPolling(f, spaceChannel)
	f.say(fakeAna, spaceChannel, "m0", "line", nil)
	p.all()
	f.say(fakeAna, spaceChannel, "m1", "line", nil)
	early := formatTime(f.clock.Add(time.Second))
	f.pass(3 * time.Second)
	f.say(fakeAna, spaceChannel, "m2", "line", nil)
	wantTold(t, p.all(), "message.created m1", "message.created m2")
	f.say(fakeAna, spaceChannel, "late", "line", nil)
	f.docs["late"]["ts"], f.docs["late"]["_updatedAt"] = early, early
	wantTold(t, p.all(), "message.created late")
	wantTold(t, p.all())
	cursor := p.cursor
	for range 3 {
		wantTold(t, p.all())
	}
	if p.cursor != cursor {
		t.Errorf("nothing happens, and the cursor has moved from %s to %s", cursor, p.cursor)
	}
	if p.calls = 0; len(p.all()) != 0 || p.calls != 1 {
		t.Errorf("an idle poll costs %d calls", p.calls)
	}
}

// A document whose time lies ahead, of a server whose clock is wrong, hides nothing.
func TestPollOfATimeToCome(t *testing.T) {
	f := newFakeSpace(t)
	f.clock = time.Now().Add(-time.Second)
	p := startPolling(f, spaceChannel)
	p.all()
	f.say(fakeAna, spaceChannel, "ahead", "line", nil)
	ahead := formatTime(f.clock.Add(time.Hour))
	f.docs["ahead"]["ts"], f.docs["ahead"]["_updatedAt"] = ahead, ahead
	wantTold(t, p.all(), "message.created ahead")
	for n := range 3 {
		id := fmt.Sprintf("m%d", n)
		f.say(fakeAna, spaceChannel, id, "line", nil)
		wantTold(t, p.all(), "message.created "+id)
	}
}

// A difference of clocks does not shift where a source begins.
func TestPollSinceByTheServersClock(t *testing.T) {
	for _, skew := range []time.Duration{-time.Hour, 0, time.Hour} {
		f := newFakeSpace(t)
		f.fail = func(w http.ResponseWriter, _ string, _ *http.Request) bool {
			w.Header().Set("Date", time.Now().Add(skew).UTC().Format(http.TimeFormat))
			return false
		}
		f.clock = time.Now().Add(skew - 10*time.Minute)
		f.say(fakeAna, spaceChannel, "before", "line", nil)
		f.pass(5 * time.Minute)
		f.say(fakeAna, spaceChannel, "after", "line", nil)
		p := startPolling(f, spaceChannel)
		p.since = time.Now().Add(-7 * time.Minute)
		wantTold(t, p.all(), "message.created after")
	}
}

// Documents that change without news, and old ones that are put in later, are not told.
func TestPollIsSilentAboutWhatIsNoNews(t *testing.T) {
	f := newFakeSpace(t)
	p := startPolling(f, spaceChannel)
	p.all()
	f.say(fakeAna, spaceChannel, "root", "hello", nil)
	f.edit("root", "hello!")
	wantTold(t, p.all(), "message.created root", "message.edited root")
	f.pass(time.Hour)
	f.change("root", func(d object) { d["pinned"] = true })
	f.say(fakeAna, spaceChannel, "imported", "hello", object{"ts": formatTime(f.clock.Add(-24 * time.Hour))})
	f.say(fakeAna, spaceChannel, "ephemeral", "psst", object{"private": true})
	wantTold(t, p.all())
	p.c.Remember(event.Event{
		Type: event.MessageCreated, Message: &event.Message{ID: "known"},
		Thread: event.ThreadRef{Connection: "rc", Conversation: spaceChannel, Root: "known"},
	})
	f.say(fakeAna, spaceChannel, "known", "hello", nil)
	wantTold(t, p.all())

	p.c = f.connect() // to which nobody has told what is stored: it tells what is lately stored once more, under the same id
	f.change("imported", func(d object) { d["pinned"] = true })
	f.change("root", func(d object) { d["pinned"] = true })
	f.change("known", func(d object) { d["pinned"] = true })
	wantTold(t, p.all(), "message.created known")
}

// With far too much for one answer, the poll goes on page by page.
func TestPollOfTooMuch(t *testing.T) {
	f := newFakeSpace(t)
	p := startPolling(f, spaceChannel)
	p.c.client.maxAnswer = 16 << 10
	f.say(fakeAna, spaceChannel, "m", "line", nil)
	p.all()
	long := strings.Repeat("x", 1<<10)
	var want []string
	for n := range 20 {
		id := fmt.Sprintf("m%02d", n)
		f.say(fakeAna, spaceChannel, id, long, nil)
		f.pass(time.Second)
		want = append(want, "message.created "+id)
	}
	got := slices.DeleteFunc(p.all(), func(e event.Event) bool { return e.Message.ID == "m" })
	wantTold(t, got, want...)
	f.say(fakeAna, spaceChannel, "next", "line", nil)
	p.calls = 0
	if wantTold(t, p.all(), "message.created next"); p.calls != 1 {
		t.Errorf("%d calls afterwards", p.calls)
	}
}

// After a long time without a poll there are pages as well.
func TestPollAfterALongTime(t *testing.T) {
	f := newFakeSpace(t)
	p := startPolling(f, spaceChannel)
	p.all()
	f.say(fakeAna, spaceChannel, "m1", "line", nil)
	later := time.Now().Add(2 * time.Hour)
	p.c.now = func() time.Time { return later }
	p.calls = 0
	if wantTold(t, p.all(), "message.created m1"); p.calls != 3 { // and the room is looked up again
		t.Errorf("%d calls", p.calls)
	}
}

// A server that gives the same page again and again is not asked for ever.
func TestPollOfAServerThatRepeatsItself(t *testing.T) {
	for _, far := range []bool{false, true} {
		f := newFakeSpace(t)
		p := startPolling(f, spaceChannel)
		if p.since = f.clock; far {
			p.all()
		}
		frozen := `{"success":true,"result":{"updated":[{"_id":"m1","rid":"GENERAL","msg":"x","ts":"2026-01-02T03:04:06.000Z","_updatedAt":"2026-01-02T03:04:06.000Z","u":{"_id":"u"}}],"deleted":[],"cursor":{"next":"1767323046000"}}}`
		f.fail = func(w http.ResponseWriter, route string, _ *http.Request) bool {
			if route == "chat.syncMessages" {
				_, _ = w.Write([]byte(frozen))
			}
			return route == "chat.syncMessages"
		}
		if p.calls = 0; len(p.all()) > 2 || p.calls > 30 {
			t.Errorf("%d calls", p.calls)
		}
		f.fail = nil
		f.say(fakeAna, spaceChannel, "m2", "line", nil)
		f.pass(time.Minute)
		f.say(fakeAna, spaceChannel, "m3", "line", nil)
		if got := short(p.all()); !slices.Contains(got, "message.created m3") {
			t.Errorf("told %q", got)
		}
	}
}

func TestPollFailures(t *testing.T) {
	tests := []struct {
		name, source, after string
		status              int
		body                string
		want                relay.Kind
	}{
		{"no source", "a b", "", 0, "", relay.Rejected},
		{"all rooms", "rooms", "", 0, "", relay.Rejected},
		{"no cursor", "GENERAL", "x", 0, "", relay.Rejected},
		{"server", "GENERAL", "", 503, "", relay.Temporary},
		{"limit", "GENERAL", `{"v":1,"floor":5}`, 429, `{"success":false,"error":"wait [error-too-many-requests]"}`, relay.RateLimited},
		{"not allowed to version 8", "GENERAL", "", 400, `{"success":false,"error":"Not allowed [error-not-allowed]","errorType":"error-not-allowed"}`, relay.Denied},
		{"not allowed from version 9", "GENERAL", "", 403, `{"success":false,"error":"Not allowed","errorType":"error-forbidden"}`, relay.Denied},
		{"no root", "thread/5", "", 400, `{"success":false,"error":"Invalid Message [error-invalid-message]","errorType":"error-invalid-message"}`, relay.RootGone},
		{"no token", "GENERAL", "", 401, `{"success":false,"error":"You must be logged in to do this."}`, relay.Denied},
		{"no JSON", "GENERAL", "", 200, `<html>`, relay.Temporary},
		{"not Rocket.Chat", "GENERAL", "", 200, `{}`, relay.Temporary},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if tt.status == 0 {
					t.Errorf("%s is asked", r.URL.Path)
				}
				answer(tt.status, tt.body)(w, r)
			})
			_, err := c.Poll(t.Context(), relay.PollRequest{Source: tt.source, After: tt.after})
			var f *relay.Failure
			if !errors.As(err, &f) || f.Kind != tt.want || !strings.Contains(err.Error(), "rocketchat: poll") {
				t.Error(err)
			}
		})
	}
}
