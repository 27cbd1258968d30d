package sim_test

import (
	"slices"
	"testing"

	"github.com/threadrelay/threadrelay/relay/sim"
)

// must fails the test when a step of it went wrong.
func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestHookShapesOfTheApp(t *testing.T) {
	words := func(s string) object { return text("user", "bot", s) }
	for _, c := range []struct {
		fixture, trigger string
		cfg              sim.CometChatConfig
		do               func(a *app)
	}{
		{"hook_delivery_receipt", "message_delivery_receipt", sim.CometChatConfig{}, func(a *app) {
			a.do("POST", "/messages", "ann", words("x"))
			must(t, a.Deliver("bot", "1"))
		}},
		{"hook_read_receipt", "message_read_receipt", sim.CometChatConfig{}, func(a *app) {
			a.do("POST", "/messages", "ann", words("x"))
			a.do("POST", "/users/ann/conversation/read", "bot", nil).want(t, 200, "")
		}},
		{"hook_read_by_all", "message_read_by_all", sim.CometChatConfig{}, func(a *app) {
			a.do("POST", "/messages", "ann", text("group", "team", "x"))
			must(t, a.Read("bot", "1"))
		}},
		{"hook_moderation_engine_approved", "moderation_engine_approved", sim.CometChatConfig{}, func(a *app) {
			a.do("POST", "/messages", "ann", words("x"))
		}},
		{"hook_moderation_engine_blocked", "moderation_engine_blocked", sim.CometChatConfig{}, func(a *app) {
			a.do("POST", "/messages", "ann", words("rude"))
		}},
		{"hook_moderation_manual", "moderation_manual_approved", sim.CometChatConfig{}, func(a *app) {
			a.do("POST", "/messages", "ann", words("rude"))
			must(t, a.Approve("1"))
		}},
		{"hook_moderation_failed", "moderation_engine_failed", sim.CometChatConfig{}, func(a *app) {
			a.do("POST", "/messages", "ann", words("crash"))
		}},
		{"hook_connection", "user_connection_status_changed", sim.CometChatConfig{}, func(a *app) { must(t, a.SetOnline("ann", false)) }},
		{"hook_legacy", "after_message", sim.CometChatConfig{LegacyHooks: true}, func(a *app) { a.do("POST", "/messages", "ann", words("x")) }},
		{"hook_bot", "-", sim.CometChatConfig{}, func(a *app) { a.say(sim.Say{From: "ann", ToUser: "bot", Text: "x"}) }},
	} {
		t.Run(c.fixture, func(t *testing.T) {
			a, h := newShapeAppWith(t, c.cfg)
			if c.trigger == "-" {
				must(t, a.AddBot(sim.Bot{UID: "bot", URL: h.URL, Enabled: true}))
			} else {
				a.hook(sim.Webhook{ID: "hook1", URL: h.URL, Triggers: []string{c.trigger}})
			}
			if slices.Contains([]string{"hook_moderation_engine_approved", "hook_moderation_engine_blocked", "hook_moderation_manual", "hook_moderation_failed"}, c.fixture) {
				a.Moderate(&sim.Moderation{Blocked: []string{"rude"}, Failing: []string{"crash"}})
			}
			c.do(a)
			a.awaitAttempts(1)
			readShape(t, c.fixture).compare(t, h.calls()[0])
		})
	}
}

func TestAnswerShapesOfPeopleAndConversations(t *testing.T) {
	person := object{"uid": "cy", "name": "Cy", "link": "l", "avatar": "a", "metadata": object{"k": "v"}, "role": "manager", "tags": []string{"t"}}
	for _, c := range []struct {
		fixture              string
		key                  string
		method, path, caller string
		body                 any
	}{
		{"get_conversation", "", "GET", "/groups/team/conversation", "bot", nil},
		{"get_conversation", "", "GET", "/conversations/group_team", "bot", nil},
		{"list_conversations", "", "GET", "/conversations", "bot", nil},
		{"mark_read", "", "POST", "/users/ann/conversation/read", "bot", nil},
		{"mark_read", "", "POST", "/users/ann/conversation/delivered", "bot", nil},
		{"create_user", "", "POST", "/users", "", with(person, "withAuthToken", true)},
		{"update_user", "", "PUT", "/users/ben", "", person},
		{"member_scope", "", "PUT", "/groups/team/members/bot", "ann", object{"scope": "moderator"}},
		{"error_no_scope", "narrow", "GET", "/users", "", nil},
		{"send_bot_message", "", "POST", "/bots/bot/messages", "", object{"receiver": "ann", "receiverType": "user", "data": object{"text": "x", "metadata": object{"k": "v"}}}},
	} {
		t.Run(c.fixture+" "+c.path, func(t *testing.T) {
			a, _ := newShapeAppWith(t, sim.CometChatConfig{ConversationArray: true, AuthKey: "narrow"})
			must(t, a.AddBot(sim.Bot{UID: "bot"}))
			a.do("POST", "/messages", "ann", text("group", "team", "x")).want(t, 200, "")
			header := map[string]string{"apikey": key, "onBehalfOf": c.caller}
			if c.key != "" {
				header["apikey"] = c.key
			}
			readShape(t, c.fixture).compare(t, a.doWith(c.method, c.path, header, c.body).Body)
		})
	}
}

// with is an object with one field more.
func with(o object, name string, value any) object {
	out := object{name: value}
	for k, v := range o {
		out[k] = v
	}
	return out
}
