package sim_test

import (
	"fmt"
	"testing"

	"github.com/threadrelay/threadrelay/relay/sim"
)

// talkApp has bot in conversations with ann, ben and the team, in this order of their last messages.
func talkApp(t *testing.T, cfg sim.CometChatConfig) *app {
	t.Helper()
	cfg.Now = clock()
	a := newApp(t, cfg)
	a.say(sim.Say{From: "ann", ToUser: "bot", Text: "1"})
	a.say(sim.Say{From: "ben", ToUser: "bot", Text: "2"})
	a.say(sim.Say{From: "ann", ToGroup: "team", Text: "3"})
	return a
}

func conversations(r reply) string {
	var out []any
	for _, row := range r.Body["data"].([]any) {
		o := row.(object)
		out = append(out, fmt.Sprint(o["conversationId"], ":", o["unreadMessageCount"]))
	}
	return fmt.Sprint(out)
}

func TestListConversations(t *testing.T) {
	a := talkApp(t, sim.CometChatConfig{})
	a.do("PUT", "/users/ann/conversation", "bot", object{"tags": []string{"vip"}}).want(t, 200, "")
	a.do("PUT", "/users/ben", "", object{"tags": []string{"staff"}}).want(t, 200, "")
	a.do("PUT", "/groups/team", "", object{"tags": []string{"duty"}}).want(t, 200, "")
	a.do("POST", "/groups/team/conversation/read", "bot", nil).want(t, 200, "")
	for _, c := range []struct{ query, uid, want string }{
		{"", "bot", "[group_team:0 ben_user_bot:1 ann_user_bot:1]"},
		{"?perPage=2&page=2", "bot", "[ann_user_bot:1]"},
		{"?conversationType=group", "bot", "[group_team:0]"},
		{"?unread=true", "bot", "[ben_user_bot:1 ann_user_bot:1]"},
		{"?searchKey=lee", "bot", "[ann_user_bot:1]"},
		{"?tags=vip", "bot", "[ann_user_bot:1]"},
		{"?userTags=staff", "bot", "[group_team:0 ben_user_bot:1]"},
		{"?groupTags=none", "bot", "[ben_user_bot:1 ann_user_bot:1]"},
		{"", "ben", "[ben_user_bot:0]"},
		{"", "", "[group_team:0 ann_user_bot:0 ben_user_bot:0 group_team:0 ben_user_bot:1 ann_user_bot:1]"},
	} {
		if got := conversations(a.do("GET", "/conversations"+c.query, c.uid, nil).want(t, 200, "")); got != c.want {
			t.Errorf("%s as %q: %s, want %s", c.query, c.uid, got, c.want)
		}
	}
	rows := a.do("GET", "/conversations?withTags=true&withUserAndGroupTags=true", "bot", nil).Body["data"].([]any)
	tags := fmt.Sprint(rows[0].(object)["conversationWith"].(object)["tags"], rows[1].(object)["conversationWith"].(object)["tags"], rows[2].(object)["tags"])
	if tags != "[duty] [staff] [vip]" {
		t.Errorf("tags %s", tags)
	}
}

