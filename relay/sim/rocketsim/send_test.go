package rocketsim_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

func TestSentMessage(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	m := x.sendMessage("ann", object{"rid": "GENERAL", "msg": "hello @ben, see #general https://example.org/a?b"}).ok(t).message()
	id, _ := m["_id"].(string)
	if len(id) != 24 || strings.Trim(id, "0123456789abcdef") != "" {
		t.Errorf("id %q, want 24 hexadecimal digits", id)
	}
	for key, want := range map[string]any{
		"rid": "GENERAL", "msg": "hello @ben, see #general https://example.org/a?b", "ts": "2026-01-02T03:04:06.678Z",
		"_updatedAt": "2026-01-02T03:04:06.678Z", "u": object{"_id": "id-ann", "username": "ann", "name": "ann"}, "tmid": nil, "alias": nil,
		"mentions": []any{object{"_id": "id-ben", "username": "ben", "name": "ben", "type": "user"}},
		"channels": []any{object{"_id": "GENERAL", "name": "general"}}, "attachments": nil, "t": nil, "tcount": nil, "editedAt": nil,
		"urls": []any{object{"url": "https://example.org/a?b", "meta": object{}}},
	} {
		if !reflect.DeepEqual(m[key], want) {
			t.Errorf("%s is %v, want %v", key, m[key], want)
		}
	}
	if m["md"] == nil {
		t.Error("no md")
	}
	got := x.get("chat.getMessage?msgId="+id, "ben").ok(t).message()
	if !reflect.DeepEqual(got, m) {
		t.Errorf("read %v, sent %v", got, m)
	}
}

func TestMentions(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	for text, want := range map[string]string{
		"@ben @ben @nobody": "[ben]", "a@ben": "[]", "`@ben`": "[]", "```\n@ben\n``` >@ann": "[ann]", "@all @here": "[all here]", "": "[]",
	} {
		var names []any
		m := x.sendMessage("ann", object{"rid": "GENERAL", "msg": text + " x"}).ok(t).message()
		for _, one := range m["mentions"].([]any) {
			names = append(names, one.(object)["username"])
		}
		if fmt.Sprint(names) != want {
			t.Errorf("%q names %v, want %s", text, names, want)
		}
	}
	if m := x.sendMessage("bot", object{"rid": "GENERAL", "msg": "@all"}).ok(t).message(); len(m["mentions"].([]any)) != 1 {
		t.Errorf("a bot that is a user, too: %v", m["mentions"])
	}
	_, err := x.AddUser(rocketsim.User{ID: "id-pure", Username: "pure", Roles: []string{"bot"}, Token: "token-pure"})
	must(t, err)
	must(t, x.SetRoles("pure", "bot", "user"))
	if m := x.sendMessage("pure", object{"rid": "GENERAL", "msg": "@all"}).ok(t).message(); len(m["mentions"].([]any)) != 1 {
		t.Errorf("with the role user, too: %v", m["mentions"])
	}
	must(t, x.SetRoles("id-pure", "bot"))
	if m := x.sendMessage("pure", object{"rid": "GENERAL", "msg": "@all"}).ok(t).message(); len(m["mentions"].([]any)) != 0 {
		t.Errorf("a bot alone: %v", m["mentions"])
	}
}

// RC issue 23264: the server keeps keys that it does not know; those of its own it sets itself.
func TestUnknownKeysAreKept(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	x.sendMessage("ann", object{
		"_id": "m", "rid": "GENERAL", "msg": "x", "bot": object{"i": "relay"}, "threadrelay": object{"n": 12345678901234567, "s": []any{"a"}},
		"u": object{"_id": "id-root"}, "_updatedAt": "2020-01-01T00:00:00.000Z", "mentions": []any{1}, "alias": nil, "emoji": ":tea:",
	}).ok(t)
	r := x.get("chat.getMessage?msgId=m", "ben").ok(t)
	m := r.message()
	if fmt.Sprint(m["bot"]) != "map[i:relay]" || !strings.Contains(r.Raw, `"threadrelay":{"n":12345678901234567,"s":["a"]}`) || m["emoji"] != ":tea:" {
		t.Errorf("kept %s", r.Raw)
	}
	if _, has := m["alias"]; has || r.at("message", "u", "_id") != "id-ann" || m["_updatedAt"] != "2026-01-02T03:04:06.678Z" || len(m["mentions"].([]any)) != 0 {
		t.Errorf("set %s", r.Raw)
	}
}

