package rocketsim_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

type pageUpdate struct {
	Parts map[string]string
	Lists map[string]struct {
		Items []struct{ ID, HTML string }
		IDs   []string
	}
}

// live follows the page of somebody, and returns the next update at each call; false at the end.
func (x *site) live(query string) func() (pageUpdate, bool) {
	x.t.Helper()
	req, err := http.NewRequestWithContext(within(x.t), http.MethodGet, x.url+"/page/live?"+query, nil)
	must(x.t, err)
	res, err := http.DefaultTransport.RoundTrip(req)
	must(x.t, err)
	x.t.Cleanup(func() { res.Body.Close() })
	if kind := res.Header.Get("Content-Type"); kind != "text/event-stream" {
		x.t.Fatalf("content type %q", kind)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	return func() (pageUpdate, bool) {
		var u pageUpdate
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				must(x.t, json.Unmarshal([]byte(data), &u))
				return u, true
			}
		}
		return u, false
	}
}

func TestPagePushesChanges(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	root := x.say(in("ann", "question"))
	follow := x.live("as=ann&room=GENERAL&thread=" + root)
	next := func() pageUpdate {
		t.Helper()
		u, ok := follow()
		if !ok {
			t.Fatal("the stream ended")
		}
		return u
	}
	if u := next(); len(u.Parts) != 3 || len(u.Lists["log"].IDs) != 5 || len(u.Lists["log"].Items) != 5 || len(u.Lists["replies"].IDs) != 1 {
		t.Errorf("first %+v", u)
	}
	reply := x.say(rocketsim.Say{From: "bot", Thread: root, Text: "<answer>"})
	u := next()
	if items := u.Lists["replies"].Items; len(items) != 1 || items[0].ID != "reply-"+reply || !strings.Contains(items[0].HTML, "&lt;answer&gt;") {
		t.Errorf("after a reply %+v", u)
	}
	if items := u.Lists["log"].Items; len(items) != 1 || items[0].ID != "message-"+root || !strings.Contains(items[0].HTML, "1 reply") || u.Parts["thread-count"] != "1 reply" {
		t.Errorf("in the room after a reply %+v", u)
	}
	x.say(rocketsim.Say{From: "bot", Room: "TEAM", Text: "elsewhere"})
	if u := next(); len(u.Lists) != 0 || !strings.Contains(u.Parts["rooms"], "elsewhere") {
		t.Errorf("after a message elsewhere %+v", u)
	}
	x.InjectRealtime(rocketsim.RealtimeFault{Lose: true})
	if u := next(); len(u.Parts) != 1 || !strings.Contains(u.Parts["faults"], "Set by a program") {
		t.Errorf("after a fault %+v", u)
	}
	must(t, x.DeleteAs("root", reply))
	if u := next(); len(u.Lists["replies"].IDs) != 1 || len(u.Lists["replies"].Items) != 0 || u.Parts["thread-count"] != "No replies yet" {
		t.Errorf("after a deletion %+v", u)
	}
	x.Close()
	if u, ok := follow(); ok {
		t.Errorf("the stream goes on after Close: %+v", u)
	}
	if got := x.visit("/page/live?as=ann", nil, nil); got.Status != http.StatusServiceUnavailable {
		t.Errorf("a stream after Close got %d", got.Status)
	}
}
