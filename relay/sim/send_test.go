package sim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/relay/sim"
)

func TestMultipleReceivers(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	h := newHook(t, nil)
	a.hook(sim.Webhook{ID: "w", URL: h.URL})
	many := func(uids, guids []string) object { return object{"uids": uids, "guids": guids} }
	body := func(receiver string, r object) object {
		return object{"receiver": receiver, "receiverType": "user", "data": object{"text": "x"}, "multipleReceivers": r}
	}
	for _, c := range []struct {
		name     string
		body     object
		status   int
		code     string
		messages int
	}{
		{"besides", body("ben", many([]string{"bot"}, []string{"team"})), 200, "", 3},
		{"alone", body("", many([]string{"bot", "ben"}, nil)), 200, "", 5},
		{"to nobody", body("", many(nil, nil)), 400, "ERR_EMPTY_RECEIVER", 5},
		{"one is unknown", body("ben", many([]string{"zed"}, nil)), 404, "ERR_UID_NOT_FOUND", 5},
		{"one group is unknown", body("ben", many(nil, []string{"zed"})), 404, "ERR_GUID_NOT_FOUND", 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			a.do("POST", "/messages", "ann", c.body).want(t, c.status, c.code)
			if got := len(a.Messages()); got != c.messages {
				t.Errorf("%d messages, want %d", got, c.messages)
			}
		})
	}
	a.awaitAttempts(5)
	var to []any
	for _, m := range a.Messages() {
		to = append(to, m.Receiver)
	}
	if fmt.Sprint(to) != "[ben bot team bot ben]" {
		t.Errorf("receivers %v", to)
	}
}

func TestSendEchoesAndKeeps(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	body := text("user", "ben", "x")
	body["muid"], body["tags"] = "m-1", []string{"red"}
	body["data"].(object)["moderation"], body["data"].(object)["resource"] = object{"status": "approved"}, "WEB"
	for range 2 { // a muid that comes again makes a message again
		d := a.do("POST", "/messages", "ann", body).want(t, 200, "").data()
		if d["muid"] != "m-1" || fmt.Sprint(d["tags"]) != "[red]" {
			t.Errorf("answer %v", d)
		}
		if data := d["data"].(object); data["moderation"] != nil || data["resource"] != nil {
			t.Errorf("a client has set %v", data)
		}
	}
	if m := a.Messages(); len(m) != 2 || m[0].MUID != "m-1" || m[1].Tags[0] != "red" {
		t.Errorf("messages %+v", m)
	}
	if d := a.do("GET", "/messages/"+a.say(sim.Say{From: "ann", ToUser: "ben", Text: "typed"}).ID, "", nil).data(); d["data"].(object)["resource"] == nil {
		t.Error("a typed message has no session")
	}
}

func TestLimitsOfMessages(t *testing.T) {
	tags := func(n, long int) object {
		body := text("user", "ben", "x")
		var all []string
		for range n {
			all = append(all, strings.Repeat("x", long))
		}
		body["tags"] = all
		return body
	}
	for _, c := range []struct {
		name   string
		limit  int
		body   any
		status int
		code   string
	}{
		{"10 KB", 0, text("user", "ben", strings.Repeat("x", 10*1024-20)), 200, ""},
		{"over 10 KB", 0, text("user", "ben", strings.Repeat("x", 10*1024)), 400, "ERR_INVALID_MESSAGE_DATA"},
		{"over another limit", 100, text("user", "ben", strings.Repeat("x", 100)), 400, "ERR_INVALID_MESSAGE_DATA"},
		{"60,000 without a limit", -1, text("user", "ben", strings.Repeat("é", 60000)), 200, ""},
		{"70,000 without a limit", -1, text("user", "ben", strings.Repeat("x", 70000)), 400, "ERR_BAD_REQUEST"},
		{"25 tags", 0, tags(25, 100), 200, ""},
		{"26 tags", 0, tags(26, 1), 400, "ERR_BAD_REQUEST"},
		{"a tag of 101", 0, tags(1, 101), 400, "ERR_BAD_REQUEST"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newApp(t, sim.CometChatConfig{DataLimit: c.limit})
			a.do("POST", "/messages", "ann", c.body).want(t, c.status, c.code)
		})
	}
}

func TestThreadsAcrossConversationTypes(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	a.say(sim.Say{From: "ann", ToUser: "bot", Text: "x"})
	a.say(sim.Say{From: "ann", ToGroup: "team", Text: "x"})
	a.do("POST", "/messages/1/thread", "ann", text("group", "team", "y")).want(t, 400, "ERR_WRONG_MESSAGE_THREAD_CATEGORY")
	a.do("POST", "/messages/2/thread", "ann", text("user", "bot", "y")).want(t, 400, "ERR_WRONG_MESSAGE_THREAD_CATEGORY")
	a.do("POST", "/messages/1/thread", "ann", text("user", "ben", "y")).want(t, 400, "ERR_WRONG_MESSAGE_THREAD")
	a.do("DELETE", "/messages/1", "", object{"permanent": true}).want(t, 200, "")
	a.do("POST", "/messages/1/thread", "ann", text("user", "bot", "y")).want(t, 404, "ERR_MESSAGE_ID_NOT_FOUND")
}

func TestCategoriesOfApps(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	for _, category := range []string{"call", "agentic", "card", "interactive"} {
		m := a.say(sim.Say{From: "ann", ToUser: "bot", Category: category, Type: "audio", Data: object{"action": "initiated"}})
		if m.Category != category {
			t.Errorf("%s became %s", category, m.Category)
		}
	}
	if _, err := a.Say(sim.Say{From: "ann", ToUser: "bot", Category: "action"}); err == nil {
		t.Error("a person made an action message")
	}
}
