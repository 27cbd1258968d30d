package rocketsim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

// within is a context that ends before the test binary's patience does.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// said is how a webhook answers.
type said struct {
	status     int
	kind, body string
}

func fine() said { return said{200, "application/json", "{}"} }

// receiver is a webhook's server.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []object
	header http.Header // of the last call
}

// newReceiver answers each call by its number from 0 and its body; a nil answer is fine to everything.
func newReceiver(t *testing.T, answer func(n int, body object) said) *receiver {
	t.Helper()
	rec := &receiver{}
	rec.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		var body object
		if err := json.Unmarshal(raw, &body); err != nil || r.Method != http.MethodPost {
			t.Errorf("webhook call %s %q: %v", r.Method, raw, err)
		}
		rec.mu.Lock()
		n := len(rec.bodies)
		rec.bodies, rec.header = append(rec.bodies, body), r.Header.Clone()
		rec.mu.Unlock()
		a := fine()
		if answer != nil {
			a = answer(n, body)
		}
		w.Header().Set("Content-Type", a.kind)
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.body)
	}))
	t.Cleanup(rec.Close)
	return rec
}

func (rec *receiver) calls() []object {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return append([]object(nil), rec.bodies...)
}

// hook adds an integration.
func (x *site) hook(in rocketsim.Integration) rocketsim.Integration {
	x.t.Helper()
	made, err := x.AddIntegration(in)
	must(x.t, err)
	return made
}

// deliveries waits for so many attempts and returns all.
func (x *site) deliveries(n int) []rocketsim.Delivery {
	x.t.Helper()
	if err := x.AwaitDeliveries(within(x.t), func(d []rocketsim.Delivery) bool { return len(d) >= n }); err != nil {
		x.t.Fatalf("%v; have %d: %+v", err, len(x.Deliveries()), x.Deliveries())
	}
	return x.Deliveries()
}

// fixture is the wire examples of the documents.
type fixture struct {
	Webhooks map[string]object
	DDP      struct {
		Sequence []struct {
			Dir   string
			Frame object
		}
		MethodError object `json:"method_error"`
		SubDenied   object `json:"sub_denied"`
	}
}

func fixtures(t *testing.T) fixture {
	t.Helper()
	raw, err := os.ReadFile("testdata/frames.json")
	must(t, err)
	var f fixture
	must(t, json.Unmarshal(raw, &f))
	return f
}

// TestBodiesAreTheDocuments lets the messages of the examples be sent, and wants the very bodies.
func TestBodiesAreTheDocuments(t *testing.T) {
	want := fixtures(t).Webhooks
	for name, c := range map[string]struct {
		hooks rocketsim.HooksConfig
		say   func(x *site)
		calls int
	}{
		"channel_root_message": {say: func(x *site) {
			x.say(rocketsim.Say{From: "marc.dev", Room: "#general", Text: "hello", ID: "GfhiiJjcjKFyYMuMY"})
		}},
		"thread_reply_edited": {calls: 3, say: func(x *site) {
			x.say(rocketsim.Say{From: "marc.dev", Room: "#general", Text: "root", ID: "GfhiiJjcjKFyYMuMY"})
			x.add(time.Minute - time.Millisecond)
			x.say(rocketsim.Say{From: "marc.dev", Thread: "GfhiiJjcjKFyYMuMY", Text: "hello", ID: "aReplyId000000001"})
			x.add(time.Second)
			must(x.t, x.EditAs("marc.dev", "aReplyId000000001", "hello again"))
		}},
		"dm_with_trigger_word_and_alias_from_incoming_webhook": {say: askInDirect},
		"same_on_old_servers_bot_is_object":                    {hooks: rocketsim.HooksConfig{BotObject: true}, say: askInDirect},
		"room_event_today_bug": {say: func(x *site) {
			_, err := x.AddRoom(rocketsim.Room{Name: "new"})
			must(x.t, err)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			x := newSite(t, rocketsim.Config{SiteURL: "https://chat.example.org/", Hooks: c.hooks})
			_, err := x.AddUser(rocketsim.User{ID: "p4a8YxvLQEHmiBKTS", Username: "marc.dev"})
			must(t, err)
			_, err = x.AddRoom(rocketsim.Room{ID: "uidAuidB", Type: rocketsim.Direct, Members: []string{"rocket.cat", "ann"}})
			must(t, err)
			rec := newReceiver(t, nil)
			in := rocketsim.Integration{Token: "6bzK4uJwUD2J7wpQm5R4eQh3", URLs: []string{rec.URL}, RunOnEdits: true}
			switch {
			case want[name]["trigger_word"] != nil:
				in.TriggerWords, in.Channel = []string{"nothing", "!ask"}, []string{"all_direct_messages"}
			case want[name]["text"] == nil:
				in.Event = "roomCreated"
			}
			x.hook(in)
			x.add(-time.Second - time.Millisecond) // newSite and say have moved the clock
			c.say(x)
			x.deliveries(max(1, c.calls))
			calls := rec.calls()
			if got := calls[len(calls)-1]; !reflect.DeepEqual(got, want[name]) {
				t.Errorf("got  %v\nwant %v", got, want[name])
			}
			if kind, agent := rec.header.Get("Content-Type"), rec.header.Get("User-Agent"); kind != "application/json" || !strings.Contains(agent, "Chrome/41") {
				t.Errorf("called with %q by %q", kind, agent)
			}
		})
	}
}

