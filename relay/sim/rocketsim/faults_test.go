package rocketsim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name     string
		fault    rocketsim.Fault
		status   int // 0: the request fails
		error    string
		messages int
	}{
		{"status", rocketsim.Fault{Status: 500}, 500, "Internal server error", 0},
		{"another status", rocketsim.Fault{Status: 503}, 503, "Service Unavailable", 0},
		{"text", rocketsim.Fault{Status: 400, Text: "E11000 duplicate key"}, 400, "E11000 duplicate key", 0},
		{"after the work", rocketsim.Fault{Status: 502, AfterCommit: true}, 502, "Bad Gateway", 1},
		{"reset", rocketsim.Fault{Reset: true}, 0, "", 0},
		{"reset after the work", rocketsim.Fault{Reset: true, AfterCommit: true}, 0, "", 1},
		{"lost reply", rocketsim.Fault{AfterCommit: true}, 0, "", 1},
		{"other method", rocketsim.Fault{Method: "GET", Status: 500}, 200, "", 1},
		{"other route", rocketsim.Fault{Route: "chat.post*", Status: 500}, 200, "", 1},
		{"this route", rocketsim.Fault{Method: "POST", Route: "chat.*", Status: 404}, 404, "Resource not found", 0},
		{"changes", rocketsim.Fault{Changes: true, Status: 401}, 401, "You must be logged in to do this.", 0},
		{"delay", rocketsim.Fault{Delay: time.Millisecond}, 200, "", 1},
		{"slow", rocketsim.Fault{Slow: time.Millisecond}, 200, "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := newSite(t, rocketsim.Config{})
			c.fault.Times = 1
			x.Inject(c.fault)
			r := x.sendMessage("ann", object{"rid": "GENERAL", "msg": "x"})
			if r.Status != c.status || (r.Err == nil) != (c.status != 0) || c.error != "" && r.Body["error"] != c.error {
				t.Errorf("got %d %v %s", r.Status, r.Err, r.Raw)
			}
			if got := x.count("GENERAL"); got != c.messages {
				t.Errorf("%d messages, want %d", got, c.messages)
			}
			if got := x.Requests()[0]; got.Status != c.status || got.UserID != "id-ann" || got.Path != "/api/v1/chat.sendMessage" ||
				got.Route != "chat.sendMessage" || len(got.Body) == 0 {
				t.Errorf("recorded %+v", got)
			}
			x.ClearFaults()
			x.sendMessage("ann", object{"rid": "GENERAL", "msg": "x"}).ok(t)
		})
	}
}

func TestTruncatedAnswer(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	x.Inject(rocketsim.Fault{Truncate: true, Times: 1})
	if r := x.get("me", "ann"); r.Status != 200 || r.Err == nil {
		t.Errorf("got %d %v", r.Status, r.Err)
	}
	x.Inject(rocketsim.Fault{Status: 503, Body: "<h1>busy</h1>", Times: 1})
	if r := x.get("me", "ann"); r.Status != 503 || r.Raw != "<h1>busy</h1>" || !strings.HasPrefix(r.Get("Content-Type"), "text/html") {
		t.Errorf("a proxy's page: %d %q", r.Status, r.Raw)
	}
}

func TestInjected429(t *testing.T) {
	for _, version := range versions() {
		x := newSite(t, rocketsim.Config{Version: version})
		x.Inject(rocketsim.Fault{Status: 429, RetryAfter: 1500 * time.Millisecond, Times: 2})
		want := fmt.Sprint(x.now().UnixMilli() + 1500)
		for range 2 {
			r := x.get("me", "ann").refused(t, 429, tooMany(version, 2))
			if r.Get("X-RateLimit-Reset") != want || r.Get("X-RateLimit-Remaining") != "0" || r.Get("Retry-After") != "" {
				t.Errorf("headers %v", r.Header)
			}
		}
		x.get("me", "ann").ok(t)
	}
}

func TestFaultsOfDownloads(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	id, err := x.Upload(rocketsim.Upload{From: "ann", Room: "TEAM", Name: "f", Content: []byte("0123456789")})
	must(t, err, x.Break("truncate@file-upload", 1))
	m, _ := x.Message(id)
	if r := x.get("/file-upload/"+m.Files[0]+"/f", "ann"); r.Raw != "01234" {
		t.Errorf("got %q", r.Raw)
	}
	if r := x.get("/file-upload/"+m.Files[0]+"/f", "ann"); r.Raw != "0123456789" {
		t.Errorf("got %q", r.Raw)
	}
}

