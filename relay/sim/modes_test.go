package sim_test

import (
	"fmt"
	"testing"

	"github.com/threadrelay/threadrelay/relay/sim"
)

func TestLegacyHooks(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{LegacyHooks: true})
	h := newHook(t, nil)
	a.hook(sim.Webhook{ID: "w", URL: h.URL, Username: "u", Password: "p"})
	m := a.say(sim.Say{From: "ann", ToUser: "bot", Text: "<@uid:bot>"})
	must(t, a.React("bot", m.ID, "👍"), a.Deliver("bot", m.ID), a.Read("bot", m.ID))
	if _, err := a.Edit("ann", m.ID, "two"); err != nil {
		t.Fatal(err)
	}
	must(t, a.Delete("ann", m.ID), a.Join("ben", "team"), a.SetOnline("ann", true), a.Redeliver(m.ID))
	a.awaitAttempts(8)
	counts := map[string]int{}
	for _, b := range h.calls() {
		counts[b["trigger"].(string)]++
		if b["chatAPIVersion"] != "3.0" || b["origin"] == nil || b["webhook"] != "w" {
			t.Errorf("envelope %v", b)
		}
	}
	want := map[string]int{"after_message": 5, "message_delivery_receipt": 1, "message_read_receipt": 1, "after_connection_status_changed": 1}
	if fmt.Sprint(counts) != fmt.Sprint(want) {
		t.Errorf("calls %v, want %v", counts, want)
	}
	var shapes []any
	for _, b := range h.calls() {
		if d := b["data"].(object); b["trigger"] == "after_message" && d["receiver"] == "bot" {
			shapes = append(shapes, fmt.Sprint(d["id"], d["category"]))
		}
	}
	if fmt.Sprint(shapes) != "[1message 2action 3action 1message]" {
		t.Errorf("data are %v", shapes)
	}
}

func TestReceiptTriggers(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	must(t, a.AddGroup(sim.Group{GUID: "all", Members: []string{"ann", "ben", "bot"}}))
	h := newHook(t, nil)
	a.hook(sim.Webhook{ID: "w", URL: h.URL, Triggers: []string{
		"message_delivery_receipt", "message_read_receipt", "message_delivered_to_all", "message_read_by_all",
	}})
	a.say(sim.Say{From: "ann", ToGroup: "all", Text: "1"})
	a.say(sim.Say{From: "ann", ToGroup: "all", Text: "2"})
	must(t, a.Deliver("ben", "1"), a.Deliver("ben", "1"), a.Deliver("bot", "2"), a.Deliver("bot", "1"), a.Deliver("ben", "2"))
	a.do("POST", "/groups/all/conversation/read", "ben", nil).want(t, 200, "")
	a.do("POST", "/groups/all/conversation/read", "ben", nil).want(t, 200, "")
	a.do("POST", "/groups/all/conversation/read", "bot", nil).want(t, 200, "")
	a.awaitAttempts(7)
	var got []any
	for _, b := range h.calls() {
		d := b["data"].(object)
		body := d["body"].(object)
		got = append(got, fmt.Sprintf("%s %s %s of %s to %s", d["sender"], body["action"], body["messageId"], d["messageSender"], d["receiver"]))
	}
	want := "[ben delivered 1 of ann to all bot delivered 2 of ann to all ben delivered 2 of ann to all app_system deliveredToAll 2 of ann to all " +
		"ben read 2 of ann to all bot read 2 of ann to all app_system readByAll 2 of ann to all]"
	if fmt.Sprint(got) != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
}

func TestBotsAreCalled(t *testing.T) {
	for _, c := range []struct {
		groups  string
		enabled bool
		want    []string // texts that reach the bot
	}{
		{"", true, []string{"direct"}},
		{"allMessages", true, []string{"direct", "plain", "/slash", "hi <@uid:BOT>"}},
		{"slashedMessages", true, []string{"direct", "/slash"}},
		{"mentionedMessages", true, []string{"direct", "hi <@uid:BOT>"}},
		{"allMessages", false, nil},
	} {
		t.Run(c.groups+fmt.Sprint(c.enabled), func(t *testing.T) {
			a := newApp(t, sim.CometChatConfig{RESTOnlyHooks: true}) // which is not about bots
			h, end := newHook(t, nil), newHook(t, nil)
			must(t, a.AddUser(sim.User{UID: "robo"}))
			a.do("DELETE", "/bots/bot", "", nil).want(t, 200, "")
			must(t, a.AddBot(sim.Bot{UID: "bot", URL: h.URL, Groups: c.groups, Username: "u", Password: "p", Enabled: c.enabled}))
			must(t, a.AddBot(sim.Bot{UID: "robo", URL: end.URL, Enabled: true}))
			a.say(sim.Say{From: "ann", ToUser: "bot", Text: "direct"})
			a.say(sim.Say{From: "bot", ToUser: "ann", Text: "its own"})
			a.say(sim.Say{From: "ann", ToUser: "ben", Text: "to another"})
			for _, words := range []string{"plain", "/slash", "hi <@uid:BOT>"} {
				a.say(sim.Say{From: "ann", ToGroup: "team", Text: words})
			}
			a.say(sim.Say{From: "ann", ToUser: "robo", Text: "end"})
			a.awaitAttempts(1 + len(c.want))
			byText := map[string]object{}
			for _, b := range h.calls() {
				byText[b["data"].(object)["data"].(object)["text"].(string)] = b
			}
			if len(byText) != len(c.want) {
				t.Errorf("the bot got %v", byText)
			}
			for _, words := range c.want {
				if b := byText[words]; b["bot"] != "bot" || b["webhook"] != nil || b["trigger"] != "after_message" {
					t.Errorf("for %q it got %v", words, b)
				}
			}
			for _, auth := range h.auth {
				if auth != "Basic dTpw" {
					t.Errorf("auth %q", auth)
				}
			}
			for _, d := range a.Deliveries() {
				if d.Webhook != "bot/bot" && d.Webhook != "bot/robo" {
					t.Errorf("delivery %+v", d)
				}
			}
		})
	}
}

func TestAddBotRefuses(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	for name, b := range map[string]sim.Bot{
		"nobody": {UID: "zed"}, "again": {UID: "bot"}, "groups": {UID: "ben", Groups: "few"},
	} {
		if err := a.AddBot(b); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for i := range 25 {
		must(t, a.AddUser(sim.User{UID: fmt.Sprint("u", i)}))
		err := a.AddBot(sim.Bot{UID: fmt.Sprint("u", i)})
		if (err == nil) != (i < 24) { // with bot they are 25
			t.Errorf("bot %d: %v", i, err)
		}
	}
}
