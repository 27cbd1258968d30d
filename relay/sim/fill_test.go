package sim_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim"
)

// history gives message i of a long past: ann and bot, ben and bot, and the team, in turn; every fourth of ann's is answered in
// its thread by the row behind it.
func history(from time.Time) func(i int) sim.Filled {
	return func(i int) sim.Filled {
		f := sim.Filled{At: from.Add(time.Duration(i) * time.Second)}
		f.From, f.Text = "ann", "row "+strconv.Itoa(i+1)
		switch i % 4 {
		case 0:
			f.ToUser = "bot"
		case 1:
			f.From, f.ToUser, f.Parent = "bot", "Ann", strconv.Itoa(i)
		case 2:
			f.From, f.ToUser = "ben", "bot"
		default:
			f.ToGroup = "Team"
		}
		return f
	}
}

func TestFilledMessagesAreLikeOthers(t *testing.T) {
	from := time.Unix(1600000000, 0)
	a := newApp(t, sim.CometChatConfig{})
	h := newHook(t, nil)
	a.hook(sim.Webhook{ID: "w", URL: h.URL})
	a.say(sim.Say{From: "ann", ToUser: "ben", Text: "before"})
	if err := a.Fill(8, history(from)); err == nil {
		t.Error("messages were filled behind newer ones")
	}
	a = newApp(t, sim.CometChatConfig{})
	a.hook(sim.Webhook{ID: "w", URL: h.URL})
	must(t, a.Fill(8, history(from)), a.Fill(0, nil))
	must(t, a.Fill(2, func(i int) sim.Filled {
		f := sim.Filled{}
		f.From, f.ToUser, f.Category, f.Type, f.Data = "ann", "bot", "custom", "x", object{"customData": i}
		return f
	}))
	last := a.say(sim.Say{From: "bot", Parent: "1", Text: "now"})
	if last.ID != "11" || len(a.Messages()) != 1 {
		t.Errorf("last %+v of %d", last, len(a.Messages()))
	}
	at := strconv.FormatInt(from.Unix()+3, 10)
	for _, c := range []struct{ path, uid, want string }{
		{"/messages?limit=20", "", "[1 2 3 4 5 6 7 8 9 10 11]"},
		{"/messages?limit=3&page=3", "", "[7 8 9]"},
		{"/messages?limit=3&page=2&affix=prepend", "", "[6 7 8]"},
		{"/messages?limit=3&page=9", "", "[]"},
		{"/messages?limit=2&sentAt=" + at, "", "[5 6]"},
		{"/messages?fromTimestamp=" + at + "&toTimestamp=" + strconv.FormatInt(from.Unix()+5, 10), "", "[4 5 6]"},
		{"/messages?category=custom", "", "[9 10]"},
		{"/messages?searchKey=row%207", "", "[7]"},
		{"/messages?limit=20", "ben", "[3 7]"},
		{"/messages?limit=20&hideReplies=true", "ann", "[1 4 5 8 9 10]"},
		{"/users/ben/messages", "", "[3 7]"},
		{"/users/ann/messages?limit=3&affix=prepend&id=9", "bot", "[2 5 6]"},
		{"/groups/team/messages", "bot", "[4 8]"},
		{"/messages/1/thread", "", "[2 11]"},
		{"/messages/5/thread", "", "[6]"},
	} {
		if got := a.do("GET", c.path, c.uid, nil).want(t, 200, "").ids(); got != c.want {
			t.Errorf("%s as %q: %s, want %s", c.path, c.uid, got, c.want)
		}
	}
	d := a.do("GET", "/messages/2", "", nil).want(t, 200, "").data()
	if got := fmt.Sprint([]any{d["id"], d["parentId"], d["conversationId"], d["sentAt"], d["data"].(object)["text"]}); got != "[2 1 ann_user_bot 1.600000001e+09 row 2]" {
		t.Errorf("row %s", got)
	}
	if d := a.awaitAttempts(1); len(d) != 1 || d[0].MessageID != last.ID {
		t.Errorf("webhooks %+v", d)
	}
}

