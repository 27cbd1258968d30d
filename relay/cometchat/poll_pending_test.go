package cometchat

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

func moderated(status string) string {
	return strings.Replace(speech, `"text":"hi"`, `"text":"hi","moderation":{"status":"`+status+`"}`, 1)
}

// types returns the types of a page's events.
func (p *polling) types() []event.Type {
	p.t.Helper()
	var types []event.Type
	for _, e := range p.page(time.Time{}).Events {
		types = append(types, e.Type)
	}
	return types
}

func TestPollWaitsForModeration(t *testing.T) {
	f := newFakeList(t, 1)
	p := startPolling(f, "app")
	p.all(time.Time{})
	f.add(2, moderated("pending"))
	if got := p.types(); !slices.Equal(got, []event.Type{event.Other}) {
		t.Fatal(got)
	}
	f.seen()
	if got := p.types(); got != nil || len(f.seen()) != 1 {
		t.Fatalf("%v; it is too early to ask again", got)
	}
	p.now = p.now.Add(6 * time.Second)
	if got := p.types(); got != nil || len(f.seen()) != 2 {
		t.Fatalf("%v; it was to be asked for", got)
	}
	f.add(2, moderated("approved"))
	if got := p.types(); got != nil {
		t.Fatal(got)
	}
	p.now = p.now.Add(7 * time.Second)
	if got := p.types(); !slices.Equal(got, []event.Type{event.MessageCreated}) {
		t.Fatal(got)
	}
	p.now = p.now.Add(time.Hour)
	f.seen()
	if got := p.types(); got != nil || len(f.seen()) != 1 {
		t.Fatalf("%v; nothing is left to ask for", got)
	}
}

func TestPollDecisions(t *testing.T) {
	tests := []struct {
		name   string
		become func(f *fakeList)
		want   []event.Type
		forget bool
	}{
		{"disapproved", func(f *fakeList) { f.rows[2] = moderated("disapproved") }, []event.Type{event.Other}, true},
		{"gone", func(f *fakeList) { f.gone = map[int]bool{2: true} }, nil, true},
		{"deleted", func(f *fakeList) { f.rows[2] = `"deletedAt":1700000070,` + speech }, []event.Type{event.MessageDeleted}, true},
		{"unreadable", func(f *fakeList) { f.rows[2] = `"category":"message","sender":{}` }, []event.Type{event.Other}, true},
		{"refused", func(f *fakeList) {
			f.fail = func(r *http.Request) (int, string) {
				if strings.HasSuffix(r.URL.Path, "/messages/2") {
					return 429, ""
				}
				return 0, ""
			}
		}, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFakeList(t, 1)
			p := startPolling(f, "app")
			p.all(time.Time{})
			f.add(2, moderated("pending"))
			p.types()
			tt.become(f)
			p.now = p.now.Add(6 * time.Second)
			if got := p.types(); !slices.Equal(got, tt.want) {
				t.Errorf("got %v", got)
			}
			var at pollCursor
			if err := at.decode(p.cursor); err != nil || (len(at.pending) == 0) != tt.forget {
				t.Errorf("%v: %s", err, p.cursor)
			}
		})
	}
}

func TestPollGivesUpWaiting(t *testing.T) {
	f := newFakeList(t, 1)
	p := startPolling(f, "app")
	p.all(time.Time{})
	for id := 2; id < 2+2*maxPending; id++ {
		f.add(id, moderated("pending"))
	}
	p.types()
	var at pollCursor
	if err := at.decode(p.cursor); err != nil || len(at.pending) != maxPending || at.pending[0].id != 2+maxPending {
		t.Fatalf("%v: %s", err, p.cursor)
	}
	asked := 0
	for range 400 { // more than a day
		p.now = p.now.Add(5 * time.Minute)
		f.seen()
		p.types()
		calls := len(f.seen()) - 1
		if asked += calls; calls > pendingAtOnce {
			t.Fatalf("%d calls in one poll", calls)
		}
	}
	if err := at.decode(p.cursor); err != nil || len(at.pending) != 0 || asked < maxPending*3 {
		t.Errorf("%v, asked %d times: %s", err, asked, p.cursor)
	}
}

func TestPollCursorBack(t *testing.T) {
	now := time.Unix(1_700_000_000, 0).UTC()
	for _, at := range []pollCursor{
		{},
		{floor: 1 << 63},
		{floor: 7, seen: []seenID{{8, now}, {1 << 62, now.Add(-time.Minute)}}, from: now},
		{floor: 7, pending: []pendingMessage{{id: 9, seen: now, next: now.Add(time.Second)}}},
	} {
		var back pollCursor
		s := at.encode()
		if err := back.decode(s); err != nil || back.encode() != s || back.floor != at.floor || len(back.seen) != len(at.seen) || !back.from.Equal(at.from) {
			t.Errorf("%+v: %s, %v: %+v", at, s, err, back)
		}
		for i := range at.seen {
			if back.seen[i] != at.seen[i] {
				t.Errorf("%+v", back.seen)
			}
		}
		for i := range at.pending {
			if back.pending[i] != at.pending[i] {
				t.Errorf("%+v", back.pending)
			}
		}
	}
}

func TestPollCursorFaults(t *testing.T) {
	many := strings.Repeat("1,1,", maxSeen) + "1,1"
	for _, s := range []string{
		``, `null`, `[]`, `{}`, `{"v":2,"floor":1}`, `{"v":1,"floor":-1}`, `{"v":1,"floor":1,"seen":[1]}`, `{"v":1,"floor":1,"seen":[` + many + `]}`,
		`{"v":1,"floor":1,"seen":[0,5]}`, `{"v":1,"floor":18446744073709551615,"seen":[1,0]}`, `{"v":1,"floor":1,"pending":[1,2]}`, `{"v":1,"floor":1,"pending":[0,0,0]}`,
	} {
		var at pollCursor
		if err := at.decode(s); err == nil {
			t.Errorf("%s: %+v", s, at)
		}
	}
	var at pollCursor
	if err := at.decode(`{"v":1,"floor":` + strconv.FormatUint(1<<64-1, 10) + `}`); err != nil {
		t.Error(err)
	}
}
