package rocketsim_test

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

// fillThread makes a root "root" and n replies r0, r1, … of a long time ago, one second after the other.
func fillThread(t *testing.T, x *site, n int) {
	t.Helper()
	must(t, x.Fill(n+1, func(i int) rocketsim.Filled {
		f := rocketsim.Filled{From: "ann", Room: "GENERAL", ID: "root", Text: "root", At: time.Unix(1700000000+int64(i), 0)}
		if i > 0 {
			f.ID, f.Thread, f.From = "r"+strconv.Itoa(i-1), "root", "ben"
			f.Text = f.ID
		}
		return f
	}))
}

// numbers are r with the numbers from a up to b.
func numbers(a, b int) string {
	var all []string
	for i := a; i < b; i++ {
		all = append(all, "r"+strconv.Itoa(i))
	}
	return strings.Join(all, " ")
}

func TestThreadPages(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	fillThread(t, x, 130)
	for query, want := range map[string]struct {
		ids    string
		offset float64
	}{
		"":                               {numbers(0, 50), 0},  // API_Default_Count
		"&count=3":                       {numbers(0, 3), 0},   // without the root
		"&count=1000":                    {numbers(0, 100), 0}, // API_Upper_Count_Limit, silently
		"&count=0":                       {numbers(0, 130), 0}, // API_Allow_Infinite_Count
		"&count=100&offset=100":          {numbers(100, 130), 100},
		"&count=100&offset=200":          {"", 200},
		"&count=2&offset=128":            {numbers(128, 130), 128},
		"&count=2&aroundId=r100":         {numbers(99, 101), 99},
		"&count=2&aroundId=root":         {numbers(0, 2), 0},
		`&count=2&sort={"ts":-1}`:        {"r129 r128", 0},
		`&count=2&sort={"msg":1}`:        {"r0 r1", 0},
		`&count=2&sort={"x":1,"_id":-1}`: {"r99 r98", 0},
	} {
		r := x.get("chat.getThreadMessages?tmid=root"+strings.NewReplacer("{", "%7B", "}", "%7D", `"`, "%22").Replace(query), "ann").ok(t)
		n := 0.0
		if want.ids != "" {
			n = float64(len(strings.Fields(want.ids)))
		}
		if r.ids("messages") != want.ids || r.Body["count"] != n || r.Body["offset"] != want.offset || r.Body["total"] != 130.0 {
			t.Errorf("%q: %s (%v of %v at %v)", query, r.ids("messages"), r.Body["count"], r.Body["total"], r.Body["offset"])
		}
	}
	x.Set(func(st *rocketsim.Settings) { st.NoInfiniteCount, st.DefaultCount, st.UpperCountLimit = true, 7, 9 })
	for query, want := range map[string]int{"": 7, "&count=0": 7, "&count=20": 9} {
		if r := x.get("chat.getThreadMessages?tmid=root"+query, "ann").ok(t); r.ids("messages") != numbers(0, want) {
			t.Errorf("%q with other settings: %s", query, r.ids("messages"))
		}
	}
}

func TestThreadRefusals(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	fillThread(t, x, 1)
	for _, sort := range []string{"ts", `{"ts":2}`, `{"ts":"1"}`, `{"ts":1`, `[1]`, `{"ts":true}`} {
		x.get("chat.getThreadMessages?tmid=root&sort="+url.QueryEscape(sort), "ann").refused(t, 400, object{
			"error": fmt.Sprintf("Invalid sort parameter provided: %q [error-invalid-sort]", sort), "errorType": "error-invalid-sort",
			"details": object{"helperMethod": "parseJsonQuery"},
		})
	}
	if r := x.get("chat.getThreadMessages?tmid=root&offset=-1", "ann"); r.Status != 400 {
		t.Errorf("negative offset: %d %s", r.Status, r.Raw)
	}
	for _, route := range []string{"chat.getThreadMessages?tmid=nothing", "chat.syncThreadMessages?tmid=nothing&updatedSince=2026-01-02T03:04:05Z"} {
		x.get(route, "ann").refused(t, 400, object{"error": "Invalid Message [error-invalid-message]", "errorType": "error-invalid-message"})
	}
	x.get("chat.getThreadMessages?tmid=root&aroundId=nothing", "ann").refused(t, 400, object{
		"error": `The provided "aroundId" does not belong to the thread [error-invalid-message]`, "errorType": "error-invalid-message",
	})
	if r := x.get("chat.getThreadMessages?tmid=r0", "ann").ok(t); r.Body["total"] != 0.0 || r.ids("messages") != "" {
		t.Errorf("thread of a reply: %s", r.Raw)
	}
	x.Set(func(st *rocketsim.Settings) { st.NoThreads = true })
	for _, route := range []string{
		"chat.getThreadMessages?tmid=root", "chat.syncThreadMessages?tmid=root&updatedSince=2026-01-02T03:04:05Z",
		"chat.getThreadsList?rid=GENERAL", "chat.syncThreadsList?rid=GENERAL&updatedSince=2026-01-02T03:04:05Z",
	} {
		x.get(route, "ann").refused(t, 400, object{"error": "Threads Disabled [error-not-allowed]", "errorType": "error-not-allowed"})
	}
	for _, route := range []string{"chat.followMessage", "chat.unfollowMessage"} {
		x.post(route, "ann", object{"mid": "root"}).refused(t, 400, object{
			"error": "not-allowed [error-not-allowed]", "errorType": "error-not-allowed", "details": object{"method": strings.TrimPrefix(route, "chat.")},
		})
	}
}

