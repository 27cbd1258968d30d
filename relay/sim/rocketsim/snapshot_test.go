package rocketsim_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

func TestAwait(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	done := make(chan error)
	await := func(ctx context.Context, cond func(*rocketsim.Server) bool) { done <- x.Await(ctx, cond) }
	ctx, cancel := context.WithCancel(context.Background())
	go await(ctx, func(s *rocketsim.Server) bool { return len(s.Messages("TEAM")) == 2 })
	x.say(rocketsim.Say{From: "ann", Room: "TEAM", Text: "one"})
	x.say(rocketsim.Say{From: "ann", Room: "TEAM", Text: "two"})
	must(t, <-done)
	go await(ctx, func(s *rocketsim.Server) bool { return s.Traffic().Requests == 1 })
	x.get("me", "ann").ok(t)
	must(t, <-done)
	must(t, x.Await(ctx, func(*rocketsim.Server) bool { return true }))
	go await(ctx, func(*rocketsim.Server) bool { return false })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	go await(context.Background(), func(*rocketsim.Server) bool { return false })
	x.Close()
	if err := <-done; !errors.Is(err, rocketsim.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

func TestWatch(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	watched := x.Watch(ctx)
	root := x.say(in("ann", "root"))
	reply := x.say(rocketsim.Say{From: "ben", Thread: root, Text: "reply"})
	must(t, x.EditAs("ann", root, "edited"), x.ReactAs("ben", root, "tea", true), x.DeleteAs("ann", root), x.DeleteAs("ben", reply))
	var got []string
	for len(got) < 5 {
		m := <-watched
		got = append(got, fmt.Sprint(m.Type, ":", m.Text))
	}
	if line := strings.Join(got, " "); line != ":root :reply :edited rm: rm:reply" {
		t.Errorf("watched %s", line)
	}
	cancel()
	for range watched {
		continue
	}
	unread := x.Watch(context.Background())
	x.say(in("ann", "nobody reads this"))
	x.Close()
	for range unread {
		continue
	}
	if _, open := <-x.Watch(context.Background()); open {
		t.Error("a watch after Close is open")
	}
}