// RC issues 16291 and 14945: the answer to a repeat is a fault of the server's own, and nothing is stored twice.
func TestChosenIDs(t *testing.T) {
	twice := object{"error": "Cannot read properties of undefined (reading 'starred')"}
	for _, version := range versions() {
		x := newSite(t, rocketsim.Config{Version: version})
		if m := x.sendMessage("ann", object{"_id": "chosen", "rid": "GENERAL", "msg": "one"}).ok(t).message(); m["_id"] != "chosen" {
			t.Errorf("id %v", m["_id"])
		}
		x.sendMessage("ann", object{"_id": "chosen", "rid": "GENERAL", "msg": "one"}).refused(t, 400, twice)
		x.sendMessage("bot", object{"_id": "chosen", "rid": "TEAM", "msg": "elsewhere"}).refused(t, 400, twice)
		if m, _ := x.Message("chosen"); m.Text != "one" || m.Room != "GENERAL" || x.count("GENERAL") != 1 || x.count("TEAM") != 0 {
			t.Errorf("stored %+v", m)
		}
		must(t, x.DeleteAs("ann", "chosen"))
		x.sendMessage("ann", object{"_id": "chosen", "rid": "GENERAL", "msg": "again"}).ok(t) // the trash does not count
		_, err := x.Say(rocketsim.Say{From: "ann", Room: "GENERAL", Text: "x", ID: "chosen"})
		if err == nil {
			t.Error("a person took a taken id")
		}
	}
}

func TestRefusedMessages(t *testing.T) {
	text := func(s string) object { return object{"error": s} }
	in := func(method string) object { return object{"method": method} }
	const long = 5001
	for name, c := range map[string]struct {
		as      string
		message object
		want    object
		since   int
	}{
		"no room":         {"ann", object{"msg": "x"}, text("The 'rid' property on the message object is missing."), 0},
		"unknown room":    {"ann", object{"rid": "nowhere", "msg": "x"}, text("error-invalid-room"), 0},
		"a room's name":   {"ann", object{"rid": "#general", "msg": "x"}, text("error-invalid-room"), 0},
		"not a member":    {"ben", object{"rid": "TEAM", "msg": "x"}, text("error-not-allowed"), 0},
		"somebody's chat": {"ben", object{"rid": "id-annid-bot", "msg": "x"}, text("error-not-allowed"), 0},
		"alias":           {"ann", object{"rid": "GENERAL", "msg": "x", "alias": "Bob"}, text("Not enough permission"), 0},
		"avatar":          {"ann", object{"rid": "GENERAL", "msg": "x", "avatar": "https://example.org/a.png"}, text("Not enough permission"), 0},
		"admin's alias":   {"root", object{"rid": "GENERAL", "msg": "x", "alias": "Bob"}, text("Not enough permission"), 0},
		"avatar script":   {"bot", object{"rid": "GENERAL", "msg": "x", "avatar": "javascript:x"}, text("Invalid href value provided"), 0},
		"system type":     {"ann", object{"rid": "GENERAL", "msg": "x", "t": "uj"}, text("Cannot send system messages using 'chat.sendMessage'"), 0},
		"livechat type":   {"ann", object{"rid": "GENERAL", "t": "livechat-close"}, text("Cannot send system messages using 'chat.sendMessage'"), 0},
		"custom fields":   {"ann", object{"rid": "GENERAL", "msg": "x", "customFields": object{"a": 1}}, text("Custom fields not enabled"), 0},
		"tshow alone": {"ann", object{"rid": "GENERAL", "msg": "x", "tshow": true},
			object{"error": "tshow provided but missing tmid [invalid-params]", "errorType": "invalid-params", "details": in("sendMessage")}, 0},
		"too long": {"ann", object{"rid": "GENERAL", "msg": strings.Repeat("x", long)}, object{
			"error": "Message size exceeds Message_MaxAllowedSize [error-message-size-exceeded]", "errorType": "error-message-size-exceeded",
			"details": in("sendMessage"),
		}, 0},
		"empty": {"ann", object{"rid": "GENERAL", "msg": " \x00\n"},
			object{"error": "Message cannot be empty [error-invalid-message]", "errorType": "error-invalid-message", "details": in("sendMessage")}, 8},
		"far ts": {"ann", object{"rid": "GENERAL", "msg": "x", "ts": "2026-01-02T03:06:06.678Z"}, object{
			"error": "Message timestamp is out of sync [error-message-ts-out-of-sync]", "errorType": "error-message-ts-out-of-sync",
			"details": in("sendMessage"),
		}, 0},
		"attachment's colour": {"ann", object{"rid": "GENERAL", "msg": "x", "attachments": []any{object{"color": 5}}},
			text("Match error: Expected string, got number in field color"), 0},
		"attachment's link": {"ann", object{"rid": "GENERAL", "msg": "x", "attachments": []any{object{"title_link": "x.html"}}},
			text("Invalid href value provided"), 0},
		"attachment's script": {"ann", object{"rid": "GENERAL", "attachments": []any{object{"image_url": "JavaScript:alert(1)"}}},
			text("Invalid href value provided"), 0},
		"attachment's field": {"ann", object{"rid": "GENERAL", "attachments": []any{object{"fields": []any{object{"title": "x", "value": ""}}}}},
			text("Invalid attachment field, title and value is required"), 0},
		"attachment's flag": {"ann", object{"rid": "GENERAL", "attachments": []any{object{"collapsed": "yes"}}},
			text("Match error: Expected boolean, got string in field collapsed"), 0},
	} {
		for _, version := range versions() {
			if version < c.since {
				continue
			}
			t.Run(fmt.Sprint(name, version), func(t *testing.T) {
				x := newSite(t, rocketsim.Config{Version: version})
				x.sendMessage(c.as, c.message).refused(t, 400, c.want)
				if x.count("GENERAL")+x.count("TEAM") != 0 {
					t.Error("it was stored")
				}
			})
		}
	}
	old := newSite(t, rocketsim.Config{Version: 7})
	old.sendMessage("ann", object{"rid": "GENERAL"}).ok(t) // 7 takes empty ones
}