func askInDirect(x *site) {
	x.add(2 * time.Minute)
	x.say(rocketsim.Say{From: "rocket.cat", Room: "uidAuidB", Text: "!ask x", ID: "m3", Extra: object{
		"alias": "Nancy", "bot": object{"i": "integrationId"},
	}})
}

func TestOlderServersDoNotTellThreads(t *testing.T) {
	x := newSite(t, rocketsim.Config{Hooks: rocketsim.HooksConfig{NoTMID: true}})
	rec := newReceiver(t, nil)
	x.hook(rocketsim.Integration{URLs: []string{rec.URL}})
	x.say(rocketsim.Say{From: "ann", Thread: x.say(in("ben", "root")), Text: "reply"})
	x.deliveries(2)
	if reply := rec.calls()[1]; reply["text"] != "reply" || reply["tmid"] != nil {
		t.Errorf("reply %v", reply)
	}
}

func TestFileUploadsAreTwoEvents(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	text, file := newReceiver(t, nil), newReceiver(t, nil)
	x.hook(rocketsim.Integration{URLs: []string{text.URL}})
	x.hook(rocketsim.Integration{URLs: []string{file.URL}, Event: "fileUploaded"})
	id, err := x.Upload(rocketsim.Upload{From: "ann", Room: "GENERAL", Name: "a.txt", Text: "look", Content: []byte("hi")})
	must(t, err)
	x.say(in("ann", "no file"))
	x.deliveries(3)
	if got := text.calls()[0]; got["message_id"] != id || got["text"] != "look" || got["message"] != nil {
		t.Errorf("sendMessage %v", got)
	}
	if n := len(file.calls()); n != 1 {
		t.Fatalf("%d calls for files", n)
	}
	got := file.calls()[0]
	keys := []string{"token", "bot", "channel_id", "channel_name", "message_id", "timestamp", "user_id", "user_name", "text", "user", "room", "message"}
	for _, key := range keys {
		if got[key] == nil {
			t.Errorf("fileUploaded has no %s", key)
		}
	}
	if len(got) != len(keys) {
		t.Errorf("fileUploaded has %d keys: %v", len(got), got)
	}
	user, _ := got["user"].(object)
	room, _ := got["room"].(object)
	message, _ := got["message"].(object)
	files, _ := message["files"].([]any)
	if user["_id"] != "id-ann" || user["services"] != nil || room["_id"] != "GENERAL" || room["t"] != "c" || message["_id"] != id || len(files) != 1 {
		t.Errorf("user %v, room %v, message %v", user, room, message)
	}
}

func TestFilesInDirectRooms(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	rec := newReceiver(t, nil)
	x.hook(rocketsim.Integration{URLs: []string{rec.URL}, Event: "fileUploaded", Channel: []string{"all_direct_messages"}})
	_, err := x.Upload(rocketsim.Upload{From: "ann", Room: "@bot", Name: "a.txt"})
	must(t, err)
	x.settled()
	got := rec.calls()[0]
	room, _ := got["room"].(object)
	if _, named := got["channel_name"]; named || got["text"] != "" || room["name"] != nil || room["t"] != "d" ||
		fmt.Sprint(room["uids"], room["usernames"]) != "[id-ann id-bot] [ann bot]" {
		t.Errorf("fileUploaded %v", got)
	}
}

// TestSendersOwnTimeIsTold sends a ts near the server's time, which is kept as it was written.
func TestSendersOwnTimeIsTold(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	rec := newReceiver(t, nil)
	x.hook(rocketsim.Integration{URLs: []string{rec.URL}})
	near := x.now().Add(time.Second).Format("2006-01-02 15:04:05")
	x.sendMessage("ann", object{"rid": "GENERAL", "msg": "x", "ts": near}).ok(t)
	x.settled()
	if got := rec.calls()[0]["timestamp"]; got != near {
		t.Errorf("timestamp %v, want %v", got, near)
	}
}

