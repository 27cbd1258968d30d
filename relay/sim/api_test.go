package sim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/relay/sim"
)

func TestAuthenticationAndRouting(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	for _, c := range []struct {
		name, method, path string
		header             map[string]string
		status             int
		code               string
	}{
		{"no key", "GET", "/messages", nil, 401, "AUTH_ERR_EMPTY_APIKEY"},
		{"wrong key", "GET", "/messages", map[string]string{"apikey": "x"}, 401, "AUTH_ERR_APIKEY_NOT_FOUND"},
		{"unknown path", "GET", "/nothing", map[string]string{"apikey": key}, 404, "ERR_API_NOT_FOUND"},
		{"wrong method", "PATCH", "/messages", map[string]string{"apikey": key}, 404, "ERR_API_NOT_FOUND"},
		{"unclean path", "GET", "//messages", map[string]string{"apikey": key}, 404, "ERR_API_NOT_FOUND"},
		{"unknown onBehalfOf", "GET", "/messages", map[string]string{"apikey": key, "onBehalfOf": "zed"}, 404, "ERR_UID_NOT_FOUND"},
		{"header case", "GET", "/messages", map[string]string{"ApiKey": key, "onbehalfof": "ANN"}, 200, ""},
	} {
		t.Run(c.name, func(t *testing.T) { a.doWith(c.method, c.path, c.header, nil).want(t, c.status, c.code) })
	}
	e := a.do("GET", "/nothing", "", nil).Body["error"].(object)
	if e["source"] != "chat-api" || e["devMessage"] == "" || e["message"] == "" {
		t.Errorf("error object %v", e)
	}
}

func TestSend(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	big := strings.Repeat("x", 70000)
	for _, c := range []struct {
		name, path, uid string
		body            any
		status          int
		code            string
	}{
		{"user", "/messages", "ann", text("user", "ben", "hi"), 200, ""},
		{"defaults", "/messages", "ann", object{"receiver": "ben", "receiverType": "user", "data": object{"text": "hi"}}, 200, ""},
		{"group", "/messages", "ann", text("group", "team", "hi"), 200, ""},
		{"nine thousand", "/messages", "ann", text("user", "ben", big[:9000]), 200, ""},
		{"as bot", "/bots/bot/messages", "", text("user", "ben", "hi"), 200, ""},
		{"custom", "/messages", "ann", object{"receiver": "ben", "receiverType": "user", "category": "custom", "type": "place",
			"data": object{"customData": object{"x": 1}}}, 200, ""},
		{"empty text", "/messages", "ann", text("user", "ben", " "), 400, "ERR_EMPTY_MESSAGE_TEXT"},
		{"number text", "/messages", "ann", object{"receiver": "ben", "receiverType": "user", "data": object{"text": 1}}, 400, "ERR_INVALID_MESSAGE_TEXT"},
		{"data is text", "/messages", "ann", `{"receiver":"ben","receiverType":"user","data":"hi"}`, 400, "ERR_INVALID_MESSAGE_DATA"},
		{"no data", "/messages", "ann", object{"receiver": "ben", "receiverType": "user"}, 400, "ERR_INVALID_MESSAGE_DATA"},
		{"data over 10 KB", "/messages", "ann", text("user", "ben", big[:11000]), 400, "ERR_INVALID_MESSAGE_DATA"},
		{"payload over 65536", "/messages", "ann", text("user", "ben", big), 400, "ERR_BAD_REQUEST"},
		{"body over 1 MiB", "/messages", "ann", text("user", "ben", strings.Repeat(big, 16)), 400, "ERR_BAD_REQUEST"},
		{"not JSON", "/messages", "ann", "{", 400, "ERR_BAD_REQUEST"},
		{"metadata is text", "/messages", "ann", object{"receiver": "ben", "receiverType": "user", "data": object{"text": "x", "metadata": "m"}}, 400, "ERR_INVALID_METADATA"},
		{"no receiver", "/messages", "ann", text("user", "", "hi"), 400, "ERR_EMPTY_RECEIVER"},
		{"receiver type", "/messages", "ann", text("room", "ben", "hi"), 400, "ERR_INVALID_RECEIVER_TYPE"},
		{"image without file", "/messages", "ann", object{"receiver": "ben", "receiverType": "user", "type": "image", "data": object{}}, 400, "ERR_EMPTY_MESSAGE_FILE"},
		{"image by url", "/messages", "ann", object{"receiver": "ben", "receiverType": "user", "type": "image", "data": object{"url": "https://x.example/p"}}, 200, ""},
		{"type", "/messages", "ann", object{"receiver": "ben", "receiverType": "user", "type": "poem", "data": object{}}, 400, "ERR_INVALID_MESSAGE_TYPE"},
		{"custom without data", "/messages", "ann", object{"receiver": "ben", "receiverType": "user", "category": "custom", "type": "x", "data": object{}}, 400, "ERR_EMPTY_CUSTOM_DATA"},
		{"custom with a text", "/messages", "ann", object{"receiver": "ben", "receiverType": "user", "category": "custom", "type": "x", "data": object{"customData": "t"}}, 400, "ERR_INVALID_CUSTOM_DATA"},
		{"receiver is a number", "/messages", "ann", object{"receiver": 7, "receiverType": "user", "data": object{}}, 400, "ERR_BAD_REQUEST"},
		{"category", "/messages", "ann", object{"receiver": "ben", "receiverType": "user", "category": "call", "data": object{}}, 400, "ERR_INVALID_MESSAGE_CATEGORY"},
		{"unknown user", "/messages", "ann", text("user", "zed", "hi"), 404, "ERR_UID_NOT_FOUND"},
		{"unknown group", "/messages", "ann", text("group", "zed", "hi"), 404, "ERR_GUID_NOT_FOUND"},
		{"not in the group", "/messages", "ben", text("group", "team", "hi"), 403, "ERR_GROUP_NOT_JOINED"},
		{"unknown bot", "/bots/zed/messages", "", text("user", "ben", "hi"), 404, "ERR_BOT_NOT_FOUND"},
	} {
		t.Run(c.name, func(t *testing.T) { a.do("POST", c.path, c.uid, c.body).want(t, c.status, c.code) })
	}
}

