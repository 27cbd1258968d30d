package rocketsim_test

import (
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

// Of several who send the same id at once one is let in, and the others get the answer of a repeat.
func TestOneOfManyGetsAnID(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	const senders = 20
	var all sync.WaitGroup
	statuses := make(chan string, senders)
	for range senders {
		all.Go(func() {
			r := x.sendMessage("bot", object{"_id": "one", "rid": "GENERAL", "msg": "x"})
			statuses <- fmt.Sprintf("%d %v", r.Status, r.Body["error"])
		})
	}
	all.Wait()
	got := map[string]int{}
	for range senders {
		got[<-statuses]++
	}
	want := map[string]int{"200 <nil>": 1, "400 Cannot read properties of undefined (reading 'starred')": senders - 1}
	if fmt.Sprint(got) != fmt.Sprint(want) || x.count("GENERAL") != 1 {
		t.Errorf("answers %v, %d messages", got, x.count("GENERAL"))
	}
}

// Everything at once, with faults, until the server is closed; the race detector and goleak look on.
func TestEverythingAtOnce(t *testing.T) {
	x := newSite(t, rocketsim.Config{
		Settings: rocketsim.Settings{KeepHistory: true},
		Chaos:    rocketsim.Chaos{Seed: 1, FailAfter: 0.1, LoseReply: 0.1, Truncate: 0.1, Reset: 0.1},
	})
	root := x.say(in("ann", "root"))
	watched := x.Watch(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		for range watched {
			continue
		}
	})
	for who := range 4 {
		all.Go(func() {
			for i := range 25 {
				id := fmt.Sprint("m", who, "-", i)
				x.sendMessage("bot", object{"_id": id, "rid": "GENERAL", "msg": "x", "tmid": root})
				x.post("chat.update", "bot", update(id, "y"))
				x.post("chat.react", "ann", object{"messageId": id, "emoji": "tea", "shouldReact": true})
				x.get("chat.getThreadMessages?count=5&tmid="+root, "ben")
				x.get("chat.syncMessages?roomId=GENERAL&type=UPDATED&next=0&count="+strconv.Itoa(i+1), "ben")
				if i%5 == 0 {
					x.post("chat.delete", "bot", remove(id))
				}
			}
		})
	}
	all.Go(func() {
		for i := range 50 {
			_, err := x.Say(rocketsim.Say{From: "ben", Thread: root, Text: strconv.Itoa(i)})
			if err != nil {
				t.Error(err)
			}
			x.Messages("GENERAL")
			if err := x.SetRoles("sue", "user", "bot"); err != nil {
				t.Error(err)
			}
		}
		if err := x.Await(t.Context(), func(s *rocketsim.Server) bool { return s.Traffic().Requests > 200 }); err != nil {
			t.Error(err)
		}
		x.Close()
	})
	all.Wait()
	if m, _ := x.Message(root); m.Replies < 50 {
		t.Errorf("%d replies", m.Replies)
	}
}
