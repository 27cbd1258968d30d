package rocketsim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

func update(id, text string) object {
	return object{"roomId": "GENERAL", "msgId": id, "text": text}
}

func TestUpdate(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	id := x.say(in("ann", "one"))
	x.add(time.Second)
	m := x.post("chat.update", "ann", update(id, "two @ben")).ok(t).message()
	if m["msg"] != "two @ben" || m["editedAt"] != "2026-01-02T03:04:07.679Z" || fmt.Sprint(m["editedBy"]) != "map[_id:id-ann username:ann]" ||
		m["ts"] != "2026-01-02T03:04:06.679Z" || m["_updatedAt"] != m["editedAt"] || len(m["mentions"].([]any)) != 1 {
		t.Errorf("edited %v", m)
	}
	x.add(time.Second)
	for _, as := range []string{"ann", "ben"} { // the same text is no change, and so nobody's permission is asked
		if m := x.post("chat.update", as, update(id, "two @ben")).ok(t).message(); m["editedAt"] != "2026-01-02T03:04:07.679Z" || m["_updatedAt"] != m["editedAt"] {
			t.Errorf("the same text again: %v", m)
		}
	}
	if m := x.post("chat.update", "ann", object{"roomId": "GENERAL", "msgId": id, "text": "two @ben", "previewUrls": []string{}}).ok(t).message(); m["editedAt"] == "2026-01-02T03:04:07.679Z" {
		t.Error("previewUrls did not make it an edit")
	}
	if m := x.post("chat.update", "root", update(id, "by root")).ok(t).message(); fmt.Sprint(m["editedBy"]) != "map[_id:id-root username:root]" || m["u"].(object)["username"] != "ann" {
		t.Errorf("an admin's edit %v", m)
	}
}

func TestUpdateRefuses(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	id, secret := x.say(in("ann", "one")), x.say(rocketsim.Say{From: "ann", Room: "TEAM", Text: "secret"})
	editing := object{
		"error": "Message editing not allowed [error-action-not-allowed]", "errorType": "error-action-not-allowed",
		"details": object{"method": "updateMessage", "action": "Message_editing"},
	}
	x.post("chat.update", "ann", update("nothing", "x")).refused(t, 400, object{"error": `No message found with the id of "nothing".`})
	x.post("chat.update", "ann", update(secret, "x")).refused(t, 400, object{"error": "The room id provided does not match where the message is from."})
	x.post("chat.update", "ben", update(id, "x")).refused(t, 400, editing)
	x.post("chat.update", "bot", update(id, "x")).refused(t, 400, editing)
	x.post("chat.update", "ann", update(id, " ")).refused(t, 400, object{
		"error": "Message cannot be empty [error-invalid-message]", "errorType": "error-invalid-message", "details": object{"method": "updateMessage"},
	})
	x.post("chat.update", "ann", object{"roomId": "GENERAL", "msgId": id, "text": "x", "customFields": object{}}).refused(t, 400, object{"error": "Custom fields not enabled"})
	x.Set(func(st *rocketsim.Settings) { st.BlockEditInMinutes, st.CustomFields = 5, true })
	if m := x.post("chat.update", "ann", object{"roomId": "GENERAL", "msgId": id, "text": "one", "customFields": object{"a": "b"}}).ok(t).message(); m["editedAt"] == nil || fmt.Sprint(m["customFields"]) != "map[a:b]" {
		t.Errorf("custom fields %v", m)
	}
	byBot := x.say(in("bot", "by bot"))
	x.add(5 * time.Minute)
	x.post("chat.update", "ann", update(id, "late")).refused(t, 400, object{
		"error": "Message editing is blocked [error-message-editing-blocked]", "errorType": "error-message-editing-blocked",
		"details": object{"method": "updateMessage"},
	})
	x.post("chat.update", "bot", update(byBot, "late")).ok(t) // bots pass the limit of time
	x.Set(func(st *rocketsim.Settings) { st.BlockEditInMinutes, st.NoEditing = 0, true })
	x.post("chat.update", "ann", update(id, "off")).refused(t, 400, editing)
	x.post("chat.update", "root", update(id, "on")).ok(t)
	root := x.say(in("ann", "root"))
	x.say(rocketsim.Say{From: "ben", Thread: root, Text: "reply"})
	must(t, x.DeleteAs("ann", root))
	x.post("chat.update", "root", update(root, "again")).refused(t, 400, editing)
}

