package rocketsim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

// tooMany is the body of a 429 (rest_errors of frames.json; servers before 8 also have an errorType).
func tooMany(version, seconds int) object {
	o := object{"error": fmt.Sprintf(
		"Error, too many requests. Please slow down. You must wait %d seconds before trying this endpoint again. [error-too-many-requests]", seconds)}
	if version == 7 {
		o["errorType"] = "error-too-many-requests"
	}
	return o
}

func TestRateLimit(t *testing.T) {
	for _, version := range versions() {
		x := newSite(t, rocketsim.Config{Version: version, Limits: rocketsim.Limits{On: true}})
		const route = "chat.getDeletedMessages?roomId=GENERAL&since=2026-01-02T03:04:05Z"
		reset := fmt.Sprint(time.Date(2026, 1, 2, 3, 5, 5, 678e6, time.UTC).UnixMilli()) // a minute after the server's start
		for i := range 10 {
			r := x.get(route, "ann").ok(t)
			if r.Get("X-RateLimit-Limit") != "10" || r.Get("X-RateLimit-Remaining") != fmt.Sprint(9-i) || r.Get("X-RateLimit-Reset") != reset {
				t.Errorf("%d: headers %v", i, r.Header)
			}
		}
		r := x.get(route, "ben").refused(t, 429, tooMany(version, 59)) // another user at the same address
		if r.Get("X-RateLimit-Limit") != "10" || r.Get("X-RateLimit-Remaining") != "0" || r.Get("X-RateLimit-Reset") != reset || r.Get("Retry-After") != "" {
			t.Errorf("headers of the refusal %v", r.Header)
		}
		x.get("rooms.get", "ann").ok(t) // another route
		for _, as := range []string{"bot", "root"} {
			if r := x.get(route, as).ok(t); r.Get("X-RateLimit-Limit") != "" {
				t.Errorf("%s has headers %v", as, r.Header)
			}
		}
		x.add(58 * time.Second)
		x.get(route, "ann").refused(t, 429, tooMany(version, 1))
		x.add(2 * time.Second)
		if r := x.get(route, "ann").ok(t); r.Get("X-RateLimit-Remaining") != "9" {
			t.Errorf("the next window: %v", r.Header)
		}
	}
}

// chat.sendMessage has a rule of its own since 8, chat.postMessage has not.
func TestRateLimitOfSending(t *testing.T) {
	for version, want := range map[int][2]int{7: {10, 60}, 8: {5, 1}, 9: {5, 1}} {
		x := newSite(t, rocketsim.Config{Version: version, Limits: rocketsim.Limits{On: true}})
		x.add(2 * time.Minute)
		for range want[0] {
			x.sendMessage("ann", object{"rid": "GENERAL", "msg": "x"}).ok(t)
		}
		x.sendMessage("ann", object{"rid": "GENERAL", "msg": "x"}).refused(t, 429, tooMany(version, want[1]))
		x.sendMessage("bot", object{"rid": "GENERAL", "msg": "x"}).ok(t)
		for range 10 {
			x.post("chat.postMessage", "ann", object{"roomId": "GENERAL", "text": "x"}).ok(t)
		}
		x.post("chat.postMessage", "ann", object{"roomId": "GENERAL", "text": "x"}).refused(t, 429, tooMany(version, 60))
		if got := x.count("GENERAL"); got != want[0]+11 {
			t.Errorf("%d messages", got)
		}
		x.add(time.Second + time.Millisecond)
		if r := x.sendMessage("ann", object{"rid": "GENERAL", "msg": "x"}); (r.Status == 200) != (version >= 8) {
			t.Errorf("%d: a second later %d", version, r.Status)
		}
	}
}

// In 9 a request that is not valid costs nothing, before it does.
func TestRateLimitAndValidation(t *testing.T) {
	for version, want := range map[int]int{7: 429, 8: 429, 9: 400} {
		x := newSite(t, rocketsim.Config{Version: version, Limits: rocketsim.Limits{On: true, Calls: 2, Period: time.Second}})
		for range 2 {
			x.get("chat.getMessage", "ann")
		}
		if r := x.get("chat.getMessage", "ann"); r.Status != want {
			t.Errorf("%d: %d, want %d", version, r.Status, want)
		}
	}
}

func TestNoLimitByDefault(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	for range 20 {
		if r := x.get("rooms.get", "ann").ok(t); r.Get("X-RateLimit-Limit") != "" {
			t.Fatalf("headers %v", r.Header)
		}
	}
}

func TestTraffic(t *testing.T) {
	x := newSite(t, rocketsim.Config{Limits: rocketsim.Limits{On: true, Calls: 5}})
	for range 7 {
		x.get("rooms.get", "ann")
	}
	x.add(30 * time.Second)
	x.Inject(rocketsim.Fault{Status: 429, Times: 1})
	x.get("rooms.get", "bot").refused(t, 429, tooMany(8, 0))
	for _, c := range []struct {
		later time.Duration
		last  int
	}{{0, 8}, {29 * time.Second, 8}, {time.Second, 1}, {30 * time.Second, 0}, {time.Hour, 0}} {
		x.add(c.later)
		want := rocketsim.Traffic{Requests: 8, TooMany: 3, Struck: 1, LastMinute: c.last, PeakMinute: 8}
		if got := x.Traffic(); got != want {
			t.Errorf("at %s: %+v, want %+v", x.now(), got, want)
		}
	}
}