func TestAllowedMessages(t *testing.T) {
	x := newSite(t, rocketsim.Config{Settings: rocketsim.Settings{CustomFields: true}})
	for name, c := range map[string]struct {
		as      string
		message object
	}{
		"5000 units":      {"ann", object{"msg": strings.Repeat("😀", 2500)}},
		"a bot's alias":   {"bot", object{"msg": "x", "alias": "Ann of CometChat", "avatar": "https://example.org/a.png"}},
		"relative avatar": {"bot", object{"msg": "x", "avatar": "/avatar/ann"}},
		"attachments":     {"ann", object{"attachments": []any{object{"text": "x", "fields": []any{object{"title": "a", "value": 1, "short": true}}}}}},
		"blocks":          {"ann", object{"blocks": []any{object{"type": "divider"}}}},
		"custom fields":   {"ann", object{"msg": "x", "customFields": object{"a": 1}}},
		"unjoined":        {"sue", object{"msg": "x"}},
		"other type":      {"ann", object{"msg": "x", "t": "mine"}},
	} {
		c.message["rid"] = "GENERAL"
		x.sendMessage(c.as, c.message).ok(t)
		_ = name
	}
	x.sendMessage("ann", object{"rid": "GENERAL", "msg": strings.Repeat("😀", 2500) + "x"}).refused(t, 400, object{
		"error": "Message size exceeds Message_MaxAllowedSize [error-message-size-exceeded]", "errorType": "error-message-size-exceeded",
		"details": object{"method": "sendMessage"},
	})
	m := x.sendMessage("ann", object{"rid": "GENERAL", "msg": "a\x00b"}).ok(t).message()
	if m["msg"] != "ab" {
		t.Errorf("NUL: %q", m["msg"])
	}
	x.Set(func(st *rocketsim.Settings) { st.MaxAllowedSize, st.NoAccessToUnjoinedRoom = 1, true })
	if r := x.sendMessage("ann", object{"rid": "GENERAL", "msg": "ab"}); r.Status != 400 {
		t.Errorf("smaller limit: %s", r.Raw)
	}
	x.sendMessage("sue", object{"rid": "GENERAL", "msg": "x"}).refused(t, 400, object{"error": "error-not-allowed"})
	_, err := x.AddRoom(rocketsim.Room{ID: "NEWS", Name: "news", ReadOnly: true, Members: []string{"ben", "ann"}})
	must(t, err)
	x.sendMessage("ann", object{"rid": "NEWS", "msg": "x"}).refused(t, 400, object{"error": "You can't send messages because the room is readonly."})
	x.sendMessage("ben", object{"rid": "NEWS", "msg": "x"}).ok(t)
}

// A ts near the server's time is kept as it was written, and then no query by ts finds the message.
func TestOwnTimestamps(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	for ts, want := range map[string]string{
		"2026-01-02T03:04:00.000Z": "2026-01-02T03:04:00.000Z", "2026-01-02T03:03:50.000Z": "2026-01-02T03:04:06.678Z", "no time": "no time",
	} {
		if m := x.sendMessage("ann", object{"rid": "GENERAL", "msg": "x", "ts": ts}).ok(t).message(); m["ts"] != want {
			t.Errorf("%s became %v, want %s", ts, m["ts"], want)
		}
	}
	x.add(time.Second)
	if got := len(x.get("channels.history?roomId=GENERAL", "ann").ok(t).at("messages").([]any)); got != 5 { // 4 joined
		t.Errorf("%d messages in the history", got)
	}
	if got := x.get("channels.messages?roomId=GENERAL", "ann").ok(t).at("total"); got != 7.0 {
		t.Errorf("%v messages in the room", got)
	}
}

