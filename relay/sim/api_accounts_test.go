package sim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/relay/sim"
)

func TestKeysAndScopes(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{AuthKey: "narrow", AppID: "app9"})
	user := object{"uid": "cy", "name": "Cy"}
	for _, c := range []struct {
		name, method, path string
		header             map[string]string
		body               any
		status             int
		code               string
	}{
		{"authOnly makes users", "POST", "/users", map[string]string{"apikey": "narrow"}, user, 200, ""},
		{"authOnly makes tokens", "POST", "/users/cy/auth_tokens", map[string]string{"apikey": "narrow"}, nil, 200, ""},
		{"authOnly reads nothing", "GET", "/users/cy", map[string]string{"apikey": "narrow"}, nil, 403, "AUTH_ERR_NO_ACCESS"},
		{"authOnly sends nothing", "POST", "/messages", map[string]string{"apikey": "narrow"}, text("user", "ann", "x"), 403, "AUTH_ERR_NO_ACCESS"},
		{"app id", "GET", "/users", map[string]string{"apikey": key, "appId": "app9"}, nil, 200, ""},
		{"wrong app id", "GET", "/users", map[string]string{"apikey": key, "appId": "app8"}, nil, 401, "AUTH_ERR_INVALID_APPID"},
	} {
		t.Run(c.name, func(t *testing.T) { a.doWith(c.method, c.path, c.header, c.body).want(t, c.status, c.code) })
	}
	e := a.doWith("GET", "/users", map[string]string{"apikey": "narrow"}, nil).Body["error"].(object)
	if !strings.Contains(e["message"].(string), "narrow") {
		t.Errorf("the platform repeats the key, %v does not", e)
	}
}

func TestRequestIDs(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	first, second := a.do("GET", "/users", "", nil).Header.Get("X-Request-Id"), a.do("GET", "/nothing", "", nil).Header.Get("X-Request-Id")
	if first == "" || first == second {
		t.Errorf("ids %q and %q", first, second)
	}
	if r := a.Requests(); r[0].ID != first || r[1].ID != second {
		t.Errorf("recorded %+v", r)
	}
}

