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
