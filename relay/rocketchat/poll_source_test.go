package rocketchat

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

func TestCheckSource(t *testing.T) {
	c := newConnection(t, nil)
	for source, fine := range map[string]bool{
		"rooms": true, "GENERAL": true, "#general": true, "@ana.b": true, "thread/GfhiiJjcjKFyYMuMY": true, "": false, " ": false, "a b": false,
		"#": false, "@": false, "thread/": false, "no/such/source": false, "\x00": false, "#a/b": false,
	} {
		if err := c.CheckSource(source); (err == nil) != fine {
			t.Errorf("%q: %v", source, err)
		}
	}
}

func TestDiscover(t *testing.T) {
	f := newFakeSpace(t)
	f.rooms = append(f.rooms, object{"_id": "archivedRoomId001", "t": "c", "name": "attic", "archived": true}, object{"_id": "no id", "t": "c"})
	c := f.connect()
	if c.Discovers("GENERAL") || !c.Discovers("rooms") {
		t.Error("the wrong sources stand for others")
	}
	d, err := c.Discover(t.Context(), "rooms")
	if want := []string{spaceChannel, spaceDirect, spaceGroup}; err != nil || d.Calls != 1 || !slices.Equal(d.Sources, want) {
		t.Errorf("%+v, %v", d, err)
	}
	f.called()
	for _, source := range d.Sources { // which costs no look-up any more
		if page, err := c.Poll(t.Context(), relay.PollRequest{Source: source}); err != nil || page.Calls != 2 {
			t.Errorf("%s: %+v, %v", source, page, err)
		}
	}
	var failure *relay.Failure
	if _, err := c.Discover(t.Context(), "GENERAL"); !errors.As(err, &failure) || failure.Kind != relay.Rejected {
		t.Error(err)
	}
	f.fail = func(w http.ResponseWriter, _ string, _ *http.Request) bool { w.WriteHeader(502); return true }
	if _, err := c.Discover(t.Context(), "rooms"); !errors.As(err, &failure) || failure.Kind != relay.Temporary {
		t.Error(err)
	}
}

// A room that the user has not joined is looked up, and one that is another's by now is found anew.
func TestPollFindsItsRoom(t *testing.T) {
	f := newFakeSpace(t)
	p := startPolling(f, "#public")
	p.all()
	f.say(fakeAna, "publicRoomId00001", "m", "hello", nil)
	if wantTold(t, p.all(), "message.created m"); p.calls != 5 { // rooms.get, rooms.info, the newest twice, one poll
		t.Errorf("%d calls", p.calls)
	}
	if source, ok := p.c.SourceOf(event.ThreadRef{Connection: "rc", Conversation: "publicRoomId00001"}); !ok || source != "#public" {
		t.Errorf("%q, %t", source, ok)
	}
	if _, ok := p.c.SourceOf(event.ThreadRef{Connection: "rc", Conversation: spaceGroup}); ok {
		t.Error("a room that was never polled has a source")
	}
	nobody := startPolling(f, "@nobody")
	if _, err := nobody.c.Poll(t.Context(), relay.PollRequest{Source: "@nobody"}); err == nil {
		t.Error("there is no such user")
	}
	var failure *relay.Failure
	if _, err := p.c.Poll(t.Context(), relay.PollRequest{Source: "#nowhere"}); !errors.As(err, &failure) || failure.Kind != relay.Rejected {
		t.Error(err)
	}
}

func TestPollThread(t *testing.T) {
	f := newFakeSpace(t)
	f.say(fakeAna, spaceGroup, "root", "hello", nil)
	f.reply(fakeAna, spaceGroup, "root", "r0", "before")
	c := f.connect()
	ref := event.ThreadRef{Connection: "rc", Conversation: spaceGroup, Root: "root"}
	source, ok := c.ThreadSource(ref)
	if !ok || source != "thread/root" {
		t.Fatalf("%q, %t", source, ok)
	}
	p := startPolling(f, source)
	wantTold(t, p.all())
	f.say(fakeAna, spaceGroup, "elsewhere", "hello", nil)
	f.reply(zoe, spaceGroup, "root", "r1", "one")
	f.reply(zoe, spaceGroup, "root", "r2", "two")
	f.say(zoe, spaceGroup, "copy", "one", object{"tmid": "root", "_hidden": true, "parent": "r1"})
	f.react("r1", ":tada:", "ana")
	got := p.all()
	wantTold(t, got, "message.created r1", "message.created r2", "reaction.added r1 :tada: "+fakeAna)
	if got[0].Thread != ref {
		t.Errorf("%+v", got[0])
	}
	f.edit("r2", "two!")
	f.remove("r1")
	wantTold(t, p.all(), "message.edited r2", "message.deleted r1")

	late := startPolling(f, source)
	late.since = f.clock.Add(-time.Hour)
	if got := short(late.all()); !slices.Contains(got, "message.created r2") || !slices.Contains(got, "message.deleted r1") {
		t.Errorf("told %q", got)
	}

	if page, err := c.Poll(t.Context(), relay.PollRequest{Source: spaceGroup}); err != nil || len(page.Events) > 0 {
		t.Error(err)
	}
	for _, ref := range []event.ThreadRef{ref, {Connection: "rc", Conversation: spaceChannel}, {Connection: "other", Conversation: spaceChannel, Root: "m"}, {Connection: "rc", Conversation: spaceChannel, Root: "../m"}} {
		if source, ok := c.ThreadSource(ref); ok {
			t.Errorf("%+v: %q", ref, source)
		}
	}
}

func TestPollBudget(t *testing.T) {
	f := newFakeSpace(t)
	c := f.connect()
	if n := c.PollBudget(); n != 0 {
		t.Errorf("%d calls a minute before anything is known", n)
	}
	f.limit = 20
	if _, err := c.Discover(t.Context(), "rooms"); err != nil || c.PollBudget() != 18 {
		t.Errorf("%d calls a minute after another route has told of a limit, %v", c.PollBudget(), err)
	}
	f.limit = 0
	poll := func() {
		if _, err := c.Poll(t.Context(), relay.PollRequest{Source: spaceChannel}); err != nil {
			t.Fatal(err)
		}
	}
	if poll(); c.PollBudget() != 0 {
		t.Errorf("%d calls a minute without a limit", c.PollBudget())
	}
	f.limit = 40
	if poll(); c.PollBudget() != 36 {
		t.Errorf("%d calls a minute of 40", c.PollBudget())
	}
	now := time.Now()
	for _, tt := range []struct {
		o    Observation
		want int
	}{
		{Observation{Route: syncRoute, Status: 200, Rate: Rate{Known: true, Limit: 5, Remaining: 4, Reset: now.Add(10 * time.Second)}}, 27},
		{Observation{Route: syncRoute, Status: 200, Rate: Rate{Known: true, Limit: 5, Remaining: 1, Reset: now.Add(2 * time.Second)}}, 27},
		{Observation{Route: syncRoute, Status: 503, Rate: Rate{Limit: -1, Remaining: -1}}, 27},
		{Observation{Route: "me", Status: 200, Rate: Rate{Known: true, Limit: 1000, Remaining: 999}}, 27},
		{Observation{Route: syncRoute, Status: 200, Rate: Rate{Limit: -1, Remaining: -1}}, 0},
		{Observation{Route: syncRoute, Status: 429, Rate: Rate{Limit: -1, Remaining: -1}}, 54},
	} {
		c.client.pace.note(tt.o, now)
		if got := c.PollBudget(); got != tt.want {
			t.Errorf("%+v: %d, want %d", tt.o, got, tt.want)
		}
	}
}