func TestSenderAndConversation(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	for _, c := range []struct{ uid, receiverType, receiver, sender, conversation string }{
		{"", "user", "ben", "app_system", "app_system_user_ben"},
		{"", "group", "team", "app_system", "group_team"},
		{"BEN", "user", "Ann", "ben", "ann_user_ben"},
		{"ann", "user", "ben", "ann", "ann_user_ben"},
	} {
		d := a.do("POST", "/messages", c.uid, text(c.receiverType, c.receiver, "<b>é</b>")).want(t, 200, "").data()
		if d["sender"] != c.sender || d["conversationId"] != c.conversation || d["data"].(object)["text"] != "<b>é</b>" {
			t.Errorf("%+v: got %v", c, d)
		}
	}
	if got := a.do("GET", "/messages", "", nil).ids(); got != "[1 2 3 4]" {
		t.Errorf("ids %s", got)
	}
}

func TestThreads(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	root := a.say(sim.Say{From: "ann", ToUser: "bot", Text: "question"})
	inGroup := a.say(sim.Say{From: "ann", ToGroup: "team", Text: "all"})
	thread := "/messages/" + root.ID + "/thread"
	first := a.do("POST", thread, "bot", text("user", "ann", "answer")).want(t, 200, "").data()
	if first["parentId"] != root.ID || first["id"] != "3" {
		t.Errorf("reply %v", first)
	}
	for _, c := range []struct {
		name, path, uid, receiverType, receiver string
		status                                  int
		code                                    string
	}{
		{"no onBehalfOf", thread, "", "user", "ann", 400, "ERR_BAD_REQUEST"},
		{"nesting", "/messages/3/thread", "bot", "user", "ann", 400, "ERR_MESSAGE_THREAD_NESTING"},
		{"other conversation", thread, "bot", "user", "ben", 400, "ERR_WRONG_MESSAGE_THREAD"},
		{"not a member", "/messages/" + inGroup.ID + "/thread", "ben", "group", "team", 403, "ERR_GROUP_NOT_JOINED"},
		{"no such parent", "/messages/99/thread", "bot", "user", "ann", 404, "ERR_MESSAGE_ID_NOT_FOUND"},
		{"odd parent", "/messages/x/thread", "bot", "user", "ann", 404, "ERR_MESSAGE_ID_NOT_FOUND"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a.do("POST", c.path, c.uid, text(c.receiverType, c.receiver, "x")).want(t, c.status, c.code)
		})
	}
	a.say(sim.Say{From: "ann", Parent: root.ID, Text: "thanks"})
	if got := a.do("GET", thread, "bot", nil).want(t, 200, "").ids(); got != "[3 4]" {
		t.Errorf("thread %s", got)
	}
	if got := len(a.Thread(root.ID)); got != 2 {
		t.Errorf("Thread has %d replies", got)
	}
	if got := a.do("GET", "/messages/"+root.ID, "", nil).data()["replyCount"]; got != 2.0 {
		t.Errorf("replyCount %v", got)
	}
	a.do("GET", thread, "ben", nil).want(t, 403, "ERR_MESSAGE_NO_ACCESS")
}

