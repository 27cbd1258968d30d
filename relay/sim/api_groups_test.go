package sim_test

import (
	"fmt"
	"testing"

	"github.com/threadrelay/threadrelay/relay/sim"
)

func TestGroupsEndpoints(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	for _, c := range []struct {
		name, method, path, uid string
		body                    any
		status                  int
		code                    string
	}{
		{"password missing", "POST", "/groups", "", object{"guid": "x", "name": "X", "type": "password"}, 400, "ERR_BAD_REQUEST"},
		{"nothing", "POST", "/groups", "", object{}, 400, "ERR_BAD_REQUEST"},
		{"unknown owner", "POST", "/groups", "", object{"guid": "x", "name": "X", "type": "public", "owner": "zed"}, 404, "ERR_UID_NOT_FOUND"},
		{"with members", "POST", "/groups", "", object{"guid": "x", "name": "X", "type": "public", "owner": "ann", "tags": []string{"red"},
			"members": object{"participants": []string{"ben"}, "moderators": []string{"bot"}}}, 200, ""},
		{"twice", "POST", "/groups", "", object{"guid": "X", "name": "X", "type": "public"}, 400, "ERR_BAD_REQUEST"},
		{"renamed", "PUT", "/groups/x", "ann", object{"name": "Y", "unset": []string{"icon"}}, 200, ""},
		{"type that is none", "PUT", "/groups/x", "", object{"type": "odd"}, 400, "ERR_BAD_REQUEST"},
		{"given away", "PUT", "/groups/x", "", object{"owner": "ben"}, 200, ""},
		{"given to a stranger", "PUT", "/groups/x", "", object{"owner": "app_system"}, 404, "ERR_NOT_A_MEMBER"},
		{"renamed by a moderator", "PUT", "/groups/x", "bot", object{"name": "Z"}, 403, "ERR_GROUP_NO_ADMIN_SCOPE"},
		{"renamed from outside", "PUT", "/groups/team", "ben", object{"name": "Z"}, 403, "ERR_GROUP_NOT_JOINED"},
		{"unknown", "PUT", "/groups/zed", "", object{"name": "Z"}, 404, "ERR_GUID_NOT_FOUND"},
		{"deleted", "DELETE", "/groups/x", "ben", nil, 200, ""},
		{"deleted twice", "DELETE", "/groups/x", "", nil, 404, "ERR_GUID_NOT_FOUND"},
	} {
		t.Run(c.name, func(t *testing.T) { a.do(c.method, c.path, c.uid, c.body).want(t, c.status, c.code) })
	}
}

func TestListGroups(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	for guid, kind := range map[string]string{"p1": "private", "p2": "public"} {
		a.do("POST", "/groups", "ann", object{"guid": guid, "name": "N " + guid, "type": kind, "tags": []string{guid}}).want(t, 200, "")
	}
	for _, c := range []struct {
		query, uid string
		want       int
	}{
		{"", "", 3}, {"", "ben", 2}, {"?hasJoined=true", "ben", 0}, {"?hasJoined=true", "ann", 3}, {"?type=private", "", 1},
		{"?types=private,public", "", 3}, {"?tags=p1", "", 1}, {"?searchKey=n%20P", "", 2}, {"?perPage=2&page=2", "", 1},
	} {
		if got := len(a.do("GET", "/groups"+c.query, c.uid, nil).want(t, 200, "").Body["data"].([]any)); got != c.want {
			t.Errorf("%q as %q: %d groups, want %d", c.query, c.uid, got, c.want)
		}
	}
}

