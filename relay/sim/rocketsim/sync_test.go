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

// iso is the clock's time as a parameter.
func (x *site) iso() string {
	return url.QueryEscape(x.now().UTC().Format("2006-01-02T15:04:05.000Z07:00"))
}

func TestSyncByLastUpdate(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	root, gone := x.say(in("ann", "root")), x.say(in("ben", "gone"))
	since := x.iso()
	sync := func(query string) reply {
		return x.get("chat.syncMessages?roomId=GENERAL&lastUpdate="+query, "ann").ok(t)
	}
	if r := sync(since); r.ids("result", "updated") != "" || r.ids("result", "deleted") != "" || r.at("result", "cursor") != nil {
		t.Errorf("what changed at that very time is left out: %s", r.Raw)
	}
	reply := x.say(rocketsim.Say{From: "ben", Thread: root, Text: "reply"})
	x.add(time.Millisecond)
	must(t, x.DeleteAs("ben", gone), x.Join("sue", "GENERAL"))
	system := x.Messages("GENERAL")[6].ID
	r := sync(since)
	if got, want := r.ids("result", "updated"), strings.Join([]string{system, reply, root}, " "); got != want { // newest ts first; the root was bumped
		t.Errorf("updated %s, want %s", got, want)
	}
	if got := fmt.Sprint(r.at("result", "deleted")); got != fmt.Sprintf("[map[_deletedAt:2026-01-02T03:04:06.682Z _id:%s]]", gone) {
		t.Errorf("deleted %s", got)
	}
	if got := sync(since+"&fromTs="+url.QueryEscape("2026-01-02T03:04:06.681Z")).ids("result", "updated"); got != system+" "+reply {
		t.Errorf("fromTs: %s", got)
	}
	since = x.iso()
	x.add(time.Second)
	must(t, x.EditAs("ann", root, "edited"), x.ReactAs("ben", reply, "heart", true))
	if got := sync(since).texts("result", "updated"); got != "reply edited" {
		t.Errorf("edited and reacted: %s", got)
	}
	must(t, x.Fill(300, func(i int) rocketsim.Filled {
		return rocketsim.Filled{From: "ann", Room: "GENERAL", Text: "x", At: x.now().Add(time.Duration(i+1) * time.Second)}
	}))
	if got := len(strings.Fields(sync(x.iso()).texts("result", "updated"))); got != 300 {
		t.Errorf("%d messages, want all: this mode has no pages", got)
	}
}

func TestSyncByCursor(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	start := x.now()
	var all []string
	for i := range 7 {
		all = append(all, x.say(rocketsim.Say{From: "ann", Room: "TEAM", Text: "m" + strconv.Itoa(i)}))
	}
	at := func(i int) string { return strconv.FormatInt(start.UnixMilli()+int64(i), 10) }
	for query, want := range map[string]struct {
		texts          string
		next, previous any
	}{
		"next=" + at(0) + "&count=3":     {"m0 m1 m2", at(3), at(1)},
		"next=" + at(3) + "&count=3":     {"m3 m4 m5", at(6), at(4)},
		"next=" + at(6) + "&count=3":     {"m6", nil, at(7)},
		"next=" + at(4) + "&count=3":     {"m4 m5 m6", nil, at(5)}, // drained, although the page is full
		"next=" + at(7) + "&count=3":     {"", nil, nil},
		"next=" + at(0):                  {"m0 m1 m2 m3 m4 m5 m6", nil, at(1)},
		"previous=" + at(8) + "&count=3": {"m6 m5 m4", at(7), at(5)},
		"previous=" + at(3) + "&count=3": {"m1 m0", at(2), nil},
		"previous=" + at(1) + "&count=3": {"", nil, nil},
	} {
		r := x.get("chat.syncMessages?roomId=TEAM&type=UPDATED&"+query, "ann").ok(t)
		if r.texts("result", "updated") != want.texts || r.at("result", "cursor", "next") != want.next || r.at("result", "cursor", "previous") != want.previous {
			t.Errorf("%s: %s", query, r.Raw)
		}
	}
	for i := range 3 {
		x.add(time.Millisecond)
		must(t, x.DeleteAs("ann", all[i]))
	}
	r := x.get("chat.syncMessages?roomId=TEAM&type=DELETED&count=2&next="+at(0), "ann").ok(t)
	if r.ids("result", "deleted") != all[0]+" "+all[1] || r.at("result", "cursor", "next") != at(9) || r.ids("result", "updated") != "" {
		t.Errorf("deleted %s", r.Raw)
	}
	r = x.get("chat.syncMessages?roomId=TEAM&type=DELETED&count=2&next="+at(9), "ann").ok(t)
	if r.ids("result", "deleted") != all[2] || r.at("result", "cursor", "next") != nil {
		t.Errorf("deleted %s", r.Raw)
	}
	// Ties in a millisecond that a page ends in are lost to the cursor, as with the real server.
	x.add(time.Second)
	since := strconv.FormatInt(x.now().UnixMilli()-1, 10)
	for i := range 3 {
		_, err := x.Say(rocketsim.Say{From: "ann", Room: "TEAM", Text: "t" + strconv.Itoa(i)})
		must(t, err)
	}
	r = x.get("chat.syncMessages?roomId=TEAM&type=UPDATED&count=2&next="+since, "ann").ok(t)
	again := x.get(fmt.Sprint("chat.syncMessages?roomId=TEAM&type=UPDATED&count=2&next=", r.at("result", "cursor", "next")), "ann").ok(t)
	if r.texts("result", "updated") != "t0 t1" || again.texts("result", "updated") != "" {
		t.Errorf("ties: %s, then %s", r.Raw, again.Raw)
	}
}

