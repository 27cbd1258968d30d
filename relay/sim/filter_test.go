package sim_test

import (
	"fmt"
	"testing"

	"github.com/threadrelay/threadrelay/relay/sim"
)

// filterApp has one message of each kind that a filter can tell.
func filterApp(t *testing.T, cfg sim.CometChatConfig) *app {
	t.Helper()
	cfg.Now = clock()
	a := newApp(t, cfg)
	picture := object{"attachments": []any{object{"url": "https://x.example/p.png", "mimeType": "image/png", "name": "p"}}}
	paper := object{"attachments": []any{object{"url": "https://x.example/p.pdf", "mimeType": "application/pdf", "name": "p"}}}
	place := object{"customData": object{"x": 1}}
	a.say(sim.Say{From: "ann", ToUser: "bot", Text: "plain"})                                       // 1
	a.say(sim.Say{From: "ann", ToUser: "bot", Type: "image", Data: picture})                        // 2
	a.say(sim.Say{From: "bot", ToUser: "ann", Type: "file", Data: paper})                           // 3
	a.say(sim.Say{From: "ann", ToUser: "bot", Category: "custom", Type: "place", Data: place})      // 4
	a.say(sim.Say{From: "ann", ToUser: "bot", Text: "hi <@uid:Bot>"})                               // 5
	a.say(sim.Say{From: "ann", ToUser: "bot", Text: "tagged", Tags: []string{"red", "blue"}})       // 6
	a.say(sim.Say{From: "bot", Parent: "1", Text: "reply"})                                         // 7
	a.say(sim.Say{From: "ann", ToUser: "bot", Text: "gone"})                                        // 8
	a.say(sim.Say{From: "ann", ToUser: "bot", Text: "liked"})                                       // 9
	a.say(sim.Say{From: "ann", ToGroup: "team", Text: "to all <@uid:ben>"})                         // 10
	a.say(sim.Say{From: "ben", ToUser: "ann", Type: "audio", Data: object{"url": "https://x/a.m"}}) // 11
	must(t, a.Delete("ann", "8"), a.React("bot", "9", "👍"))                                         // action 12
	return a
}

func TestFilters(t *testing.T) {
	a := filterApp(t, sim.CometChatConfig{})
	a.do("POST", "/users/ann/blockedusers", "", object{"blockedUids": []string{"ben"}}).want(t, 200, "")
	for _, c := range []struct{ path, uid, want string }{
		{"/messages?hasAttachments=true", "", "[2 3 11]"},
		{"/messages?attachmentTypes=image", "", "[2]"},
		{"/messages?attachmentTypes=file,audio", "", "[3 11]"},
		{"/messages?category=custom", "", "[4]"},
		{"/messages?categories=custom,action&limit=5", "", "[4 12]"},
		{"/messages?type=place&type=image", "", "[2 4]"},
		{"/messages?types[]=place&types[]=file", "", "[3 4]"},
		{"/messages?hasMentions=true", "", "[5 10]"},
		{"/messages?mentionedUids=BOT,zed", "", "[5]"},
		{"/messages?hasReactions=1", "", "[9]"},
		{"/messages?tags=red,green", "", "[6]"},
		{"/messages?hideReplies=true&hideDeleted=true&limit=20", "", "[1 2 3 4 5 6 9 10 11 12]"},
		{"/messages?onlyDeleted=true", "", "[8]"},
		{"/messages?receiverType=group", "", "[10]"},
		{"/messages?sender=BEN", "", "[11]"},
		{"/messages?sender=ann&limit=3", "", "[1 2 4]"},
		{"/messages?sender=ann&conversationId=group_team", "", "[10]"},
		{"/messages?conversationId=GROUP_TEAM", "ben", "[]"},
		{"/messages?sender=ann", "ben", "[]"},
		{"/messages?hideMessagesFromBlockedUsers=true&id=9", "ann", "[10 12]"},
		{"/messages?searchKey=PLA", "", "[1]"},
		{"/messages?toTimestamp=1", "", "[1 2 3 4 5 6 7 8 9 10]"}, // counts only with fromTimestamp
		{"/users/bot/messages?myMentionsOnly=true", "bot", "[]"},
		{"/users/ann/messages?myMentionsOnly=true", "bot", "[5]"},
		{"/users/ann/messages?hideDeleted=true&receiverType=group&id=9", "bot", "[1 2 3 4 5 6 7 8]"}, // which it does not know
		{"/groups/team/messages?hasMentions=true&onlyDeleted=true", "bot", "[10]"},
		{"/messages/1/thread?perPage=5", "", "[7]"},
		{"/messages/1/thread?affix=append&id=7", "", "[]"},
	} {
		if got := a.do("GET", c.path, c.uid, nil).want(t, 200, "").ids(); got != c.want {
			t.Errorf("%s as %q: %s, want %s", c.path, c.uid, got, c.want)
		}
	}
}