// With Message_KeepHistory an edit leaves a hidden copy with another id, in the thread, too.
func TestKeepHistory(t *testing.T) {
	for _, version := range versions() {
		x := newSite(t, rocketsim.Config{Version: version, Settings: rocketsim.Settings{KeepHistory: true}})
		root := x.say(in("ann", "root"))
		id := x.say(rocketsim.Say{From: "ben", Thread: root, Text: "one"})
		x.add(time.Second)
		must(t, x.EditAs("ben", id, "two"))
		thread := x.Thread(root)
		if len(thread) != 2 || thread[0].Text != "two" || !thread[1].Hidden || thread[1].CopyOf != id || thread[1].Text != "one" || len(thread[1].ID) != 24 {
			t.Fatalf("thread %+v", thread)
		}
		if m, _ := x.Message(root); m.Replies != 1 {
			t.Errorf("tcount %d", m.Replies)
		}
		want := map[int]string{7: "two one", 8: "two", 9: "two"}[version]
		r := x.get("chat.getThreadMessages?tmid="+root, "ann").ok(t)
		if got := r.texts("messages"); got != want {
			t.Errorf("%d: thread %q, want %q", version, got, want)
		}
		if version == 7 && (r.at("messages", 1, "_hidden") != true || r.at("messages", 1, "parent") != id) {
			t.Errorf("copy %s", r.Raw)
		}
		if got := x.get("chat.syncThreadMessages?updatedSince=2026-01-01T00:00:00.000Z&tmid="+root, "ann").ok(t).texts("messages", "update"); got != "two one" {
			t.Errorf("%d: synced thread %q", version, got)
		}
		for _, route := range []string{"chat.syncMessages?roomId=GENERAL&lastUpdate=2026-01-02T03:04:06.678Z result updated", "channels.messages?roomId=GENERAL messages"} {
			if got := lookup(x, route); got != "two root" && got != "two root root bot ben ann" {
				t.Errorf("%d: %s shows %q", version, route, got)
			}
		}
	}
	x := newSite(t, rocketsim.Config{HiddenCopies: true, Settings: rocketsim.Settings{KeepHistory: true}})
	root := x.say(in("ann", "root"))
	id := x.say(rocketsim.Say{From: "ben", Thread: root, Text: "one"})
	must(t, x.EditAs("ben", id, "two"))
	if got := x.get("chat.getThreadMessages?tmid="+root, "ann").ok(t).texts("messages"); got != "two one" {
		t.Errorf("with HiddenCopies %q", got)
	}
}

// lookup reads the texts at the path behind a route.
func lookup(x *site, route string) string {
	var at []any
	parts := strings.Fields(route)
	for _, p := range parts[1:] {
		at = append(at, p)
	}
	return x.get(parts[0], "ann").ok(x.t).texts(at...)
}

func remove(id string) object { return object{"roomId": "GENERAL", "msgId": id} }

func TestDelete(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	id := x.say(in("ann", "one"))
	x.add(time.Second)
	r := x.post("chat.delete", "ann", remove(id)).ok(t)
	if r.Body["_id"] != id || r.Body["ts"] != "1767323047679" || fmt.Sprint(r.at("message")) != fmt.Sprintf("map[_id:%s rid:GENERAL u:map[_id:id-ann name:ann username:ann]]", id) {
		t.Errorf("answer %s", r.Raw)
	}
	if x.count("GENERAL") != 0 {
		t.Error("it is still there")
	}
	x.get("chat.getMessage?msgId="+id, "ann").refused(t, 400, nil)
	x.post("chat.delete", "ann", remove(id)).refused(t, 400, object{"error": fmt.Sprintf("No message found with the id of %q.", id)})
}