func TestThreadsAreOneLevelDeep(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	root := x.say(in("ann", "root"))
	reply := x.sendMessage("ben", object{"rid": "GENERAL", "msg": "reply", "tmid": root}).ok(t).message()
	deep := x.sendMessage("bot", object{"rid": "GENERAL", "msg": "deep", "tmid": reply["_id"], "tshow": true}).ok(t).message()
	if reply["tmid"] != root || deep["tmid"] != root || deep["tshow"] != true || reply["tshow"] != nil {
		t.Errorf("reply %v, deep %v", reply, deep)
	}
	// The parent's room wins over the one that was given, and nobody gets into a room that way.
	secret := x.say(rocketsim.Say{From: "ann", Room: "TEAM", Text: "secret"})
	if m := x.sendMessage("bot", object{"rid": "GENERAL", "msg": "moved", "tmid": secret}).ok(t).message(); m["rid"] != "TEAM" {
		t.Errorf("moved %v", m)
	}
	x.sendMessage("ben", object{"rid": "GENERAL", "msg": "spy", "tmid": secret}).refused(t, 400, object{"error": "error-not-allowed"})
	if m := x.sendMessage("bot", object{"msg": "no rid", "tmid": secret}).ok(t).message(); m["rid"] != "TEAM" {
		t.Errorf("without rid %v", m)
	}
	// A parent that does not exist is taken as it is.
	if m := x.sendMessage("ann", object{"rid": "GENERAL", "msg": "orphan", "tmid": "nothing"}).ok(t).message(); m["tmid"] != "nothing" {
		t.Errorf("orphan %v", m)
	}
	x.Set(func(st *rocketsim.Settings) { st.NoThreads = true })
	x.sendMessage("ann", object{"rid": "GENERAL", "msg": "x", "tmid": root}).refused(t, 400, object{
		"error": "not-allowed [error-not-allowed]", "errorType": "error-not-allowed", "details": object{"method": "sendMessage"},
	})
}

func TestRootBookkeeping(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	root := x.say(in("ann", "root"))
	look := func() string {
		m := x.get("chat.getMessage?msgId="+root, "ann").ok(t).message()
		return fmt.Sprintf("%v %v %v %v", m["tcount"], m["tlm"], m["replies"], m["_updatedAt"])
	}
	if got := look(); got != "<nil> <nil> <nil> 2026-01-02T03:04:06.679Z" {
		t.Errorf("before: %s", got)
	}
	first := x.say(rocketsim.Say{From: "ben", Thread: root, Text: "first"})
	if got := look(); got != "1 2026-01-02T03:04:06.680Z [id-ann id-ben] 2026-01-02T03:04:06.680Z" {
		t.Errorf("one reply: %s", got)
	}
	x.say(rocketsim.Say{From: "ben", Thread: root, Text: "for @bot and @sue"})
	if got := look(); got != "2 2026-01-02T03:04:06.681Z [id-ann id-ben id-bot] 2026-01-02T03:04:06.681Z" { // sue is not in the room
		t.Errorf("two replies: %s", got)
	}
	x.add(time.Millisecond)
	must(t, x.EditAs("ben", first, "edited"))
	if got := look(); got != "2 2026-01-02T03:04:06.681Z [id-ann id-ben id-bot] 2026-01-02T03:04:06.681Z" {
		t.Errorf("an edit: %s", got)
	}
	must(t, x.DeleteAs("ben", first))
	if got := look(); got != "1 2026-01-02T03:04:06.681Z [id-ann id-ben id-bot] 2026-01-02T03:04:06.682Z" {
		t.Errorf("a deletion: %s", got)
	}
	x.add(time.Millisecond)
	x.post("chat.followMessage", "root", object{"mid": x.Thread(root)[0].ID}).ok(t) // a reply leads to its root
	x.post("chat.unfollowMessage", "ann", object{"mid": root}).ok(t)
	if got := look(); got != "1 2026-01-02T03:04:06.681Z [id-ben id-bot id-root] 2026-01-02T03:04:06.683Z" {
		t.Errorf("followers: %s", got)
	}
}