func TestTagsAndMentionsAreToldOnRequest(t *testing.T) {
	a := filterApp(t, sim.CometChatConfig{})
	a.do("PUT", "/users/bot", "", object{"tags": []string{"robot"}}).want(t, 200, "")
	a.do("POST", "/users/bot/blockedusers", "", object{"blockedUids": []string{"ann"}}).want(t, 200, "")
	row := func(query, uid string) object {
		return a.do("GET", "/messages?limit=1&"+query, uid, nil).want(t, 200, "").Body["data"].([]any)[0].(object)
	}
	mention := func(query string) object {
		return row(query+"&id=4", "ann")["data"].(object)["mentions"].(object)["bot"].(object)
	}
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"without tags", row("id=5", "")["tags"], nil},
		{"with tags", row("id=5&withTags=true", "")["tags"], []any{"red", "blue"}},
		{"mention alone", mention("")["tags"], nil},
		{"mention with tags", mention("mentionsWithTagInfo=true")["tags"], []any{"robot"}},
		{"the other spelling", mention("mentionswithTagInfo=true")["tags"], []any{"robot"}},
		{"mention with blocks", mention("mentionsWithBlockedInfo=true")["hasBlockedMe"], true},
		{"and the other way", mention("mentionsWithBlockedInfo=true")["blockedByMe"], false},
	} {
		if fmt.Sprint(c.got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestNewestFirst(t *testing.T) {
	a := filterApp(t, sim.CometChatConfig{NewestFirst: true})
	for path, want := range map[string]string{
		"/messages?limit=3":                     "[3 2 1]",
		"/messages?limit=3&affix=prepend&id=6":  "[5 4 3]",
		"/users/ben/messages":                   "[11]",
		"/messages?limit=2&affix=append&id=10":  "[12 11]",
		"/messages?limit=3&page=2&affix=append": "[6 5 4]",
	} {
		r := a.do("GET", path, "", nil).want(t, 200, "")
		if r.ids() != want {
			t.Errorf("%s: %s, want %s", path, r.ids(), want)
		}
	}
	meta := a.do("GET", "/messages?limit=3", "", nil).Body["meta"].(object)["next"].(object)
	if meta["id"] != "3" {
		t.Errorf("the next page starts behind %v", meta["id"])
	}
}

func TestUnread(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{Now: clock()})
	for _, to := range []sim.Say{{ToUser: "bot"}, {ToUser: "bot"}, {ToGroup: "team"}, {ToUser: "ben"}} {
		to.From, to.Text = "ann", "x"
		a.say(to)
	}
	must(t, a.Read("bot", "1"))
	counts := func(path string) string {
		var out []any
		for _, row := range a.do("GET", path, "bot", nil).want(t, 200, "").Body["data"].([]any) {
			o := row.(object)
			out = append(out, fmt.Sprint(o["entityType"], "/", o["entityId"], "=", o["count"]))
		}
		return fmt.Sprint(out)
	}
	for path, want := range map[string]string{
		"/messages?unread=true&count=true":           "[group/team=1 user/ann=1]",
		"/messages?count=true":                       "[group/team=1 user/ann=1]",
		"/users/ann/messages?unread=true&count=true": "[user/ann=1]",
		"/users/ben/messages?unread=true&count=true": "[]",
		"/groups/team/messages?count=true":           "[group/team=1]",
		"/messages?count=1&receiverType=group":       "[group/team=1]",
	} {
		if got := counts(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	for _, path := range []string{"/messages?count=true", "/users/ann/messages?count=true", "/groups/team/messages?count=true"} {
		a.do("GET", path, "", nil).want(t, 400, "ERR_BAD_REQUEST")
	}
	for path, want := range map[string]string{"unread=true": "[2]", "undelivered=true": "[2]"} {
		if got := a.do("GET", "/users/ann/messages?"+path, "bot", nil).ids(); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	must(t, a.Deliver("bot", "2"))
	if got := a.do("GET", "/users/ann/messages?undelivered=true", "bot", nil).ids(); got != "[]" {
		t.Errorf("undelivered %s", got)
	}
}