func TestDeletePermissions(t *testing.T) {
	no := object{"error": "Not allowed [error-action-not-allowed]", "errorType": "error-action-not-allowed"}
	x := newSite(t, rocketsim.Config{})
	_, err := x.AddUser(rocketsim.User{ID: "id-pure", Username: "pure", Roles: []string{"bot"}, Token: "token-pure"})
	must(t, err, x.Join("pure", "GENERAL"))
	for name, c := range map[string]struct {
		by, as string
		asUser bool
		want   object // nil succeeds
	}{
		"own":                    {"ann", "ann", false, nil},
		"own as oneself":         {"ann", "ann", true, nil},
		"another's":              {"ann", "ben", false, no},
		"admin's":                {"ann", "root", false, nil},
		"admin's as user":        {"ann", "root", true, nil},
		"a bot's that is a user": {"bot", "bot", false, nil},
		"a bot's":                {"pure", "pure", false, no},
		"admin's as the bot":     {"pure", "root", true, no}, // for then the bot's own permission counts
		"another's as user": {"ann", "ben", true, object{
			"error": `Unauthorized. You must have the permission "force-delete-message" to delete other's message as them.`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			id := x.say(in(c.by, name))
			body := remove(id)
			if c.asUser {
				body["asUser"] = true
			}
			r := x.post("chat.delete", c.as, body)
			if c.want == nil {
				r.ok(t)
				return
			}
			r.refused(t, 400, c.want)
		})
	}
	id := x.say(in("ann", "old"))
	x.add(11 * time.Minute)
	x.Set(func(st *rocketsim.Settings) { st.BlockDeleteInMinutes = 10 })
	x.post("chat.delete", "ann", remove(id)).refused(t, 400, no)
	x.Set(func(st *rocketsim.Settings) { st.BlockDeleteInMinutes, st.NoDeleting = 0, true })
	x.post("chat.delete", "ann", remove(id)).refused(t, 400, no)
	x.post("chat.delete", "root", remove(id)).ok(t)
	secret := x.say(rocketsim.Say{From: "ann", Room: "TEAM", Text: "secret"})
	x.post("chat.delete", "ann", remove(secret)).refused(t, 400, object{"error": "The room id provided does not match where the message is from."})
}

// What stays of a deleted message: nothing, a row of the type rm, or a hidden message that no list of deletions tells of.
func TestWhatStaysOfDeletedMessages(t *testing.T) {
	for name, c := range map[string]struct {
		settings        rocketsim.Settings
		replies         int
		rows            string // of the room, with types and h for hidden
		deleted, listed int
	}{
		"nothing":            {rocketsim.Settings{}, 0, "", 1, 0},
		"a root's row":       {rocketsim.Settings{}, 1, "rm: :h:one :reply", 0, 2},
		"row":                {rocketsim.Settings{ShowDeletedStatus: true}, 0, "rm:", 0, 1},
		"row and copy":       {rocketsim.Settings{ShowDeletedStatus: true, KeepHistory: true}, 0, "rm: :h:one", 0, 1},
		"hidden":             {rocketsim.Settings{KeepHistory: true}, 0, ":h:one", 0, 0},
		"a root with copies": {rocketsim.Settings{KeepHistory: true}, 1, "rm: :h:one :reply", 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			x := newSite(t, rocketsim.Config{Settings: c.settings})
			id := x.say(in("ann", "one"))
			for range c.replies {
				x.say(rocketsim.Say{From: "ben", Thread: id, Text: "reply"})
			}
			must(t, x.ReactAs("ben", id, "heart", true))
			x.add(time.Second)
			must(t, x.DeleteAs("ann", id))
			rows := ""
			for i, m := range x.Messages("GENERAL")[4:] {
				hidden := map[bool]string{true: "h:"}[m.Hidden]
				rows += map[bool]string{true: " "}[i > 0] + m.Type + ":" + hidden + m.Text
			}
			if rows != c.rows {
				t.Errorf("rows %q, want %q", rows, c.rows)
			}
			r := x.get("chat.syncMessages?roomId=GENERAL&lastUpdate=2026-01-02T03:04:06.678Z", "ann").ok(t)
			if got := len(r.at("result", "deleted").([]any)); got != c.deleted {
				t.Errorf("%d deletions: %s", got, r.Raw)
			}
			if got := len(r.at("result", "updated").([]any)); got != c.listed {
				t.Errorf("%d updates: %s", got, r.Raw)
			}
		})
	}
}

