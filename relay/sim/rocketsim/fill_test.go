package rocketsim_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

func TestFill(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	watched := x.Watch(context.Background())
	fillThread(t, x, 3)
	root, _ := x.Message("root")
	if root.Replies != 3 || root.LastReply.Unix() != 1700000003 || root.UpdatedAt.Unix() != 1700000003 || len(root.Followers) != 2 || root.At.Unix() != 1700000000 {
		t.Errorf("root %+v", root)
	}
	if got := x.get("chat.syncMessages?roomId=GENERAL&lastUpdate=2023-11-14T22:13:21.000Z", "ann").ok(t).ids("result", "updated"); len(got) == 0 || got[len(got)-len("r2 r1 root"):] != "r2 r1 root" {
		t.Errorf("updated since: %s", got)
	}
	last := x.say(rocketsim.Say{From: "ann", Thread: "r1", Text: "now"})
	if m := <-watched; m.ID != last || m.Thread != "root" {
		t.Errorf("watched %+v", m)
	}
	must(t, x.EditAs("ben", "r0", "edited"), x.DeleteAs("ben", "r1"))
	if got := x.get("chat.getThreadMessages?tmid=root", "ann").ok(t).texts("messages"); got != "edited r2 now" {
		t.Errorf("thread %s", got)
	}
	must(t, x.Fill(1, func(int) rocketsim.Filled { return rocketsim.Filled{From: "sue", Room: "#team", Text: "x"} }))
	if m := x.Messages("TEAM")[0]; m.ID == "" || !m.At.Equal(x.now()) {
		t.Errorf("defaults %+v", m)
	}
	x.Close()
}

func TestFillRefuses(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	fillThread(t, x, 1)
	for name, f := range map[string]rocketsim.Filled{
		"nobody":           {From: "nobody", Room: "GENERAL"},
		"nowhere":          {From: "ann", Room: "nowhere"},
		"id taken":         {From: "ann", Room: "GENERAL", ID: "r0"},
		"unknown root":     {From: "ann", Room: "GENERAL", Thread: "nothing"},
		"root is a reply":  {From: "ann", Room: "GENERAL", Thread: "r0"},
		"root elsewhere":   {From: "ann", Room: "TEAM", Thread: "root"},
		"twice in one run": {From: "ann", Room: "GENERAL", ID: "same"},
	} {
		before := len(x.Messages("GENERAL"))
		if err := x.Fill(2, func(int) rocketsim.Filled { return f }); err == nil {
			t.Errorf("%s: accepted", name)
		}
		if len(x.Messages("GENERAL")) != before {
			t.Errorf("%s: something was inserted", name)
		}
	}
}

// filled is a site with a long past: threads of ten messages in GENERAL.
func filled(b *testing.B, n int) *rocketsim.Server {
	b.Helper()
	s, err := rocketsim.New(rocketsim.Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	err = s.Fill(n, func(i int) rocketsim.Filled {
		f := rocketsim.Filled{From: "rocket.cat", Room: "GENERAL", ID: strconv.Itoa(i), Text: "message " + strconv.Itoa(i), At: time.Unix(1700000000+int64(i), 0)}
		if i%10 > 0 {
			f.Thread = strconv.Itoa(i - i%10)
		}
		return f
	})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func BenchmarkFill(b *testing.B) {
	const n = 100000
	for range b.N {
		filled(b, n)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/message")
}

func BenchmarkSayIntoALongRoom(b *testing.B) {
	s := filled(b, 100000)
	b.ResetTimer()
	for range b.N {
		if _, err := s.Say(rocketsim.Say{From: "rocket.cat", Thread: "500", Text: "hello"}); err != nil {
			b.Fatal(err)
		}
	}
}
