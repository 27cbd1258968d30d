package sim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/relay/sim"
)

func TestModeration(t *testing.T) {
	status := func(body object) any {
		m, _ := messageOf(body)["data"].(object)["moderation"].(object)
		return m["status"]
	}
	custom := object{"receiver": "bot", "receiverType": "user", "category": "custom", "type": "x", "data": object{"customData": object{}}}
	image := object{"receiver": "bot", "receiverType": "user", "type": "image", "data": object{"attachments": []any{object{"name": "RUDE.png", "url": "u"}}}}
	for _, c := range []struct {
		name   string
		engine *sim.Moderation
		body   object
		then   func(a *app) error
		want   string // triggers with the status that they tell
	}{
		{"no engine", nil, text("user", "bot", "rude"), nil, "[message_sent:<nil>]"},
		{"clean", &sim.Moderation{Blocked: []string{"rude"}}, text("user", "bot", "hi"), nil,
			"[message_sent:approved moderation_engine_approved:approved]"},
		{"blocked", &sim.Moderation{Blocked: []string{"Rude"}}, text("user", "bot", "so RUDE"), nil, "[moderation_engine_blocked:disapproved]"},
		{"blocked file", &sim.Moderation{Blocked: []string{"rude"}}, image, nil, "[moderation_engine_blocked:disapproved]"},
		{"blocked, overruled", &sim.Moderation{Blocked: []string{"rude"}}, text("user", "bot", "rude"), func(a *app) error { return a.Approve("1") },
			"[moderation_engine_blocked:disapproved moderation_manual_approved:approved]"},
		{"pending", &sim.Moderation{Pending: []string{"hm"}}, text("user", "bot", "hm"), nil, "[message_sent:pending]"},
		{"pending, approved", &sim.Moderation{Pending: []string{"hm"}}, text("user", "bot", "hm"), func(a *app) error { return a.Approve("1") },
			"[message_sent:pending moderation_engine_approved:approved]"},
		{"held, approved", &sim.Moderation{Pending: []string{"hm"}, HoldPending: true}, text("user", "bot", "hm"), func(a *app) error { return a.Approve("1") },
			"[message_sent:approved moderation_engine_approved:approved]"},
		{"pending, disapproved", &sim.Moderation{Pending: []string{"hm"}}, text("user", "bot", "hm"), func(a *app) error { return a.Disapprove("1") },
			"[message_sent:pending moderation_engine_blocked:disapproved]"},
		{"approved, disapproved", &sim.Moderation{}, text("user", "bot", "hm"), func(a *app) error { return a.Disapprove("1") },
			"[message_sent:approved moderation_engine_approved:approved moderation_engine_blocked:disapproved]"},
		{"custom", &sim.Moderation{Blocked: []string{""}}, custom, nil, "[message_sent:unmoderated]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newApp(t, sim.CometChatConfig{})
			h := newHook(t, nil)
			a.hook(sim.Webhook{ID: "w", URL: h.URL})
			a.Moderate(c.engine)
			a.do("POST", "/messages", "ann", c.body).want(t, 200, "")
			if c.then != nil {
				must(t, c.then(a))
			}
			a.do("POST", "/messages/1/pin", "ann", nil).want(t, 200, "") // an event behind which none of the others can come
			must(t, a.AwaitDeliveries(within(t), func(d []sim.Delivery) bool { return len(d) > 0 && d[len(d)-1].Trigger == "message_pinned" }))
			var got []string
			for _, b := range h.calls() {
				if b["trigger"] != "message_pinned" {
					got = append(got, fmt.Sprint(b["trigger"], ":", status(b)))
				}
			}
			if fmt.Sprint(got) != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}

func TestModerationRefusesAndShows(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	a.say(sim.Say{From: "ann", ToUser: "bot", Text: "x"})
	a.Moderate(&sim.Moderation{Pending: []string{"hm"}})
	m := a.say(sim.Say{From: "ann", ToUser: "bot", Text: "hm"})
	if m.Moderation != "pending" {
		t.Errorf("status %q", m.Moderation)
	}
	for name, err := range map[string]error{"no message": a.Approve("9"), "never judged": a.Approve("1"), "of nobody": a.Disapprove("x")} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	at := a.pageServer() + "/?as=ann&with=user/bot"
	shown := func() bool {
		_, page := visit(t, "GET", at, nil, nil)
		_, words := find(t, page, "message-2")
		return strings.Contains(words, "pending")
	}
	if !shown() {
		t.Error("the page does not tell that a message is pending")
	}
	must(t, a.Approve("2"))
	if shown() {
		t.Error("the page tells that an approved message is pending")
	}
	if err := a.Approve("2"); err == nil {
		t.Error("an approved message was approved")
	}
	if got := a.Messages()[1].Moderation; got != "approved" {
		t.Errorf("status %q", got)
	}
	a.Close()
	if err := a.Disapprove("2"); err == nil {
		t.Error("a message was disapproved after Close")
	}
}

func TestPins(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	h := newHook(t, nil)
	a.hook(sim.Webhook{ID: "w", URL: h.URL, Triggers: []string{"message_pinned", "message_unpinned"}})
	a.say(sim.Say{From: "ann", ToUser: "bot", Text: "x"})
	for _, c := range []struct {
		method, path, uid string
		status            int
		code              string
		pinned            any
	}{
		{"DELETE", "/messages/1/pin", "ann", 200, "", nil},
		{"POST", "/messages/1/pin", "ann", 200, "", "ann"},
		{"POST", "/messages/1/pin", "", 200, "", "ann"},
		{"DELETE", "/messages/1/pin", "bot", 200, "", nil},
		{"POST", "/messages/1/pin", "", 200, "", "app_system"},
		{"POST", "/messages/1/pin", "ben", 403, "ERR_MESSAGE_NO_ACCESS", nil},
		{"DELETE", "/messages/9/pin", "ann", 404, "ERR_MESSAGE_ID_NOT_FOUND", nil},
	} {
		if got := a.do(c.method, c.path, c.uid, nil).want(t, c.status, c.code).data()["pinnedBy"]; got != c.pinned {
			t.Errorf("%+v: pinned by %v", c, got)
		}
	}
	a.awaitAttempts(3)
	if got := h.triggers(); got != "message_pinned message_unpinned message_pinned" {
		t.Errorf("triggers %s", got)
	}
	if m := messageOf(h.calls()[1]); m["unpinnedBy"] != "bot" || m["unpinnedAt"] == nil || m["pinnedBy"] != nil {
		t.Errorf("unpinned %v", m)
	}
}

func TestLimitsOfPinsAndSaves(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	for i := range 101 {
		m := a.say(sim.Say{From: "ann", ToUser: "bot", Text: "x"})
		if i == 100 {
			a.do("POST", "/messages/"+m.ID+"/pin", "", nil).want(t, 400, "ERR_PINNED_MESSAGES_LIMIT_EXCEEDED")
			a.do("POST", "/messages/"+m.ID+"/save", "bot", nil).want(t, 400, "ERR_SAVED_MESSAGES_LIMIT_EXCEEDED")
			continue
		}
		a.do("POST", "/messages/"+m.ID+"/pin", "", nil).want(t, 200, "")
		if d := a.do("POST", "/messages/"+m.ID+"/save", "bot", nil).want(t, 200, "").data(); d["savedAt"] == nil {
			t.Fatalf("saved %v", d)
		}
	}
	a.do("DELETE", "/messages/1/save", "bot", nil).want(t, 200, "")
	a.do("POST", "/messages/101/save", "bot", nil).want(t, 200, "")
	a.do("DELETE", "/messages/1", "", object{"permanent": true}).want(t, 200, "")
	a.do("POST", "/messages/101/pin", "", nil).want(t, 200, "")
	if d := a.do("GET", "/messages/2", "ann", nil).data(); d["savedAt"] != nil {
		t.Error("somebody else's saving is shown")
	}
	a.do("POST", "/messages/2/save", "", nil).want(t, 400, "ERR_BAD_REQUEST")
	a.do("DELETE", "/messages/2/save", "ben", nil).want(t, 403, "ERR_MESSAGE_NO_ACCESS")
}

func TestThreadSubscription(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	a.say(sim.Say{From: "ann", ToUser: "bot", Text: "x"})
	a.say(sim.Say{From: "bot", Parent: "1", Text: "y"})
	for _, method := range []string{"POST", "DELETE"} {
		if d := a.do(method, "/messages/1/thread/subscription", "bot", nil).want(t, 200, "").data(); d["message"] == nil {
			t.Errorf("%s answered %v", method, d)
		}
	}
	a.do("POST", "/messages/2/thread/subscription", "bot", nil).want(t, 400, "ERR_MESSAGE_THREAD_NESTING")
	a.do("POST", "/messages/1/thread/subscription", "", nil).want(t, 400, "ERR_BAD_REQUEST")
}
