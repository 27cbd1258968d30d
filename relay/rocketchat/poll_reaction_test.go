package rocketchat

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

func TestPollTellsReactions(t *testing.T) {
	f := newFakeSpace(t)
	f.say(fakeAna, spaceChannel, "old", "before", nil)
	f.react("old", ":tada:", "ana", "zoe")
	p := startPolling(f, spaceChannel)
	wantTold(t, p.all())
	f.say(fakeAna, spaceChannel, "m", "hello", nil)
	f.react("m", ":tada:", "zoe")
	got := p.all()
	wantTold(t, got, "message.created m", "reaction.added m :tada: "+zoe)
	added := got[1]
	if added.Reaction.By.Name != "zoe" || added.Thread.Root != "m" || added.Message != nil || !strings.HasPrefix(string(added.ID), "rocketchat:rc:m:reaction-added:") {
		t.Errorf("%+v", added)
	}
	f.react("m", ":tada:", "zoe", "ana")
	f.react("old", ":tada:", "ana")
	wantTold(t, p.all(), "reaction.added m :tada: "+fakeAna, "reaction.removed old :tada: "+zoe)
	f.edit("m", "hello!") // which leaves them as they are
	wantTold(t, p.all(), "message.edited m")
	f.react("m", ":tada:")
	removed := p.all()
	wantTold(t, removed, "reaction.removed m :tada: "+fakeAna, "reaction.removed m :tada: "+zoe)
	f.react("m", ":tada:", "zoe")
	again := p.all()
	wantTold(t, again, "reaction.added m :tada: "+zoe)
	if again[0].ID == added.ID || removed[1].ID == again[0].ID {
		t.Errorf("%s, %s and %s are different events", added.ID, removed[1].ID, again[0].ID)
	}
	f.react("m", ":smile:", "nobody")
	got = p.all()
	if wantTold(t, got, "reaction.added m :smile: "); got[0].Reaction.By.Name != "nobody" {
		t.Errorf("%+v", got[0].Reaction)
	}
	f.remove("m")
	wantTold(t, p.all(), "message.deleted m")
}

// onlyReactions leaves out the creations that a new process tells once more.
func onlyReactions(events []event.Event) []event.Event {
	return slices.DeleteFunc(events, func(e event.Event) bool { return e.Reaction == nil })
}

// A process that begins anew compares with what its cursor says, and gives the same ids as the one before.
func TestReactionsAcrossARestart(t *testing.T) {
	f := newFakeSpace(t)
	p := startPolling(f, spaceChannel)
	p.all()
	f.say(fakeAna, spaceChannel, "m", "hello", nil)
	f.react("m", ":tada:", "zoe")
	p.all()
	f.pass(time.Hour)
	f.react("m", ":tada:", "zoe", "ana")
	cursor := p.cursor
	first := p.all()
	wantTold(t, first, "reaction.added m :tada: "+fakeAna)
	f.react("m", ":tada:", "ana")
	second := p.all()
	wantTold(t, second, "reaction.removed m :tada: "+zoe)

	p.c, p.cursor = f.connect(), cursor
	got := onlyReactions(p.all())
	wantTold(t, got, "reaction.added m :tada: "+fakeAna, "reaction.removed m :tada: "+zoe)
	if got[0].ID != first[0].ID || got[1].ID != second[0].ID {
		t.Errorf("%s and %s were %s and %s", got[0].ID, got[1].ID, first[0].ID, second[0].ID)
	}
}