// A text asks for the fault of the very request that brings it, once.
func TestFaultsByText(t *testing.T) {
	for _, c := range []struct {
		text             string
		status, messages int
	}{
		{"[500] x", 500, 0}, {"[500-after] x", 500, 1}, {"[lost-reply] x", 0, 1}, {"[reset] x", 0, 0}, {"[429:2] x", 429, 0},
		{"[hang:0.001] x", 200, 1}, {"[dup][403] x", 403, 0}, {"[truncate] x", 200, 1}, {"[nonsense] x", 200, 1}, {"[link](x)", 200, 1},
		{"[5] x", 200, 1}, {"x [500]", 200, 1}, {"[500:-1] x", 200, 1}, {"[slow] x", 200, 1},
	} {
		x := newSite(t, rocketsim.Config{})
		r := x.sendMessage("ann", object{"rid": "GENERAL", "msg": c.text})
		if r.Status != c.status || x.count("GENERAL") != c.messages {
			t.Errorf("%s: %d, %d messages", c.text, r.Status, x.count("GENERAL"))
		}
		if c.status != 200 {
			x.sendMessage("ann", object{"rid": "GENERAL", "msg": c.text}).ok(t)
			if r := x.sendMessage("ben", object{"rid": "GENERAL", "msg": c.text}); r.Status != c.status {
				t.Errorf("%s by somebody else: %d", c.text, r.Status)
			}
		}
	}
	x := newSite(t, rocketsim.Config{PlainTexts: true})
	x.sendMessage("ann", object{"rid": "GENERAL", "msg": "[500] x"}).ok(t)
	x = newSite(t, rocketsim.Config{})
	for _, route := range []string{"chat.postMessage", "chat.update"} {
		if r := x.post(route, "ann", object{"roomId": "GENERAL", "msgId": "m", "text": "[502] x"}); r.Status != 502 {
			t.Errorf("%s: %d", route, r.Status)
		}
	}
	x.sendMessage("ann", object{"rid": "GENERAL", "msg": "[500@chat.getMessage] x", "_id": "m"}).ok(t)
	for _, want := range []int{500, 200} {
		if r := x.get("chat.getMessage?msgId=m", "ann"); r.Status != want {
			t.Errorf("a named route: %d, want %d", r.Status, want)
		}
	}
	if r := x.sendMessage("ann", object{"rid": "GENERAL", "msg": "[504@chat.send*] x"}); r.Status != 504 {
		t.Errorf("this route by name: %d", r.Status)
	}
}

// What a person types asks for a fault of what comes into the thread next.
func TestFaultsByWhatPeopleSay(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	id := x.say(in("ann", "[500-after] hello"))
	x.sendMessage("bot", object{"rid": "GENERAL", "msg": "elsewhere"}).ok(t)
	x.get("chat.getThreadMessages?tmid="+id, "bot").ok(t)
	if r := x.sendMessage("bot", object{"rid": "GENERAL", "msg": "answer", "tmid": id}); r.Status != 500 || len(x.Thread(id)) != 1 {
		t.Errorf("answer: %d, %d replies", r.Status, len(x.Thread(id)))
	}
	x.sendMessage("bot", object{"rid": "GENERAL", "msg": "answer", "tmid": id}).ok(t)
	x.say(rocketsim.Say{From: "ann", Thread: id, Text: "[reset] more"})
	if r := x.post("chat.react", "bot", object{"messageId": x.Thread(id)[0].ID, "emoji": "tea", "shouldReact": true}); r.Err == nil {
		t.Errorf("reaction in the thread: %d", r.Status)
	}
}

func TestBreak(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	must(t, x.Break("500", 2), x.Break("404@rooms.*", 0))
	x.get("me", "ann").ok(t) // named faults are for what changes something
	for _, want := range []int{500, 500, 200} {
		if r := x.sendMessage("ann", object{"rid": "GENERAL", "msg": "x"}); r.Status != want {
			t.Errorf("got %d, want %d", r.Status, want)
		}
	}
	for range 3 {
		if r := x.get("rooms.get", "ann"); r.Status != 404 {
			t.Errorf("until cleared: %d", r.Status)
		}
	}
	x.ClearFaults()
	x.get("rooms.get", "ann").ok(t)
	for _, name := range []string{"", "399", "600", "reset:1", "slow", "hang:x", "hang:3601", "500-before", "reset@", "nothing"} {
		if x.Break(name, 1) == nil {
			t.Errorf("there is a fault named %q", name)
		}
	}
}

func TestCloseInterruptsDelays(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	x.Inject(rocketsim.Fault{Delay: time.Hour})
	done := make(chan reply)
	go func() { done <- x.get("me", "ann") }()
	x.Close()
	if r := <-done; r.Err == nil && r.Status != 503 { // 503 when Close came before the request
		t.Errorf("got %+v", r)
	}
}

func TestChaosIsRepeatable(t *testing.T) {
	run := func(seed uint64) string {
		x := newSite(t, rocketsim.Config{Chaos: rocketsim.Chaos{
			Seed: seed, FailBefore: 0.1, FailAfter: 0.1, Reset: 0.1, LoseReply: 0.1, Truncate: 0.1, TooMany: 0.1, ChangesOnly: true,
		}})
		var got []string
		for range 60 {
			x.get("me", "ann").ok(t)
			before := x.count("GENERAL")
			r := x.sendMessage("ann", object{"rid": "GENERAL", "msg": "x"})
			got = append(got, fmt.Sprint(r.Status, r.Err != nil, x.count("GENERAL")-before))
		}
		return strings.Join(got, ",")
	}
	first := run(1)
	if first != run(1) || first == run(2) {
		t.Errorf("runs %s", first)
	}
	for _, want := range []string{"500 false 0", "502 false 1", "0 true 0", "0 true 1", "200 true 1", "429 false 0", "200 false 1"} {
		if !strings.Contains(first, want) {
			t.Errorf("no %q in %s", want, first)
		}
	}
	quiet := newSite(t, rocketsim.Config{Chaos: rocketsim.Chaos{Seed: 5}})
	for range 20 {
		quiet.get("me", "ann").ok(t)
	}
	noisy := newSite(t, rocketsim.Config{Chaos: rocketsim.Chaos{FailBefore: 1}})
	if r := noisy.get("me", "ann"); r.Status != 500 {
		t.Errorf("rate 1: %d", r.Status)
	}
}