func TestEditAndDelete(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	m := a.say(sim.Say{From: "ann", ToUser: "bot", Text: "draft"})
	edited := a.do("PUT", "/messages/"+m.ID, "ann", object{"data": object{"text": "final"}}).want(t, 200, "").data()
	on := edited["data"].(object)["entities"].(object)["on"].(object)["entity"].(object)
	if edited["id"] != "2" || edited["category"] != "action" || on["id"] != m.ID || on["editedBy"] != "ann" || on["data"].(object)["text"] != "final" {
		t.Errorf("edit answered %v", edited)
	}
	a.do("PUT", "/messages/"+m.ID, "bot", object{"data": object{"text": "x"}}).want(t, 403, "ERR_MESSAGE_NOT_A_SENDER")
	a.do("PUT", "/messages/"+m.ID, "ben", object{"data": object{"text": "x"}}).want(t, 403, "ERR_MESSAGE_NO_ACCESS")
	a.do("PUT", "/messages/"+m.ID, "ann", object{"data": object{"text": ""}}).want(t, 400, "ERR_EMPTY_MESSAGE_TEXT")
	a.do("PUT", "/messages/"+m.ID, "ann", object{}).want(t, 400, "ERR_BAD_REQUEST")
	a.do("PUT", "/messages/"+m.ID, "ann", object{"data": object{"metadata": strings.Repeat("x", 20000)}}).want(t, 400, "ERR_INVALID_METADATA")
	a.do("PUT", "/messages/"+m.ID, "ann", object{"data": object{"metadata": object{"k": strings.Repeat("x", 20000)}}}).want(t, 400, "ERR_INVALID_MESSAGE_DATA")
	a.do("PUT", "/messages/2", "", object{"data": object{"text": "x"}}).want(t, 400, "ERR_MESSAGE_ACTION_NOT_ALLOWED")
	a.do("PUT", "/messages/77", "", object{"data": object{"text": "x"}}).want(t, 404, "ERR_MESSAGE_ID_NOT_FOUND")
	a.do("DELETE", "/messages/"+m.ID, "bot", nil).want(t, 403, "ERR_MESSAGE_NOT_A_SENDER")
	gone := a.do("DELETE", "/messages/"+m.ID, "", nil).want(t, 200, "").data()
	if gone["data"].(object)["action"] != "deleted" {
		t.Errorf("delete answered %v", gone)
	}
	husk := a.do("GET", "/messages/"+m.ID, "", nil).want(t, 200, "").data()
	if _, has := husk["data"].(object)["text"]; has || husk["deletedBy"] != "app_system" {
		t.Errorf("husk %v", husk)
	}
	a.do("DELETE", "/messages/"+m.ID, "", nil).want(t, 400, "ERR_MESSAGE_ACTION_NOT_ALLOWED")
	second := a.say(sim.Say{From: "ann", ToUser: "bot", Text: "secret"})
	a.do("DELETE", "/messages/"+second.ID, "ann", object{"permanent": true}).want(t, 200, "")
	a.do("GET", "/messages/"+second.ID, "", nil).want(t, 404, "ERR_MESSAGE_ID_NOT_FOUND")
	if got := a.do("GET", "/messages", "", nil).ids(); got != "[1 2 3 5]" {
		t.Errorf("stream %s", got)
	}
}

func TestReactions(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	m := a.say(sim.Say{From: "ann", ToUser: "bot", Text: "hi"})
	at := "/messages/" + m.ID + "/reactions"
	a.do("POST", at+"/%F0%9F%91%8D", "", nil).want(t, 400, "ERR_BAD_REQUEST")
	a.do("POST", at+"/%F0%9F%91%8D", "ben", nil).want(t, 403, "ERR_MESSAGE_NO_ACCESS")
	d := a.do("POST", at+"/%F0%9F%91%8D", "bot", nil).want(t, 200, "").data()
	if got := fmt.Sprint(d["data"].(object)["reactions"]); got != "[map[count:1 reactedByMe:true reaction:👍]]" {
		t.Errorf("reactions %s", got)
	}
	a.do("POST", at+"/%F0%9F%91%8D", "bot", nil).want(t, 200, "")
	if err := a.React("ann", m.ID, "🎉"); err != nil {
		t.Fatal(err)
	}
	if got := a.do("GET", at, "", nil).ids(); got != "[1 2]" {
		t.Errorf("all %s", got)
	}
	if got := a.do("GET", at+"/%F0%9F%8E%89", "", nil).ids(); got != "[2]" {
		t.Errorf("one emoji %s", got)
	}
	if got := a.do("GET", at+"?limit=1&id=1", "", nil).ids(); got != "[2]" {
		t.Errorf("paged %s", got)
	}
	a.do("DELETE", at+"/%F0%9F%91%8D", "bot", nil).want(t, 200, "")
	a.do("DELETE", at+"/%F0%9F%91%8D", "bot", nil).want(t, 400, "ERR_BAD_REQUEST")
	if err := a.Unreact("ann", m.ID, "🎉"); err != nil {
		t.Fatal(err)
	}
	if got := a.do("GET", at, "", nil).ids(); got != "[]" {
		t.Errorf("after removal %s", got)
	}
}