func TestMembersEndpoints(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	h := newHook(t, nil)
	a.hook(sim.Webhook{ID: "w", URL: h.URL})
	for _, c := range []struct {
		name, method, path, uid string
		body                    any
		status                  int
		code                    string
	}{
		{"kick a stranger", "DELETE", "/groups/team/members/ben", "", nil, 404, "ERR_NOT_A_MEMBER"},
		{"scope of a stranger", "PUT", "/groups/team/members/ben", "", object{"scope": "admin"}, 404, "ERR_NOT_A_MEMBER"},
		{"scope that is none", "PUT", "/groups/team/members/bot", "", object{"scope": "king"}, 400, "ERR_BAD_REQUEST"},
		{"same scope", "PUT", "/groups/team/members/bot", "", object{"scope": "participant"}, 400, "ERR_SAME_SCOPE"},
		{"scope by a participant", "PUT", "/groups/team/members/ann", "bot", object{"scope": "participant"}, 403, "ERR_GROUP_NO_ADMIN_SCOPE"},
		{"kick by a participant", "DELETE", "/groups/team/members/ann", "bot", nil, 403, "ERR_GROUP_NO_MODERATOR_SCOPE"},
		{"kick oneself", "DELETE", "/groups/team/members/ann", "ann", nil, 403, "ERR_GROUP_NO_SELF_ACTION"},
		{"scope", "PUT", "/groups/team/members/bot", "ann", object{"scope": "moderator"}, 200, ""},
		{"kick", "DELETE", "/groups/team/members/bot", "ann", nil, 200, ""},
		{"ban", "POST", "/groups/team/bannedusers/Bot", "ann", nil, 200, ""},
		{"ban nobody", "POST", "/groups/team/bannedusers/zed", "ann", nil, 404, "ERR_UID_NOT_FOUND"},
		{"list banned", "GET", "/groups/team/bannedusers", "ann", nil, 200, ""},
		{"unban", "DELETE", "/groups/team/bannedusers/bot", "", nil, 200, ""},
		{"unban again", "DELETE", "/groups/team/bannedusers/bot", "", nil, 404, "ERR_NOT_A_MEMBER"},
		{"add and ban", "POST", "/groups/team/members", "", object{"participants": []string{"bot"}, "usersToBan": []string{"ben"}}, 200, ""},
		{"nothing", "POST", "/groups/team/members", "", object{}, 400, "ERR_BAD_REQUEST"},
	} {
		t.Run(c.name, func(t *testing.T) { a.do(c.method, c.path, c.uid, c.body).want(t, c.status, c.code) })
	}
	must(t, a.Leave("bot", "team"), a.Join("bot", "team"))
	for name, err := range map[string]error{
		"banned": a.Join("ben", "team"), "twice": a.Join("bot", "team"), "not in": a.Leave("ben", "team"), "nobody": a.Join("zed", "team"), "nowhere": a.Leave("ann", "zed"),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	a.awaitAttempts(8)
	want := "group_member_scope_changed group_member_kicked group_member_banned group_member_unbanned group_member_banned group_member_added group_member_left group_member_joined"
	if got := h.triggers(); got != want {
		t.Errorf("triggers %s", got)
	}
	for i, by := range []bool{true, true, true, true, true, true, false, false} {
		if _, has := h.calls()[i]["data"].(object)["by"]; has != by {
			t.Errorf("call %d tells by whom: %v", i, has)
		}
	}
	if actions := len(a.do("GET", "/groups/team/messages?type=groupMember", "", nil).Body["data"].([]any)); actions != 8 {
		t.Errorf("%d action messages", actions)
	}
	scope := a.do("GET", "/groups/team/messages?limit=1", "", nil).Body["data"].([]any)[0].(object)["data"].(object)["extras"]
	if got := fmt.Sprint(scope); got != "map[scope:map[new:moderator old:participant]]" {
		t.Errorf("extras %s", got)
	}
}

func TestGroupTriggers(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	h := newHook(t, nil)
	a.hook(sim.Webhook{ID: "w", URL: h.URL})
	a.do("POST", "/groups", "ann", object{"guid": "x", "name": "X", "type": "public", "members": object{"participants": []string{"ben"}}}).want(t, 200, "")
	a.do("PUT", "/groups/x", "ann", object{"owner": "ben"}).want(t, 200, "")
	a.do("DELETE", "/groups/x", "ben", nil).want(t, 200, "")
	a.awaitAttempts(5)
	if got := h.triggers(); got != "group_created group_member_added group_updated group_owner_transferred group_deleted" {
		t.Errorf("triggers %s", got)
	}
	if err := a.Join("ann", "x"); err == nil {
		t.Error("a deleted group was joined")
	}
}

func TestJoinDemandsAPublicGroup(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	a.do("POST", "/groups", "ann", object{"guid": "p", "name": "P", "type": "private"}).want(t, 200, "")
	if err := a.Join("ben", "p"); err == nil {
		t.Error("a private group was joined")
	}
	a.Close()
	if a.Join("ben", "team") == nil || a.Leave("ann", "team") == nil || a.SetOnline("ann", true) == nil {
		t.Error("something was changed after Close")
	}
}
