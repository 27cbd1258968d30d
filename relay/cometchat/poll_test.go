package cometchat

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

const speech = `"sender":"ana","receiver":"crew","receiverType":"group","category":"message","type":"text","data":{"text":"hi"}`

// polling is a poller with a clock of its own.
type polling struct {
	t      *testing.T
	c      *Connection
	source string
	now    time.Time
	cursor string
	calls  int
}

func startPolling(f *fakeList, source string) *polling {
	c := f.connection()
	p := &polling{t: f.t, c: c, source: source, now: time.Unix(1_700_100_000, 0)}
	c.now = func() time.Time { return p.now }
	return p
}

// page polls once; the first time from since on.
func (p *polling) page(since time.Time) relay.Page {
	p.t.Helper()
	page, err := p.c.Poll(p.t.Context(), relay.PollRequest{Source: p.source, After: p.cursor, Since: since})
	if err != nil {
		p.t.Fatal(err)
	}
	p.cursor = page.Next
	p.calls += page.Calls
	return page
}

// all polls until there is no more, and returns the messages of the events in their order.
func (p *polling) all(since time.Time) []int {
	p.t.Helper()
	var got []int
	for range 10_000 {
		page := p.page(since)
		for _, e := range page.Events {
			var id int
			if _, err := fmt.Sscanf(string(e.ID), "cometchat:app1:%d:", &id); err != nil {
				p.t.Fatalf("%s: %v", e.ID, err)
			}
			got = append(got, id)
		}
		if !page.More {
			return got
		}
	}
	p.t.Fatal("there is always more")
	return nil
}

func pollSources() []string { return []string{"app", "user/zoe", "zoe", "group/crew", "thread/1"} }

func TestPollFromNowOn(t *testing.T) {
	for kind, change := range kinds() {
		for _, source := range pollSources() {
			f := newFakeList(t, 100, 101, 102)
			change(f)
			p := startPolling(f, source)
			if got := p.all(time.Time{}); got != nil {
				t.Fatalf("%s %s: got %v at the start", kind, source, got)
			}
			f.add(103, speech)
			f.add(104, speech)
			if got := p.all(time.Time{}); !slices.Equal(got, []int{103, 104}) {
				t.Fatalf("%s %s: got %v", kind, source, got)
			}
			f.add(105, speech)
			if got := p.all(time.Time{}); !slices.Equal(got, []int{105}) {
				t.Fatalf("%s %s: got %v", kind, source, got)
			}
		}
	}
}

func TestPollOfAnEmptySource(t *testing.T) {
	for _, source := range []string{"app", "user/zoe", "group/crew", "thread/1"} {
		f := newFakeList(t)
		p := startPolling(f, source)
		for range 3 {
			if got := p.all(time.Time{}); got != nil {
				t.Fatalf("%s: %v", source, got)
			}
		}
		f.add(7, speech)
		f.add(9, speech)
		if got := p.all(time.Time{}); !slices.Equal(got, []int{7, 9}) {
			t.Errorf("%s: %v", source, got)
		}
	}
}

func TestPollRequests(t *testing.T) {
	for source, want := range map[string]string{
		"app":        "GET /messages?affix=append&id=3&limit=500 as ",
		"Zoe":        "GET /users/zoe/messages?affix=append&id=3&limit=500&perPage=500 as helper",
		"user/zoe":   "GET /users/zoe/messages?affix=append&id=3&limit=500&perPage=500 as helper",
		"group/Crew": "GET /groups/crew/messages?affix=append&id=3&limit=500 as helper",
		"thread/2":   "GET /messages/2/thread?affix=append&id=3&limit=500&perPage=500 as ",
	} {
		f := newFakeList(t, 1, 2, 3)
		p := startPolling(f, source)
		p.all(time.Time{})
		f.seen()
		p.all(time.Time{})
		if got := f.seen(); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q", source, got)
		}
	}
}

func TestPollSince(t *testing.T) {
	since := time.Unix(1_700_000_000+100, 0)
	for kind, change := range kinds() {
		for _, untimed := range []bool{false, true} {
			for _, source := range []string{"app", "group/crew", "thread/1"} {
				f := newFakeList(t, upTo(610)...)
				change(f)
				f.untimed = untimed
				p := startPolling(f, source)
				if got := p.all(since); !slices.Equal(got, upTo(610)[99:]) {
					t.Fatalf("%s %s: %d events, first %v", kind, source, len(got), got[:min(3, len(got))])
				}
				if p.calls != len(f.seen()) {
					t.Fatalf("%s %s: it says that it made %d calls", kind, source, p.calls)
				}
			}
		}
	}
}

