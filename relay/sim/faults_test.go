package sim_test

import (
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim"
)

func TestFaults(t *testing.T) {
	send := func(a *app) reply { return a.do("POST", "/messages", "ann", text("user", "bot", "x")) }
	for _, c := range []struct {
		name     string
		fault    sim.Fault
		status   int // 0: the request fails
		code     string
		messages int
	}{
		{"status", sim.Fault{Status: 500}, 500, "ERR_MISSION_FAILED", 0},
		{"status and code", sim.Fault{Status: 400, Code: "ERR_BLOCKED_RECEIVER"}, 400, "ERR_BLOCKED_RECEIVER", 0},
		{"default codes", sim.Fault{Status: 403}, 403, "AUTH_ERR_NO_ACCESS", 0},
		{"after commit", sim.Fault{Status: 502, AfterCommit: true}, 502, "ERR_MISSION_FAILED", 1},
		{"reset", sim.Fault{Reset: true}, 0, "", 0},
		{"reset after commit", sim.Fault{Reset: true, AfterCommit: true}, 0, "", 1},
		{"lost reply", sim.Fault{AfterCommit: true}, 0, "", 1},
		{"other method", sim.Fault{Method: "GET", Status: 500}, 200, "", 1},
		{"other path", sim.Fault{Path: "/messages/*/thread", Status: 500}, 200, "", 1},
		{"this path", sim.Fault{Method: "POST", Path: "/mess*", Status: 404}, 404, "ERR_API_NOT_FOUND", 0},
		{"delay", sim.Fault{Delay: time.Millisecond}, 200, "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newApp(t, sim.CometChatConfig{})
			c.fault.Times = 1
			a.Inject(c.fault)
			r := send(a)
			if r.Status != c.status || r.code() != c.code || (r.Err == nil) != (c.status != 0) {
				t.Errorf("got %d %q %v", r.Status, r.code(), r.Err)
			}
			if got := len(a.Messages()); got != c.messages {
				t.Errorf("%d messages, want %d", got, c.messages)
			}
			if got := a.Requests()[0]; got.Status != c.status || got.OnBehalfOf != "ann" || got.Path != "/v3/messages" || len(got.Body) == 0 {
				t.Errorf("recorded %+v", got)
			}
			a.ClearFaults()
			send(a).want(t, 200, "")
		})
	}
}

func TestTruncatedAnswer(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	a.Inject(sim.Fault{Truncate: true, Times: 1})
	if r := a.do("GET", "/users", "", nil); r.Status != 200 || r.Err == nil {
		t.Errorf("got %d %v", r.Status, r.Err)
	}
}

func TestFaultTimesAndRetryAfter(t *testing.T) {
	at := time.Unix(1700000000, 0)
	a := newApp(t, sim.CometChatConfig{Now: func() time.Time { return at }})
	a.Inject(sim.Fault{Status: 429, RetryAfter: 1500 * time.Millisecond, Times: 2})
	for range 2 {
		h := a.do("GET", "/messages", "", nil).want(t, 429, "ERR_TOO_MANY_REQUESTS").Header
		if h.Get("Retry-After") != "2" || h.Get("X-Rate-Limit-Reset") != "1700000002" || h.Get("X-RateLimit-Reset") != "1700000002" {
			t.Errorf("headers %v", h)
		}
	}
	a.do("GET", "/messages", "", nil).want(t, 200, "")
	a.Inject(sim.Fault{Status: 500})
	for range 3 {
		a.do("GET", "/messages", "", nil).want(t, 500, "ERR_MISSION_FAILED")
	}
	a.ClearFaults()
	a.do("GET", "/messages", "", nil).want(t, 200, "")
}

func TestCloseInterruptsDelay(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	a.Inject(sim.Fault{Delay: time.Hour})
	done := make(chan reply)
	go func() { done <- a.do("GET", "/messages", "", nil) }()
	a.Close()
	if r := <-done; r.Err == nil && r.Status != 503 { // 503 when Close came before the request
		t.Errorf("got %+v", r)
	}
}