func TestUpdateUsers(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	long := object{"k": strings.Repeat("x", 6000)}
	for _, c := range []struct {
		name, path string
		body       object
		status     int
		code       string
		want       string // name, avatar, metadata
	}{
		{"name alone", "/users/Ben", object{"name": "Benno"}, 200, "", "Benno <nil> <nil>"},
		{"avatar and metadata", "/users/ben", object{"avatar": "a", "metadata": object{"k": "v"}}, 200, "", "Benno a map[k:v]"},
		{"unset", "/users/ben", object{"unset": []string{"avatar", "metadata", "link", "tags"}}, 200, "", "Benno <nil> <nil>"},
		{"blank name", "/users/ben", object{"name": " "}, 400, "ERR_BAD_REQUEST", ""},
		{"metadata over 5 KB", "/users/ben", object{"metadata": long}, 400, "ERR_BAD_REQUEST", ""},
		{"nobody", "/users/zed", object{"name": "Z"}, 404, "ERR_UID_NOT_FOUND", ""},
		{"the system", "/users/app_system", object{"name": "Z"}, 404, "ERR_UID_NOT_FOUND", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := a.do("PUT", c.path, "", c.body).want(t, c.status, c.code).data()
			if got := fmt.Sprint(d["name"], " ", d["avatar"], " ", d["metadata"]); c.want != "" && got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestListUsers(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	a.do("PUT", "/users/ben", "", object{"role": "staff", "tags": []string{"red"}}).want(t, 200, "")
	a.say(sim.Say{From: "ann", ToUser: "ben", Text: "x"})
	a.do("DELETE", "/users", "", object{"uidsToDeactivate": []string{"bot", "zed"}}).want(t, 200, "")
	for query, want := range map[string]string{
		"":                            "[ann ben]",
		"?withDeactivated=true":       "[ann ben bot]",
		"?onlyDeactivated=true":       "[bot]",
		"?role=staff":                 "[ben]",
		"?roles=staff,default":        "[ann ben]",
		"?tags=red":                   "[ben]",
		"?status=available":           "[ann]",
		"?searchKey=LEE":              "[ann]",
		"?searchKey=lee&searchIn=uid": "[]",
		"?searchKey=be&searchIn=name": "[ben]",
		"?uids=ben,zed":               "[ben]",
		"?perPage=1&page=2":           "[ben]",
		"?perPage=1&page=9":           "[]",
	} {
		var got []any
		for _, row := range a.do("GET", "/users"+query, "", nil).want(t, 200, "").Body["data"].([]any) {
			got = append(got, row.(object)["uid"])
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s: %v, want %s", query, got, want)
		}
	}
}

func TestDeactivateAndDelete(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	a.do("POST", "/messages", "ben", text("user", "ann", "x")).want(t, 200, "")
	d := a.do("DELETE", "/users", "", object{"uidsToDeactivate": []string{"BEN"}}).want(t, 200, "").data()
	if fmt.Sprint(d["deactivatedUids"]) != "[ben]" {
		t.Errorf("answer %v", d)
	}
	a.do("GET", "/users/ben", "", nil).want(t, 404, "ERR_UID_NOT_FOUND")
	a.do("POST", "/messages", "ann", text("user", "ben", "x")).want(t, 404, "ERR_UID_NOT_FOUND")
	a.do("GET", "/messages", "ben", nil).want(t, 404, "ERR_UID_NOT_FOUND")
	sender := a.do("GET", "/messages/1", "", nil).data()["data"].(object)["entities"].(object)["sender"].(object)["entity"].(object)
	if sender["name"] != "Ben" || sender["deactivatedAt"] == nil {
		t.Errorf("the message of a deactivated user shows %v", sender)
	}
	d = a.do("PUT", "/users", "", object{"uidsToActivate": []string{"ben"}}).want(t, 200, "").data()
	if fmt.Sprint(d["nonDeactivatedUids"]) != "[ben]" {
		t.Errorf("answer %v", d)
	}
	a.do("GET", "/users/ben", "", nil).want(t, 200, "")
	a.do("DELETE", "/users/bot", "", object{"permanent": true}).want(t, 200, "")
	a.do("GET", "/users/bot", "", nil).want(t, 404, "ERR_UID_NOT_FOUND")
	a.do("POST", "/bots/bot/messages", "", text("user", "ann", "x")).want(t, 404, "ERR_BOT_NOT_FOUND")
	if got := a.do("GET", "/groups/team", "", nil).data()["membersCount"]; got != 1.0 {
		t.Errorf("%v members are left", got)
	}
	a.do("DELETE", "/users/ann", "", nil).want(t, 200, "")
	a.do("GET", "/users/ann", "", nil).want(t, 404, "ERR_UID_NOT_FOUND")
	a.do("POST", "/users", "", object{"uid": "bot", "name": "Again"}).want(t, 200, "")
	for _, c := range []struct {
		method string
		body   object
	}{{"PUT", object{}}, {"DELETE", object{}}} {
		a.do(c.method, "/users", "", c.body).want(t, 400, "ERR_BAD_REQUEST")
	}
}

func TestTokens(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	first := a.do("POST", "/users/ann/auth_tokens", "", object{"force": true}).want(t, 200, "").data()
	a.do("POST", "/users/ann/auth_tokens", "", nil).want(t, 200, "")
	if rows := a.do("GET", "/users/ann/auth_tokens", "", nil).want(t, 200, "").Body["data"].([]any); len(rows) != 2 || rows[0].(object)["authToken"] != first["authToken"] {
		t.Errorf("tokens %v", rows)
	}
	a.do("DELETE", "/users/ann/auth_tokens", "", nil).want(t, 200, "")
	if rows := a.do("GET", "/users/ann/auth_tokens", "", nil).Body["data"].([]any); len(rows) != 0 {
		t.Errorf("tokens after clearing %v", rows)
	}
	a.do("POST", "/users/zed/auth_tokens", "", nil).want(t, 404, "ERR_UID_NOT_FOUND")
}

func TestBlocks(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	d := a.do("POST", "/users/ben/blockedusers", "", object{"blockedUids": []string{"Ann", "ben", "zed"}}).want(t, 200, "").data()
	var got []any
	for _, uid := range []string{"ann", "ben", "zed"} {
		got = append(got, d[uid].(object)["success"])
	}
	if fmt.Sprint(got) != "[true false false]" {
		t.Errorf("blocked %v", d)
	}
	a.do("POST", "/messages", "ann", text("user", "ben", "x")).want(t, 403, "ERR_BLOCKED_SENDER")
	a.do("POST", "/messages", "ben", text("user", "ann", "x")).want(t, 403, "ERR_BLOCKED_RECEIVER")
	if rows := a.do("GET", "/users/ben/blockedusers", "", nil).want(t, 200, "").Body["data"].([]any); len(rows) != 1 || rows[0].(object)["blockedByMe"] != true {
		t.Errorf("list %v", rows)
	}
	a.do("DELETE", "/users/ben/blockedusers", "", object{"blockedUids": []string{"ann"}}).want(t, 200, "")
	a.do("POST", "/messages", "ann", text("user", "ben", "x")).want(t, 200, "")
	a.do("POST", "/users/ben/blockedusers", "", nil).want(t, 400, "ERR_BAD_REQUEST")
}

func TestBotsEndpoints(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	for _, c := range []struct {
		name, method, path string
		body               any
		status             int
		code               string
	}{
		{"no uid", "POST", "/bots", object{"webhookURL": "http://127.0.0.1:1/x"}, 400, "ERR_BAD_REQUEST"},
		{"no address", "POST", "/bots", object{"uid": "ben"}, 400, "ERR_BAD_REQUEST"},
		{"odd groups", "POST", "/bots", object{"uid": "ben", "webhookURL": "http://127.0.0.1:1/x", "groupChatSetting": "some"}, 400, "ERR_BAD_REQUEST"},
		{"nobody", "POST", "/bots", object{"uid": "zed", "webhookURL": "http://127.0.0.1:1/x"}, 404, "ERR_UID_NOT_FOUND"},
		{"one", "POST", "/bots", object{"uid": "ben", "webhookURL": "http://127.0.0.1:1/x", "useBasicAuth": true, "username": "u", "password": "p"}, 200, ""},
		{"again", "POST", "/bots", object{"uid": "ben", "webhookURL": "http://127.0.0.1:1/x"}, 400, "ERR_BOT_ALREADY_EXISTS"},
		{"changed", "PUT", "/bots/ben", object{"enabled": true, "groupChatSetting": "allMessages"}, 200, ""},
		{"changed to nothing", "PUT", "/bots/ben", object{"webhookURL": ""}, 400, "ERR_BAD_REQUEST"},
		{"changed who is none", "PUT", "/bots/ann", object{}, 404, "ERR_BOT_NOT_FOUND"},
		{"got", "GET", "/bots/ben", nil, 200, ""},
		{"got none", "GET", "/bots/ann", nil, 404, "ERR_BOT_NOT_FOUND"},
	} {
		t.Run(c.name, func(t *testing.T) { a.do(c.method, c.path, "", c.body).want(t, c.status, c.code) })
	}
	d := a.do("GET", "/bots/ben", "", nil).data()
	if got := fmt.Sprint([]any{d["enabled"], d["groupChatSetting"], d["useBasicAuth"], d["username"], d["password"]}); got != "[true allMessages true u p]" {
		t.Errorf("bot %s", got)
	}
	if got := len(a.do("GET", "/bots", "", nil).want(t, 200, "").Body["data"].([]any)); got != 2 {
		t.Errorf("%d bots", got)
	}
	a.do("PUT", "/bots/ben", "", object{"useBasicAuth": false}).want(t, 200, "")
	a.do("DELETE", "/bots/ben", "", nil).want(t, 200, "")
	a.do("DELETE", "/bots/ben", "", nil).want(t, 404, "ERR_BOT_NOT_FOUND")
	a.do("GET", "/users/ben", "", nil).want(t, 200, "")
}