func TestSyncRefusals(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	for query, want := range map[string]object{
		"": {"error": `The "type" or "lastUpdate" parameters must be provided [error-param-required]`, "errorType": "error-param-required"},
		"&lastUpdate=yesterday": {"error": `The "lastUpdate" query parameter must be a valid date [error-lastUpdate-param-invalid]`,
			"errorType": "error-lastUpdate-param-invalid"},
		"&lastUpdate=1700000000000": {"error": `The "lastUpdate" query parameter must be a valid date [error-lastUpdate-param-invalid]`,
			"errorType": "error-lastUpdate-param-invalid"},
		"&type=UPDATED&next=1&previous=2": {"error": `You cannot provide both "next" and "previous" parameters [error-cursor-conflict]`,
			"errorType": "error-cursor-conflict"},
		"&type=UPDATED&next=1&lastUpdate=2026-01-02": {
			"error":     `The attributes "next", "previous" and "lastUpdate" cannot be used together [error-cursor-and-lastUpdate-conflict]`,
			"errorType": "error-cursor-and-lastUpdate-conflict"},
		"&next=1&lastUpdate=2026-01-02": {
			"error":     `The "type" parameter is required when using the "next" or "previous" parameters [error-type-param-required]`,
			"errorType": "error-type-param-required"},
		"&type=UPDATED&next=x": {"error": "Invalid Date"},
	} {
		x.get("chat.syncMessages?roomId=GENERAL"+query, "ann").refused(t, 400, want)
	}
	if r := x.get("chat.syncMessages?roomId=GENERAL&type=UPDATED", "ann").ok(t); r.ids("result", "updated") != "" {
		t.Errorf("without a cursor nothing is shown: %s", r.Raw)
	}
	old := newSite(t, rocketsim.Config{Version: 7})
	old.get("chat.syncMessages?roomId=GENERAL&lastUpdate=2026-01-02&fromTs=2026-01-02", "ann").refused(t, 400, object{
		"error": "must NOT have additional properties [invalid-params]", "errorType": "invalid-params",
	})
}

func TestDeletedMessages(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	since := x.iso()
	var all []string
	for range 3 {
		all = append(all, x.say(rocketsim.Say{From: "ann", Room: "TEAM", Text: "x"}))
		x.add(time.Millisecond)
		must(t, x.DeleteAs("ann", all[len(all)-1]))
	}
	r := x.get("chat.getDeletedMessages?roomId=TEAM&count=2&offset=1&since="+since, "ann").ok(t)
	if r.ids("messages") != all[1]+" "+all[2] || r.Body["total"] != 3.0 || r.Body["count"] != 2.0 || r.Body["offset"] != 1.0 {
		t.Errorf("deleted %s", r.Raw)
	}
	if r := x.get("chat.getDeletedMessages?roomId=TEAM&since="+since, "sue").ok(t); r.Body["total"] != 3.0 {
		t.Errorf("the server does not ask who may read: %s", r.Raw)
	}
	if r := x.get("chat.getDeletedMessages?roomId=TEAM&since="+x.iso(), "ann").ok(t); r.ids("messages") != "" {
		t.Errorf("later: %s", r.Raw)
	}
}
