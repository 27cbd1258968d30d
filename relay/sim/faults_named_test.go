package sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim"
)

func TestBreakByName(t *testing.T) {
	for _, c := range []struct {
		name     string
		status   int // of a send; 0: the request fails
		retry    string
		messages int
		attempts string // message ids whose webhooks come before that of a second, unharmed message
	}{
		{"500", 500, "", 0, "[1]"},
		{"403", 403, "", 0, "[1]"},
		{"429:30", 429, "30", 0, "[1]"},
		{"503:0.5", 503, "1", 0, "[1]"},
		{"500-after", 500, "", 1, "[1 2]"},
		{"reset", 0, "", 0, "[1]"},
		{"lost-reply", 0, "", 1, "[1 2]"},
		{"truncate", 200, "", 1, "[1 2]"},
		{"slow:0.01", 200, "", 1, "[1 2]"},
		{"hang:0.01", 200, "", 1, "[1 2]"},
		{"dup", 200, "", 1, "[1 1 2]"},
		{"drop", 200, "", 1, "[2]"},
		{"delay:3600", 200, "", 1, "[2]"},
		{"reorder", 200, "", 1, "[2 1]"},
	} {
		for _, by := range []string{"method", "text"} {
			t.Run(c.name+" by "+by, func(t *testing.T) {
				a := newApp(t, sim.CometChatConfig{})
				h := newHook(t, nil)
				a.hook(sim.Webhook{ID: "w", URL: h.URL})
				words := "x"
				if by == "text" {
					words = "[" + c.name + "] x"
				} else {
					must(t, a.Break(c.name, 1))
				}
				a.do("GET", "/messages", "", nil).want(t, 200, "") // reading is not struck
				r := a.do("POST", "/messages", "ann", text("user", "bot", words))
				if r.Status != c.status || r.Header.Get("Retry-After") != c.retry || (r.Err != nil) != (c.status == 0 || c.name == "truncate") {
					t.Errorf("got %d, Retry-After %q, %v", r.Status, r.Header.Get("Retry-After"), r.Err)
				}
				if got := len(a.Messages()); got != c.messages {
					t.Errorf("%d messages, want %d", got, c.messages)
				}
				a.do("POST", "/messages", "ann", text("user", "bot", "second")).want(t, 200, "")
				want := len(wordList(c.attempts))
				var ids []any
				for _, d := range a.awaitAttempts(want) {
					ids = append(ids, d.MessageID)
				}
				if fmt.Sprint(ids) != c.attempts {
					t.Errorf("webhooks %v, want %s", ids, c.attempts)
				}
			})
		}
	}
}

func wordList(list string) []byte {
	var out []byte
	for i := range list {
		if list[i] >= '0' && list[i] <= '9' {
			out = append(out, list[i])
		}
	}
	return out
}

func TestBreakRefuses(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	for _, name := range []string{"", "399", "600", "500:x", "500:-1", "slow", "slow:", "slow:NaN", "reset:1", "delay", "dup:2", "nothing", "500-after-", "reset-after"} {
		if err := a.Break(name, 1); err == nil {
			t.Errorf("%q was accepted", name)
		}
	}
	a.do("POST", "/messages", "ann", text("user", "bot", "[nothing] x")).want(t, 200, "")
	a.do("POST", "/messages", "ann", text("user", "bot", "x [500]")).want(t, 200, "")
	a.do("POST", "/messages", "ann", text("user", "bot", "[500")).want(t, 200, "")
}

func TestTextStrikesOnce(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	send := func(uid, words string) reply { return a.do("POST", "/messages", uid, text("user", "bot", words)) }
	send("ann", " [dup] [500] x").want(t, 500, "ERR_MISSION_FAILED")
	send("ann", " [dup] [500] x").want(t, 200, "")
	send("ann", "[500] y").want(t, 500, "ERR_MISSION_FAILED")
	send("ben", "[500] y").want(t, 500, "ERR_MISSION_FAILED")
	a.do("PUT", "/messages/1", "ann", object{"data": object{"text": "[403] z"}}).want(t, 403, "AUTH_ERR_NO_ACCESS")
	a.do("PUT", "/messages/1", "ann", object{"data": object{"text": "[403] z"}}).want(t, 200, "")
	if got := a.Traffic().Struck; got != 4 {
		t.Errorf("%d requests were struck", got)
	}
	plain := newApp(t, sim.CometChatConfig{PlainTexts: true})
	plain.do("POST", "/messages", "ann", text("user", "bot", "[500] x")).want(t, 200, "")
	plain.say(sim.Say{From: "ann", ToUser: "bot", Text: "[500] x"})
	plain.do("POST", "/messages/2/thread", "bot", text("user", "ann", "x")).want(t, 200, "")
}

func TestTypedTextStrikesItsThread(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	a.say(sim.Say{From: "ann", ToUser: "bot", Text: "other"})
	a.say(sim.Say{From: "ann", ToUser: "bot", Text: "[500] root"})
	answer := func(id string) reply {
		return a.do("POST", "/messages/"+id+"/thread", "bot", text("user", "ann", "You said: [500] root"))
	}
	answer("1").want(t, 200, "")
	a.do("GET", "/messages/2", "bot", nil).want(t, 200, "")
	a.do("GET", "/messages/2/thread", "bot", nil).want(t, 200, "")
	answer("2").want(t, 500, "ERR_MISSION_FAILED")
	answer("2").want(t, 200, "")
	a.say(sim.Say{From: "ann", Parent: "2", Text: "[429:7] more"}) // 5
	a.do("POST", "/messages/5/reactions/x", "bot", nil).want(t, 429, "ERR_TOO_MANY_REQUESTS")
	a.do("POST", "/messages/5/reactions/x", "bot", nil).want(t, 200, "")
}

func TestSlowBodyTrickles(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	a.Inject(sim.Fault{Slow: 40 * time.Millisecond, Times: 1})
	start := time.Now()
	if got := len(a.do("GET", "/users", "", nil).want(t, 200, "").Body["data"].([]any)); got != 3 {
		t.Errorf("%d users", got)
	}
	if took := time.Since(start); took < 40*time.Millisecond {
		t.Errorf("the answer took %s", took)
	}
}

func TestFaultWithAPageOfAProxy(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	a.Inject(sim.Fault{Status: 502, Body: "<html>Bad gateway</html>", RetryAfter: time.Second, Times: 1})
	r := a.do("GET", "/users", "", nil)
	if r.Status != 502 || r.Err == nil || r.Header.Get("Content-Type") != "text/html; charset=utf-8" || r.Header.Get("Retry-After") != "1" {
		t.Errorf("got %d %v %v", r.Status, r.Err, r.Header)
	}
}
