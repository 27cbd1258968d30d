package sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim"
)

func TestAppLimits(t *testing.T) {
	at := time.Unix(1700000000, 0)
	a := newApp(t, sim.CometChatConfig{AppLimit: 3, CoreLimit: 1, SenderLimit: 1, Now: func() time.Time { return at }})
	user := func(uid string) object { return object{"uid": uid, "name": uid} }
	for _, c := range []struct {
		name         string
		later        time.Duration
		method, path string
		body         any
		status       int
		limit, left  string
		retry        string
	}{
		{"first", 0, "GET", "/users", nil, 200, "3", "2", ""},
		{"a core operation counts apart", 0, "POST", "/users", user("u1"), 200, "1", "0", ""},
		{"one too many", time.Second, "POST", "/users", user("u2"), 429, "1", "0", "59"},
		{"a send shows the sender's limit", 0, "POST", "/messages", text("user", "ann", "x"), 200, "1", "0", ""},
		{"an error counts, too", 0, "GET", "/nothing", nil, 404, "3", "0", ""},
		{"the app's limit", 28500 * time.Millisecond, "GET", "/users", nil, 429, "3", "0", "31"},
		{"the next minute", 31 * time.Second, "GET", "/users", nil, 200, "3", "2", ""},
	} {
		at = at.Add(c.later)
		r := a.do(c.method, c.path, "", c.body)
		h := r.Header
		if r.Status != c.status || h.Get("Retry-After") != c.retry {
			t.Errorf("%s: %d, Retry-After %q", c.name, r.Status, h.Get("Retry-After"))
		}
		for _, names := range [][3]string{{"X-Rate-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset"}, {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}} {
			if h.Get(names[0]) != c.limit || h.Get(names[1]) != c.left || (h.Get(names[2]) != "") != (c.retry != "") {
				t.Errorf("%s: %s is %q, %s is %q, %s is %q", c.name, names[0], h.Get(names[0]), names[1], h.Get(names[1]), names[2], h.Get(names[2]))
			}
		}
	}
}

func TestTraffic(t *testing.T) {
	at := time.Unix(1700000000, 0)
	a := newApp(t, sim.CometChatConfig{AppLimit: 5, Now: func() time.Time { return at }})
	for range 7 {
		a.do("GET", "/users", "", nil)
	}
	at = at.Add(30 * time.Second)
	a.Inject(sim.Fault{Status: 429, Times: 1})
	a.do("GET", "/users", "", nil).want(t, 429, "ERR_TOO_MANY_REQUESTS")
	for _, c := range []struct {
		later time.Duration
		last  int
	}{{0, 8}, {29 * time.Second, 8}, {time.Second, 1}, {30 * time.Second, 0}, {time.Hour, 0}} {
		at = at.Add(c.later)
		want := sim.Traffic{Requests: 8, TooMany: 3, Struck: 1, LastMinute: c.last, PeakMinute: 8}
		if got := a.Traffic(); got != want {
			t.Errorf("at %s: %+v, want %+v", at, got, want)
		}
	}
	a.do("GET", "/users", "", nil).want(t, 200, "")
	if got := fmt.Sprint(a.Traffic()); got != "{9 3 1 1 8}" {
		t.Errorf("traffic %s", got)
	}
}
