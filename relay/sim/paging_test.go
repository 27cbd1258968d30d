package sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim"
)

// clock gives a new second at each reading.
func clock() func() time.Time {
	at := time.Unix(1700000000, 0)
	return func() time.Time { at = at.Add(time.Second); return at }
}

func TestCursorPaging(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{Now: clock()})
	for i := range 12 {
		a.say(sim.Say{From: "ann", ToUser: []string{"bot", "ben"}[i%2], Text: fmt.Sprint("m", i+1)})
	}
	third := a.Messages()[2].SentAt.Unix()
	a.say(sim.Say{From: "bot", Parent: "1", Text: "reply https://example.org"})
	if _, err := a.Edit("ann", "2", "new"); err != nil { // action message 14
		t.Fatal(err)
	}
	for _, c := range []struct{ query, uid, want string }{
		{"", "", "[1 2 3 4 5 6 7 8 9 10]"},
		{"?limit=3", "", "[1 2 3]"},
		{"?perPage=2&page=2", "", "[3 4]"},
		{"?per_page=2", "", "[1 2]"},
		{"?affix=append&id=10&limit=100", "", "[11 12 13 14]"},
		{"?affix=append&id=14", "", "[]"},
		{"?affix=prepend&limit=3", "", "[12 13 14]"},
		{"?affix=prepend&id=4&limit=2", "", "[2 3]"},
		{"?affix=append&limit=2&sentAt=" + fmt.Sprint(third), "", "[4 5]"},
		{"?affix=prepend&limit=2&sentAt=" + fmt.Sprint(third), "", "[1 2]"},
		{"?limit=5000&id=11", "", "[12 13 14]"},
		{"?limit=20", "bot", "[1 3 5 7 9 11 13]"},
		{"?id=10&hideReplies=true", "", "[11 12 14]"},
		{"?category=action", "", "[14]"},
		{"?categories=action,custom", "", "[14]"},
		{"?sender=bot", "", "[13]"},
		{"?hasLinks=true", "", "[13]"},
		{"?searchKey=M11", "", "[11]"},
		{"?conversationId=ann_user_bot&id=9", "", "[11 13]"},
		{"?fromTimestamp=" + fmt.Sprint(third) + "&toTimestamp=" + fmt.Sprint(third), "", "[3]"},
	} {
		if got := a.do("GET", "/messages"+c.query, c.uid, nil).want(t, 200, "").ids(); got != c.want {
			t.Errorf("%s as %q: %s, want %s", c.query, c.uid, got, c.want)
		}
	}
	for _, q := range []string{"limit=0", "limit=x", "page=-1", "id=x", "affix=middle", "count=true", "fromTimestamp=x"} {
		a.do("GET", "/messages?"+q, "", nil).want(t, 400, "ERR_BAD_REQUEST")
	}
	meta := fmt.Sprint(a.do("GET", "/messages?limit=2", "", nil).Body["meta"])
	if want := fmt.Sprintf("map[current:map[count:2 limit:2] next:map[affix:append id:2 sentAt:%v]]", float64(a.Messages()[1].SentAt.Unix())); meta != want {
		t.Errorf("meta %s, want %s", meta, want)
	}
	if meta := fmt.Sprint(a.do("GET", "/messages?id=99", "", nil).Body["meta"]); meta != "map[current:map[count:0 limit:10]]" {
		t.Errorf("meta of an empty page %s", meta)
	}
}

func TestUserAndGroupMessages(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	for i := range 12 {
		a.say(sim.Say{From: "ann", ToUser: []string{"bot", "ben"}[i%2], Text: "x"})
	}
	a.say(sim.Say{From: "ann", ToGroup: "team", Text: "x"})
	for _, c := range []struct{ path, uid, want, meta string }{
		{"/users/ann/messages?limit=2", "bot", "[9 11]",
			"map[cursor:map[affix:prepend id:9] pagination:map[count:2 current_page:1 per_page:2 total:0 total_pages:1]]"},
		{"/users/ann/messages?limit=2&affix=append&id=5", "bot", "[7 9]",
			"map[cursor:map[affix:append id:9] pagination:map[count:2 current_page:1 per_page:2 total:0 total_pages:1]]"},
		{"/users/ben/messages", "", "[2 4 6 8 10 12]",
			"map[cursor:map[affix:prepend id:2] pagination:map[count:6 current_page:1 per_page:100 total:0 total_pages:1]]"},
	} {
		r := a.do("GET", c.path, c.uid, nil).want(t, 200, "")
		if r.ids() != c.want || fmt.Sprint(r.Body["meta"]) != c.meta {
			t.Errorf("%s: %s %v", c.path, r.ids(), r.Body["meta"])
		}
	}
	if got := a.do("GET", "/groups/team/messages", "bot", nil).want(t, 200, "").ids(); got != "[13]" {
		t.Errorf("group %s", got)
	}
	a.do("GET", "/groups/team/messages", "ben", nil).want(t, 403, "ERR_GROUP_NOT_JOINED")
	a.do("GET", "/groups/zed/messages", "", nil).want(t, 404, "ERR_GUID_NOT_FOUND")
	a.do("GET", "/users/zed/messages", "", nil).want(t, 404, "ERR_UID_NOT_FOUND")
}