// Of messages from before the polling, and of those that gave way to others, nothing is told that may be old.
func TestReactionsOfWhatIsNotKnown(t *testing.T) {
	f := newFakeSpace(t)
	f.say(fakeAna, spaceChannel, "ancient", "hello", nil)
	for n := range syncCount {
		f.say(fakeAna, spaceChannel, fmt.Sprintf("m%03d", n), "hello", nil)
	}
	f.react("ancient", ":tada:", "zoe")
	f.pass(time.Hour)
	for n := range syncCount {
		f.change(fmt.Sprintf("m%03d", n), func(d object) { d["pinned"] = true })
	}
	p := startPolling(f, spaceChannel)
	p.all()
	f.change("ancient", func(d object) { d["pinned"] = true })
	wantTold(t, p.all())
	f.react("ancient", ":tada:", "zoe", "ana")
	wantTold(t, p.all(), "reaction.added ancient :tada: "+fakeAna)

	var everybody []string
	for n := range 2 * maxPerRow {
		everybody = append(everybody, fmt.Sprintf("user%d", n))
	}
	f.say(fakeAna, spaceChannel, "popular", "hello", nil)
	f.react("popular", ":tada:", everybody...)
	if got := p.all(); len(got) != 1+2*maxPerRow || len(p.cursor) > 10_000 {
		t.Errorf("%d events, and a cursor of %d bytes", len(got), len(p.cursor))
	}
	p.c = f.connect()
	f.react("popular", ":smile:", "ana")
	wantTold(t, onlyReactions(p.all()))
	for n := range 3 * maxReacted {
		f.react(fmt.Sprintf("m%03d", n%syncCount), fmt.Sprintf(":e%d:", n), everybody[:3]...)
		f.pass(time.Second)
		if n%20 == 0 {
			p.all()
		}
	}
	if p.all(); len(p.cursor) > 50_000 {
		t.Errorf("a cursor of %d bytes", len(p.cursor))
	}
}

// What others have told of a reaction has the id that they gave it.
func TestReactionsHaveOneID(t *testing.T) {
	f := newFakeSpace(t)
	p := startPolling(f, spaceChannel)
	p.all()
	f.say(fakeAna, spaceChannel, "m", "hello", nil)
	p.all()
	room := Room{ID: spaceChannel, Kind: Channel}
	hear := func() []event.Event {
		f.mu.Lock()
		defer f.mu.Unlock()
		events, _ := p.c.heard(messageOf(t, f.docs["m"]), room)
		return events
	}
	for i, users := range [][]string{{"ana"}, {}, {"ana"}} {
		f.react("m", ":tada:", users...)
		heard := hear()
		f.change("m", func(d object) { d["pinned"] = i }) // which makes its time another
		hear()
		polled := p.all()
		if len(heard) != 1 || len(polled) != 1 || heard[0].ID != polled[0].ID {
			t.Errorf("heard %+v, polled %+v", heard, polled)
		}
	}
}

func TestPollCursorBack(t *testing.T) {
	state := map[reaction]reactionState{{":tada:", "zoe"}: {there: true}, {":tada:", "ana"}: {since: 7}, {":a b:", "x"}: {there: true, since: 9}}
	delete(state, reaction{":a b:", "x"}) // which is not fit
	for _, at := range []pollCursor{
		{}, {floor: 1, from: 2, read: 3, paged: true, seen: []string{"a", "b"}},
		{floor: lastMilli, reacted: reactedMessages{below: 4, rows: []reactedTo{{id: "m", sent: 5, changed: 6, state: state}, {id: "n"}}}},
	} {
		var back pollCursor
		s := at.encode()
		if err := back.decode(s); err != nil || back.encode() != s || back.floor != at.floor || len(back.reacted.rows) != len(at.reacted.rows) {
			t.Errorf("%s: %v: %+v", s, err, back)
		}
	}
}

func TestPollCursorFaults(t *testing.T) {
	for _, s := range []string{
		``, `null`, `[]`, `{}`, `{"v":2}`, `{"v":1,"floor":-1}`, `{"v":1,"from":1e300}`, `{"v":1,"read":253402300800000}`, `{"v":1,"below":-5}`,
		`{"v":1,"seen":[` + strings.Repeat(`"a",`, maxSeen) + `"a"]}`, `{"v":1,"reacted":[{}]}`, `{"v":1,"reacted":[{"id":"m","sent":-1}]}`,
		`{"v":1,"reacted":[{"id":"m","there":{"x":1}}]}`, `{"v":1,"reacted":[{"id":"m","gone":{":x: ana":-1}}]}`,
	} {
		var at pollCursor
		if err := at.decode(s); err == nil {
			t.Errorf("%s: %+v", s, at)
		}
	}
}