func TestPeopleEndpoints(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	e := a.do("POST", "/users", "", object{}).want(t, 400, "ERR_BAD_REQUEST").Body["error"].(object)
	if got := fmt.Sprint(e["details"]); got != "map[name:[The name field is required.] uid:[The uid field is required.]]" {
		t.Errorf("details %s", got)
	}
	u := a.do("POST", "/users", "", object{"uid": "Cy", "name": "Cy", "withAuthToken": true}).want(t, 200, "").data()
	if u["uid"] != "cy" || !strings.HasPrefix(u["authToken"].(string), "cy_") {
		t.Errorf("user %v", u)
	}
	a.do("POST", "/users", "", object{"uid": "cy", "name": "Cy"}).want(t, 400, "ERR_BAD_REQUEST")
	a.do("GET", "/users/nobody", "", nil).want(t, 404, "ERR_UID_NOT_FOUND")
	if rows := a.do("GET", "/users?perPage=2&page=2", "", nil).want(t, 200, "").Body["data"].([]any); len(rows) != 2 {
		t.Errorf("second page %v", rows)
	}
	a.do("POST", "/groups", "ann", object{"guid": "ops", "name": "Ops", "type": "odd"}).want(t, 400, "ERR_BAD_REQUEST")
	g := a.do("POST", "/groups", "ann", object{"guid": "ops", "name": "Ops", "type": "private"}).want(t, 200, "").data()
	if g["owner"] != "ann" || g["scope"] != "admin" || g["hasJoined"] != true || g["membersCount"] != 1.0 {
		t.Errorf("group %v", g)
	}
	if g := a.do("GET", "/groups/ops", "ben", nil).want(t, 200, "").data(); g["hasJoined"] != false || g["scope"] != nil {
		t.Errorf("group seen from outside %v", g)
	}
	a.do("GET", "/groups/zed", "", nil).want(t, 404, "ERR_GUID_NOT_FOUND")
	if rows := a.do("GET", "/groups", "ben", nil).want(t, 200, "").Body["data"].([]any); len(rows) != 1 {
		t.Errorf("ben sees %v", rows)
	}
	added := a.do("POST", "/groups/ops/members", "ann", object{"participants": []string{"bot", "zed", "app_system"}, "usersToBan": []string{"ben"}}).want(t, 200, "").data()
	if p := added["participants"].(object); p["bot"].(object)["success"] != true || p["zed"].(object)["success"] != false || p["app_system"].(object)["success"] != false {
		t.Errorf("participants %v", p)
	}
	a.do("POST", "/groups/ops/members", "cy", object{"participants": []string{"cy"}}).want(t, 403, "ERR_GROUP_NOT_JOINED")
	if rows := a.do("GET", "/groups/ops/members?scopes=participant", "ann", nil).want(t, 200, "").Body["data"].([]any); len(rows) != 1 {
		t.Errorf("participants %v", rows)
	}
	a.do("GET", "/groups/ops/members", "ben", nil).want(t, 403, "ERR_GROUP_NOT_JOINED")
}

func TestSenderLimit(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{SenderLimit: 2})
	for left := 1; left >= 0; left-- {
		r := a.do("POST", "/messages", "bot", text("user", "ann", "x")).want(t, 200, "")
		for _, name := range []string{"X-Rate-Limit-Remaining", "X-RateLimit-Remaining"} {
			if got := r.Header.Get(name); got != fmt.Sprint(left) {
				t.Errorf("%s is %q, want %d", name, got, left)
			}
		}
	}
	r := a.do("POST", "/bots/bot/messages", "", text("user", "ann", "x")).want(t, http.StatusTooManyRequests, "ERR_TOO_MANY_REQUESTS")
	for _, name := range []string{"Retry-After", "X-Rate-Limit-Reset", "X-RateLimit-Reset"} {
		if r.Header.Get(name) == "" {
			t.Errorf("%s is missing", name)
		}
	}
	a.do("POST", "/messages", "ann", text("user", "bot", "x")).want(t, 200, "")
	if got := len(a.Messages()); got != 3 {
		t.Errorf("%d messages", got)
	}
}