func TestConversationEndpoints(t *testing.T) {
	a := talkApp(t, sim.CometChatConfig{})
	must(t, a.AddGroup(sim.Group{GUID: "empty", Members: []string{"bot"}}))
	for _, c := range []struct {
		method, path, uid string
		status            int
		code              string
	}{
		{"GET", "/users/ann/conversation", "bot", 200, ""},
		{"GET", "/users/bot/conversation", "ann", 200, ""},
		{"GET", "/groups/team/conversation", "bot", 200, ""},
		{"GET", "/conversations/ANN_user_bot", "bot", 200, ""},
		{"GET", "/conversations/group_team", "ann", 200, ""},
		{"GET", "/users/ann/conversation", "", 400, "ERR_BAD_REQUEST"},
		{"GET", "/conversations/group_team", "", 400, "ERR_BAD_REQUEST"},
		{"PUT", "/users/ann/conversation", "bot", 400, "ERR_BAD_REQUEST"},
		{"GET", "/users/zed/conversation", "bot", 404, "ERR_UID_NOT_FOUND"},
		{"GET", "/groups/zed/conversation", "bot", 404, "ERR_GUID_NOT_FOUND"},
		{"GET", "/groups/team/conversation", "ben", 403, "ERR_GROUP_NOT_JOINED"},
		{"GET", "/groups/empty/conversation", "bot", 403, "ERR_CONVERSATION_NOT_ACCESSIBLE"},
		{"GET", "/users/ann/conversation", "ben", 403, "ERR_CONVERSATION_NOT_ACCESSIBLE"},
		{"GET", "/conversations/group_team", "ben", 403, "ERR_CONVERSATION_NOT_ACCESSIBLE"},
		{"GET", "/conversations/nothing", "ben", 404, "ERR_CONVERSATION_NOT_FOUND"},
		{"POST", "/users/zed/conversation/read", "bot", 404, "ERR_UID_NOT_FOUND"},
		{"POST", "/groups/team/conversation/delivered", "ben", 403, "ERR_GROUP_NOT_JOINED"},
		{"POST", "/users/ann/conversation/read", "", 400, "ERR_BAD_REQUEST"},
	} {
		t.Run(c.method+c.path+" "+c.uid, func(t *testing.T) { a.do(c.method, c.path, c.uid, nil).want(t, c.status, c.code) })
	}
	d := a.do("GET", "/users/ann/conversation", "bot", nil).data()
	if d["conversationId"] != "ann_user_bot" || d["lastMessage"].(object)["id"] != "1" || d["conversationWith"].(object)["uid"] != "ann" {
		t.Errorf("conversation %v", d)
	}
}

func TestResetConversation(t *testing.T) {
	a := talkApp(t, sim.CometChatConfig{})
	a.do("DELETE", "/users/ann/conversation", "bot", nil).want(t, 200, "")
	a.do("DELETE", "/conversations/group_team", "bot", nil).want(t, 200, "")
	if got := conversations(a.do("GET", "/conversations", "bot", nil)); got != "[ben_user_bot:1]" {
		t.Errorf("left %s", got)
	}
	if got := conversations(a.do("GET", "/conversations", "ann", nil)); got != "[group_team:0 ann_user_bot:0]" {
		t.Errorf("the other's %s", got)
	}
	a.say(sim.Say{From: "ann", ToUser: "bot", Text: "again"})
	if got := conversations(a.do("GET", "/conversations", "bot", nil)); got != "[ann_user_bot:1 ben_user_bot:1]" {
		t.Errorf("after the next message %s", got)
	}
	a.do("DELETE", "/users/ann/conversation", "bot", object{"deleteMessagesPermanently": true}).want(t, 200, "")
	if got := a.do("GET", "/messages", "", nil).ids(); got != "[2 3]" {
		t.Errorf("messages %s", got)
	}
	a.do("DELETE", "/users/ann/conversation", "bot", nil).want(t, 403, "ERR_CONVERSATION_NOT_ACCESSIBLE")
}

func TestReceiptsShowOnMessages(t *testing.T) {
	a := talkApp(t, sim.CometChatConfig{})
	get := func(id, uid string, names ...string) string {
		d := a.do("GET", "/messages/"+id, uid, nil).want(t, 200, "").data()
		var has []bool
		for _, name := range names {
			has = append(has, d[name] != nil)
		}
		return fmt.Sprint(has)
	}
	must(t, a.Deliver("bot", "1"))
	if got := get("1", "ann", "deliveredAt", "readAt"); got != "[true false]" {
		t.Errorf("delivered, read: %s", got)
	}
	a.do("POST", "/users/ann/conversation/read", "bot", nil).want(t, 200, "")
	if got := get("1", "", "deliveredAt", "readAt"); got != "[true true]" {
		t.Errorf("delivered, read: %s", got)
	}
	must(t, a.Read("bot", "3"))
	if got := get("3", "bot", "readAt", "readByMeAt", "deliveredToMeAt"); got != "[false true true]" {
		t.Errorf("of the group, by me, to me: %s", got)
	}
	for name, err := range map[string]error{
		"own message": a.Read("ann", "1"), "stranger": a.Read("ben", "1"), "nobody": a.Read("zed", "1"), "no message": a.Deliver("bot", "99"),
	} {
		if err == nil {
			t.Errorf("a receipt of %s was accepted", name)
		}
	}
}