func TestPollSinceBeforeEverything(t *testing.T) {
	for _, source := range []string{"app", "user/zoe", "group/crew", "thread/1"} {
		f := newFakeList(t, 50, 51, 60)
		if got := startPolling(f, source).all(time.Unix(1_600_000_000, 0)); !slices.Equal(got, []int{50, 51, 60}) {
			t.Errorf("%s: %v", source, got)
		}
	}
}

// TestPollLateCommits has messages appear below ids that were read already.
func TestPollLateCommits(t *testing.T) {
	f := newFakeList(t, 100)
	p := startPolling(f, "app")
	p.all(time.Time{})
	f.add(105, speech)
	f.add(110, speech)
	if got := p.all(time.Time{}); !slices.Equal(got, []int{105, 110}) {
		t.Fatal(got)
	}
	f.add(103, speech)
	p.now = p.now.Add(40 * time.Second)
	if got := p.all(time.Time{}); !slices.Equal(got, []int{103}) {
		t.Fatal(got)
	}
	f.add(104, speech)
	f.add(112, speech)
	p.now = p.now.Add(5 * time.Minute) // longer than the overlap: but once more everything is read again
	if got := p.all(time.Time{}); !slices.Equal(got, []int{104, 112}) {
		t.Fatal(got)
	}
	p.now = p.now.Add(5 * time.Minute)
	if got := p.all(time.Time{}); got != nil {
		t.Fatal(got)
	}
	f.seen()
	p.all(time.Time{})
	if calls := f.seen(); !strings.Contains(calls[0], "id=112&") {
		t.Errorf("at rest, nothing is read again: %v", calls)
	}
}

// TestPollOverByAnother has a machine whose clock is behind go on where another left off.
func TestPollOverByAnother(t *testing.T) {
	f := newFakeList(t, 100)
	p := startPolling(f, "app")
	p.all(time.Time{})
	f.add(105, speech)
	f.add(106, moderated("pending"))
	p.all(time.Time{})
	p.now = p.now.Add(-24 * time.Hour)
	f.add(106, speech)
	if got := p.all(time.Time{}); got != nil {
		t.Error(got)
	}
	p.now = p.now.Add(pendingLast + time.Second)
	if got := p.all(time.Time{}); !slices.Equal(got, []int{106}) {
		t.Error(got)
	}
	if p.all(time.Time{}); p.cursor != `{"v":1,"floor":106}` {
		t.Errorf("the overlap stays: %s", p.cursor)
	}
}

// TestPollBusySource has far more in the overlap than the cursor holds.
func TestPollBusySource(t *testing.T) {
	for kind, change := range kinds() {
		f := newFakeList(t, 1)
		f.sent = func(id int) int64 { return 1_700_100_000 - 600 + int64(id)/10 } // all of it recent
		change(f)
		p := startPolling(f, "app")
		p.all(time.Time{})
		var want []int
		for id := 2; id <= 620; id++ {
			f.add(id, speech)
			want = append(want, id)
		}
		if got := p.all(time.Time{}); !slices.Equal(got, want) {
			t.Fatalf("%s: %d events", kind, len(got))
		}
		if len(p.cursor) > 1000 {
			t.Errorf("%s: a cursor of %d bytes", kind, len(p.cursor))
		}
		if got := p.all(time.Time{}); got != nil {
			t.Fatalf("%s: again %v", kind, got)
		}
	}
}

func TestPollRowsVanish(t *testing.T) {
	f := newFakeList(t, 1)
	p := startPolling(f, "app")
	p.all(time.Time{})
	for id := 2; id < 20; id++ {
		f.add(id, speech)
	}
	p.all(time.Time{})
	delete(f.rows, 19) // deleted for good
	delete(f.rows, 5)
	if got := p.all(time.Time{}); got != nil {
		t.Fatal(got)
	}
	f.add(20, speech)
	if got := p.all(time.Time{}); !slices.Equal(got, []int{20}) {
		t.Fatal(got)
	}
}