func TestTombstone(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	id := x.say(rocketsim.Say{From: "ann", Room: "GENERAL", Text: "one @ben https://example.org", Attachments: []map[string]any{{"text": "x"}}})
	reply := x.say(rocketsim.Say{From: "ben", Thread: id, Text: "reply"})
	must(t, x.ReactAs("ben", id, "heart", true))
	x.add(time.Second)
	must(t, x.DeleteAs("root", id))
	m := x.get("chat.getMessage?msgId="+id, "ann").ok(t).message()
	for key, want := range map[string]string{
		"t": "rm", "msg": "", "urls": "[]", "mentions": "[]", "attachments": "[]", "reactions": "map[]", "editedAt": "2026-01-02T03:04:07.680Z",
		"editedBy": "map[_id:id-root username:root]", "tcount": "1", "md": "<nil>", "_id": id,
	} {
		if fmt.Sprint(m[key]) != want {
			t.Errorf("%s is %v, want %s", key, m[key], want)
		}
	}
	if got := x.get("chat.getThreadMessages?tmid="+id, "ann").ok(t).ids("messages"); got != reply {
		t.Errorf("replies %q", got)
	}
	// Without replies it can go for good, and its thread is then no thread.
	other := x.say(in("ann", "other"))
	lost := x.say(rocketsim.Say{From: "ben", Thread: other, Text: "lost"})
	must(t, x.DeleteAs("ben", lost), x.DeleteAs("ann", other))
	x.get("chat.getThreadMessages?tmid="+other, "ann").refused(t, 400, object{"error": "Invalid Message [error-invalid-message]", "errorType": "error-invalid-message"})
}

func TestReact(t *testing.T) {
	x := newSite(t, rocketsim.Config{CustomEmoji: []string{"partyparrot"}})
	id := x.say(in("ann", "one"))
	look := func() string {
		return fmt.Sprint(x.get("chat.getMessage?msgId="+id, "ann").ok(t).message()["reactions"])
	}
	for _, c := range []struct {
		as   string
		body object
		want string
	}{
		{"ben", object{"emoji": "smile"}, "map[:smile::map[usernames:[ben]]]"},
		{"ann", object{"emoji": ":smile:", "shouldReact": true}, "map[:smile::map[usernames:[ben ann]]]"},
		{"ann", object{"reaction": "smile", "shouldReact": true}, "map[:smile::map[usernames:[ben ann]]]"},
		{"ben", object{"emoji": "smile"}, "map[:smile::map[usernames:[ann]]]"}, // without shouldReact it toggles
		{"ben", object{"emoji": "smile", "shouldReact": false}, "map[:smile::map[usernames:[ann]]]"},
		{"ben", object{"emoji": "partyparrot", "shouldReact": true}, "map[:partyparrot::map[usernames:[ben]] :smile::map[usernames:[ann]]]"},
		{"ann", object{"emoji": "smile", "shouldReact": false}, "map[:partyparrot::map[usernames:[ben]]]"},
		{"ben", object{"emoji": ":partyparrot:", "shouldReact": nil}, "<nil>"},
	} {
		c.body["messageId"] = id
		x.post("chat.react", c.as, c.body).ok(t)
		if got := look(); got != c.want {
			t.Errorf("%v by %s: %s, want %s", c.body, c.as, got, c.want)
		}
	}
	for _, emoji := range []string{"nosuchemoji", "👍", ":", "smile\n"} {
		x.post("chat.react", "ben", object{"messageId": id, "emoji": emoji, "shouldReact": true}).refused(t, 400, object{
			"error": "Invalid emoji provided. [error-not-allowed]", "errorType": "error-not-allowed", "details": object{"method": "setReaction"},
		})
	}
	x.post("chat.react", "ben", object{"messageId": "nothing", "emoji": "smile"}).refused(t, 400, object{
		"error": `The provided "messageId" does not match any existing message. [error-message-not-found]`, "errorType": "error-message-not-found",
	})
	x.post("chat.react", "ben", object{"messageId": id, "emoji": ""}).refused(t, 400, object{
		"error": `The required "emoji" param is missing. [error-emoji-param-not-provided]`, "errorType": "error-emoji-param-not-provided",
	})
}