func TestThreadsList(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	first, second := x.say(in("ann", "First thing")), x.say(in("ben", "second thing"))
	x.say(in("ann", "no thread"))
	x.say(rocketsim.Say{From: "ben", Thread: second, Text: "r"})
	x.say(rocketsim.Say{From: "bot", Thread: first, Text: "r"})
	for query, want := range map[string]string{
		"": first + " " + second, "&type=following": first, "&type=unread": first, "&text=FIRST": first, "&text=thing": first + " " + second,
		"&count=1&offset=1": second, "&text=no": "",
	} {
		if r := x.get("chat.getThreadsList?rid=GENERAL"+query, "ann").ok(t); r.ids("threads") != want {
			t.Errorf("%q: %s, want %s", query, r.ids("threads"), want)
		}
	}
	if r := x.get("chat.getThreadsList?rid=GENERAL&fields=%7B%7D&query=%7B%7D", "ann").ok(t); r.Body["total"] != 2.0 {
		t.Errorf("query and fields are still in this one's schema, and ignored: %s", r.Raw)
	}
	x.post("chat.readThread", "ann", object{"tmid": first}).ok(t)
	if r := x.get("chat.getThreadsList?rid=GENERAL&type=unread", "ann").ok(t); r.ids("threads") != "" {
		t.Errorf("read: %s", r.Raw)
	}
	must(t, x.FollowAs("ann", first, false))
	if r := x.get("chat.getThreadsList?rid=GENERAL&type=following", "ann").ok(t); r.ids("threads") != "" {
		t.Errorf("unfollowed: %s", r.Raw)
	}
}

func TestSyncThreads(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	root := x.say(in("ann", "root"))
	first := x.say(rocketsim.Say{From: "ben", Thread: root, Text: "first"})
	second := x.say(rocketsim.Say{From: "ben", Thread: root, Text: "second"})
	since := url.QueryEscape(x.now().Format("2006-01-02T15:04:05.000Z07:00"))
	route := "chat.syncThreadMessages?tmid=" + root + "&updatedSince="
	if r := x.get(route+since, "ann").ok(t); r.ids("messages", "update") != "" || r.ids("messages", "remove") != "" {
		t.Errorf("nothing new: %s", r.Raw)
	}
	x.add(time.Second)
	must(t, x.EditAs("ben", first, "edited"), x.DeleteAs("ben", second))
	r := x.get(route+since+"&count=1&offset=5", "ann").ok(t) // taken, and ignored
	if r.ids("messages", "update") != first || r.ids("messages", "remove") != second {
		t.Errorf("synced %s", r.Raw)
	}
	gone, _ := r.at("messages", "remove", 0).(object)
	if gone["_deletedAt"] != "2026-01-02T03:04:07.681Z" || gone["__collection__"] != "message" || gone["msg"] != "second" || gone["tmid"] != root {
		t.Errorf("trash %v", gone)
	}
	list := "chat.syncThreadsList?rid=GENERAL&updatedSince="
	if r := x.get(list+since, "ann").ok(t); r.ids("threads", "update") != root || r.ids("threads", "remove") != "" {
		t.Errorf("threads %s", r.Raw)
	}
	must(t, x.DeleteAs("ben", first))
	must(t, x.DeleteAs("ann", root))
	if r := x.get(list+since, "ann").ok(t); r.ids("threads", "update") != "" || r.ids("threads", "remove") != root {
		t.Errorf("threads after the root is gone %s", r.Raw)
	}
}