func TestPollEditsAndDeletes(t *testing.T) {
	f := newFakeList(t, 1)
	p := startPolling(f, "app")
	p.all(time.Time{})
	action := `"sender":"ana","receiver":"crew","receiverType":"group","category":"action","type":"message","data":{"action":"%s","entities":{"on":{"entity":{"id":"1",` +
		`"sentAt":1700000001,%s,%s},"entityType":"message"}}}`
	f.add(2, fmt.Sprintf(action, "edited", `"editedAt":1700000050`, speech))
	f.add(3, fmt.Sprintf(action, "deleted", `"deletedAt":1700000060`, speech))
	events := p.page(time.Time{}).Events
	if len(events) != 2 || events[0].Type != event.MessageEdited || events[1].Type != event.MessageDeleted || events[0].Message.ID != "1" || events[1].ID != "cometchat:app1:1:deleted" {
		t.Errorf("%s", jsonText(events))
	}
}

func TestPollUnreadableRows(t *testing.T) {
	f := newFakeList(t, 1)
	p := startPolling(f, "app")
	p.all(time.Time{})
	f.add(2, `"sender":{},"category":"message","data":{"token":"secret","text":"`+testKey+`"}`)
	f.add(3, speech)
	events := p.page(time.Time{}).Events
	if len(events) != 2 || events[0].Type != event.Other || events[0].Trigger != "poll/unreadable" || events[1].Message.ID != "3" {
		t.Fatalf("%s", jsonText(events))
	}
	if err := events[0].Validate(); err != nil || strings.Contains(jsonText(events), "secret") || strings.Contains(jsonText(events), testKey) {
		t.Errorf("%v: %s", err, jsonText(events))
	}
	again := p.page(time.Time{}).Events
	if len(again) != 0 {
		t.Errorf("%s", jsonText(again))
	}
}

func TestPollRowsWithoutIDs(t *testing.T) {
	c := serve(t, answer(200, `{"data":[{"id":"x"},{}]}`))
	_, err := c.Poll(t.Context(), relay.PollRequest{Source: "app", After: `{"v":1,"floor":5}`})
	var f *relay.Failure
	if !errors.As(err, &f) || f.Kind != relay.Temporary || !strings.Contains(err.Error(), "none of the page's 2 rows") {
		t.Error(err)
	}
}

func TestPollFailures(t *testing.T) {
	tests := []struct {
		name, source, after string
		status              int
		body                string
		want                relay.Kind
	}{
		{"no source", "room/1", "", 0, "", relay.Rejected},
		{"no cursor", "app", "x", 0, "", relay.Rejected},
		{"server", "app", "", 503, "", relay.Temporary},
		{"limit", "app", `{"v":1,"floor":5}`, 429, `{"error":{"code":"ERR_TOO_MANY_REQUESTS"}}`, relay.RateLimited},
		{"not joined", "group/crew", "", 403, `{"error":{"code":"ERR_GROUP_NOT_JOINED"}}`, relay.Denied},
		{"no root", "thread/5", "", 404, `{"error":{"code":"ERR_MESSAGE_ID_NOT_FOUND"}}`, relay.RootGone},
		{"no group", "group/crew", "", 404, `{"error":{"code":"ERR_GUID_NOT_FOUND"}}`, relay.Rejected},
		{"no JSON", "app", "", 200, `<html>`, relay.Temporary},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := serve(t, answer(tt.status, tt.body))
			if tt.status == 0 {
				c = newConnection(t, func(cfg *Config) { cfg.HTTP = &http.Client{Transport: refusing{t}} })
			}
			_, err := c.Poll(t.Context(), relay.PollRequest{Source: tt.source, After: tt.after})
			var f *relay.Failure
			if !errors.As(err, &f) || f.Kind != tt.want {
				t.Error(err)
			}
			assertNoSecret(t, err)
		})
	}
}

func TestCheckSource(t *testing.T) {
	c := newConnection(t, nil)
	for source, says := range map[string]string{
		"app": "", "user/ana": "", "ana": "", "group/crew": "", "thread/5": "", "": "id is missing", "user/": "id is missing",
		"group/a b": "white space", "thread/x": "decimal", "thread/0": "zero", "thread/99999999999999999999": "too large",
		"room/1": "want app, user/<uid>", "user/Helper": "the bot itself", "app/": "want app",
	} {
		err := c.CheckSource(source)
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", source, err)
		}
	}
	nobody := newConnection(t, func(cfg *Config) { cfg.BotUID = "" })
	for source, fine := range map[string]bool{"app": true, "group/crew": true, "thread/5": true, "user/ana": false, "ana": false} {
		if err := nobody.CheckSource(source); (err == nil) != fine {
			t.Errorf("%q: %v", source, err)
		}
	}
}