func TestFilledMessagesCanBeChanged(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	must(t, a.Fill(8, history(time.Unix(1600000000, 0))))
	a.do("PUT", "/messages/1", "ann", object{"data": object{"text": "new"}}).want(t, 200, "")
	a.do("POST", "/messages/4/reactions/x", "bot", nil).want(t, 200, "")
	a.do("DELETE", "/messages/3", "ben", nil).want(t, 200, "")
	a.do("DELETE", "/messages/6", "bot", object{"permanent": true}).want(t, 200, "")
	for path, want := range map[string]string{
		"/messages?limit=20":                   "[1 2 3 4 5 7 8 9 10 11]",
		"/messages?limit=4&page=2":             "[5 7 8 9]",
		"/messages?searchKey=new":              "[1]",
		"/messages?hasReactions=true":          "[4]",
		"/messages?onlyDeleted=true":           "[3]",
		"/messages/5/thread":                   "[]",
		"/messages?category=action":            "[9 10 11]",
		"/users/bot/messages?category=message": "[1 2 3 5 7]",
	} {
		if got := a.do("GET", path, "", nil).want(t, 200, "").ids(); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	a.do("GET", "/messages/6", "", nil).want(t, 404, "ERR_MESSAGE_ID_NOT_FOUND")
	must(t, a.Redeliver("2"))
}

func TestFillRefuses(t *testing.T) {
	said := func(f sim.Say) func(int) sim.Filled { return func(int) sim.Filled { return sim.Filled{Say: f} } }
	for name, row := range map[string]func(int) sim.Filled{
		"nobody":            said(sim.Say{From: "zed", ToUser: "ann"}),
		"to nobody":         said(sim.Say{From: "ann", ToUser: "zed"}),
		"to nowhere":        said(sim.Say{From: "ann", ToGroup: "zed"}),
		"no parent":         said(sim.Say{From: "ann", ToUser: "bot", Parent: "99"}),
		"odd parent":        said(sim.Say{From: "ann", ToUser: "bot", Parent: "x"}),
		"parent elsewhere":  said(sim.Say{From: "ann", ToUser: "ben", Parent: "1"}),
		"parent is a reply": said(sim.Say{From: "ann", ToUser: "bot", Parent: "2"}),
		"times fall": func(i int) sim.Filled {
			return sim.Filled{Say: sim.Say{From: "ann", ToUser: "bot"}, At: time.Unix(2e9-int64(i), 0)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, sim.CometChatConfig{})
			must(t, a.Fill(2, history(time.Unix(1600000000, 0))))
			if err := a.Fill(3, row); err == nil {
				t.Error("no error")
			}
			if got := a.do("GET", "/messages", "", nil).ids(); got != "[1 2]" {
				t.Errorf("messages %s", got)
			}
		})
	}
	a := newApp(t, sim.CometChatConfig{})
	a.Close()
	if err := a.Fill(1, history(time.Time{})); err == nil {
		t.Error("filled after Close")
	}
}

// TestListsAgree compares what pages of every list give one after the other with what they must give altogether.
func TestListsAgree(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	const n = 997
	must(t, a.Fill(n, history(time.Unix(1600000000, 0))))
	for i := 1; i <= n; i += 100 {
		a.do("DELETE", "/messages/"+strconv.Itoa(i), "", object{"permanent": true}).want(t, 200, "")
	}
	all := strings.Fields(strings.Trim(a.do("GET", "/messages?limit=1000", "bot", nil).ids(), "[]"))
	more := strings.Fields(strings.Trim(a.do("GET", "/messages?limit=1000&id="+all[len(all)-1], "bot", nil).ids(), "[]"))
	all = append(all, more...)
	var up, down []string
	for cursor := "0"; ; {
		page := strings.Fields(strings.Trim(a.do("GET", "/messages?affix=append&limit=37&id="+cursor, "bot", nil).ids(), "[]"))
		if len(page) == 0 {
			break
		}
		up, cursor = append(up, page...), page[len(page)-1]
	}
	for cursor := "100000"; ; {
		page := strings.Fields(strings.Trim(a.do("GET", "/messages?affix=prepend&limit=41&id="+cursor, "bot", nil).ids(), "[]"))
		if len(page) == 0 {
			break
		}
		down, cursor = append(page, down...), page[0]
	}
	if fmt.Sprint(up) != fmt.Sprint(all) || fmt.Sprint(down) != fmt.Sprint(all) || len(all) < n-20 {
		t.Errorf("%d at once, %d upwards, %d downwards", len(all), len(up), len(down))
	}
}

func BenchmarkFillAMillion(b *testing.B) {
	for b.Loop() {
		s := newMillion(b)
		s.Close()
	}
}

// BenchmarkLastPages reads pages near the end of a million messages.
func BenchmarkLastPages(b *testing.B) {
	s := newMillion(b)
	defer s.Close()
	a := newBenchApp(b, s)
	for _, c := range []struct{ name, path, uid string }{
		{"app", "/messages?affix=append&limit=100&id=999800", ""},
		{"app as a user", "/messages?affix=append&limit=100&id=999000", "ben"},
		{"page number", "/messages?limit=100&page=9999", ""},
		{"user", "/users/ben/messages?affix=append&limit=100&id=999000", ""},
		{"group by time", "/groups/team/messages?limit=100&fromTimestamp=1600999000", ""},
		{"empty", "/messages?affix=append&limit=100&id=1000000", "bot"},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if status := a(c.path, c.uid); status != 200 {
					b.Fatal(status)
				}
			}
		})
	}
}