func TestRoomsAndUsersFireNothingButTheToken(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	events := []string{"roomCreated", "userCreated", "roomJoined", "roomLeft"}
	got := map[string]*receiver{}
	for _, event := range events {
		got[event] = newReceiver(t, nil)
		x.hook(rocketsim.Integration{Event: event, Token: "t", URLs: []string{got[event].URL}})
	}
	x.hook(rocketsim.Integration{Event: "roomJoined", Channel: []string{"#team"}, URLs: []string{"http://127.0.0.1:0/not-called"}})
	_, err := x.AddRoom(rocketsim.Room{Name: "new"})
	must(t, err)
	_, err = x.AddUser(rocketsim.User{Username: "new"})
	must(t, err, x.Join("sue", "GENERAL"), x.Leave("sue", "GENERAL"))
	for _, d := range x.deliveries(len(events)) {
		if d.MessageID != "" || d.Err != "" {
			t.Errorf("delivery %+v", d)
		}
	}
	for _, event := range events {
		if calls := got[event].calls(); len(calls) != 1 || !reflect.DeepEqual(calls[0], object{"token": "t", "bot": false}) {
			t.Errorf("%s: %v", event, calls)
		}
	}
}

// settled waits until every webhook is done with and returns all attempts.
func (x *site) settled() []rocketsim.Delivery {
	x.t.Helper()
	must(x.t, x.AwaitHooks(within(x.t)))
	return x.Deliveries()
}

// texts are the texts that a webhook was told, sorted, when it is told nothing more.
func (x *site) texts(rec *receiver) string {
	x.t.Helper()
	x.settled()
	var texts []string
	for _, b := range rec.calls() {
		texts = append(texts, fmt.Sprint(b["text"]))
	}
	slices.Sort(texts)
	return strings.Join(texts, " ")
}

// TestWhatFires says one thing after the other and lists what a webhook hears.
func TestWhatFires(t *testing.T) {
	direct := "id-annid-bot"
	for name, c := range map[string]struct {
		in   rocketsim.Integration
		want string
	}{
		"no channel is all public ones":      {rocketsim.Integration{}, "!x a!x by-bot pub reply"},
		"all private groups":                 {rocketsim.Integration{Channel: []string{"all_private_groups"}}, "priv"},
		"all direct messages":                {rocketsim.Integration{Channel: []string{"all_direct_messages"}}, "to-ann to-bot"},
		"two kinds":                          {rocketsim.Integration{Channel: []string{"all_private_groups", "all_direct_messages"}}, "priv to-ann to-bot"},
		"a room by name":                     {rocketsim.Integration{Channel: []string{"#team"}}, "priv"},
		"a room by id":                       {rocketsim.Integration{Channel: []string{"#GENERAL"}}, "!x a!x by-bot pub reply"},
		"a room twice":                       {rocketsim.Integration{Channel: []string{"#TEAM", "#team"}}, "priv"},
		"a person by name, not as sender":    {rocketsim.Integration{Channel: []string{"@bot"}}, "to-bot"},
		"a person by id, also as the sender": {rocketsim.Integration{Channel: []string{"@id-bot"}}, "to-ann to-bot"},
		"trigger word":                       {rocketsim.Integration{TriggerWords: []string{"?", "!"}}, "!x"},
		"trigger word of another case":       {rocketsim.Integration{TriggerWords: []string{"PUB"}}, ""},
		"trigger word anywhere":              {rocketsim.Integration{TriggerWords: []string{"!"}, TriggerWordAnywhere: true}, "!x a!x"},
		"edits":                              {rocketsim.Integration{RunOnEdits: true}, "!x a!x by-bot changed pub reply"},
		"disabled":                           {rocketsim.Integration{Disabled: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			x := newSite(t, rocketsim.Config{})
			x.say(in("ann", "before"))
			rec := newReceiver(t, nil)
			c.in.URLs = []string{rec.URL}
			x.hook(c.in)
			root := x.say(in("ann", "pub"))
			x.say(in("bot", "by-bot"))
			x.say(in("ann", "!x"))
			x.say(in("ann", "a!x"))
			x.say(rocketsim.Say{From: "ben", Thread: root, Text: "reply"})
			x.say(rocketsim.Say{From: "ann", Room: "TEAM", Text: "priv"})
			x.say(rocketsim.Say{From: "bot", Room: direct, Text: "to-ann"})
			x.say(rocketsim.Say{From: "ann", Room: direct, Text: "to-bot"})
			must(t, x.EditAs("ann", root, "changed"), x.ReactAs("ben", root, "heart", true), x.Join("sue", "GENERAL"), x.DeleteAs("ann", root))
			if got := x.texts(rec); got != c.want {
				t.Errorf("told %q, want %q", got, c.want)
			}
		})
	}
}
