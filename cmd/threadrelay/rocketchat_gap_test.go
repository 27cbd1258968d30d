package main

import (
	"testing"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

// What is said while no relay runs is answered in order by the next one, which goes on where the one before stopped.
func TestRocketChatRestart(t *testing.T) {
	ways := map[string][]string{"poll": byPoll(), "realtime": {byStream(), "ROCKETCHAT_POLL_INTERVAL=1h"}}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			s := newRocketTestStage(t)
			environ := s.environment(t.TempDir(), way...)
			first := serveInside(t, environ)
			s.awaitPolled()
			before := s.say(rocketsim.Say{From: "ana", Room: "#engineering", Text: "before"})
			if name == "poll" {
				s.await(before, "before")
			}
			if code := first.drain(); code != exitDone {
				t.Errorf("exit code %d", code)
			}
			said := s.talk(4)
			said[before] = []string{"before", "after"}
			s.say(rocketsim.Say{From: "ben", Thread: before, Text: "after"})
			second := serveInside(t, environ)
			for root, texts := range said {
				s.await(root, texts...)
			}
			if code := second.drain(); code != exitDone {
				t.Errorf("exit code %d", code)
			}
			s.wantSaid(said)
		})
	}
}

// What is said while the realtime connection is broken is fetched when it stands again, however rare the polls are otherwise.
func TestRocketChatStreamBreaks(t *testing.T) {
	s := newRocketTestStage(t)
	r := serveInside(t, s.environment(t.TempDir(), byStream(), "ROCKETCHAT_POLL_INTERVAL=1h"))
	s.awaitSubscribed()
	s.awaitPolled()
	r.awaitStatus(200, `"waiting":0`)
	s.chat.InjectRealtime(rocketsim.RealtimeFault{Status: 503, Times: 1})
	if n := s.chat.DropRealtime(); n != 1 {
		t.Fatalf("%d connections were cut, want 1", n)
	}
	said := s.talk(4)
	for root, texts := range said {
		s.await(root, texts...)
	}
	s.awaitSubscribed()
	for root := range said {
		s.say(rocketsim.Say{From: "ana", Thread: root, Text: "again"})
		said[root] = append(said[root], "again")
		s.await(root, "again")
	}
	if code := r.drain(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	s.wantSaid(said)
}
