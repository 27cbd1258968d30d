package rocketsim_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

const callPeriod = 10 * time.Second

func sha256Of(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func TestMessagesAreToldAsTheyChange(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	w := x.online("ann").hears(roomMessages, "GENERAL").hears(notifyRoom, "GENERAL/deleteMessage")
	root := x.say(in("ben", "root"))
	first := w.told("GENERAL")
	if first["_id"] != root || first["msg"] != "root" || !reflect.DeepEqual(first["ts"], object{"$date": float64(x.now().UnixMilli())}) || first["tcount"] != nil {
		t.Errorf("new message %v", first)
	}
	reply := x.say(rocketsim.Say{From: "ann", Thread: root, Text: "reply"})
	if m := w.told("GENERAL"); m["_id"] != reply || m["tmid"] != root {
		t.Errorf("reply %v", m)
	}
	if m := w.told("GENERAL"); m["_id"] != root || m["tcount"] != 1.0 || !reflect.DeepEqual(m["tlm"], object{"$date": float64(x.now().UnixMilli())}) {
		t.Errorf("root behind the reply %v", m)
	}
	x.add(time.Second)
	must(t, x.EditAs("ann", reply, "changed"))
	if m := w.told("GENERAL"); m["_id"] != reply || m["msg"] != "changed" || !reflect.DeepEqual(m["editedAt"], object{"$date": float64(x.now().UnixMilli())}) {
		t.Errorf("edit %v", m)
	}
	must(t, x.EditAs("ann", reply, "changed"), x.ReactAs("ben", reply, "heart", true))
	if m := w.told("GENERAL"); !reflect.DeepEqual(m["reactions"], object{":heart:": object{"usernames": []any{"ben"}}}) || m["msg"] != "changed" {
		t.Errorf("reaction %v", m)
	}
	must(t, x.Join("sue", "GENERAL"))
	if m := w.told("GENERAL"); m["t"] != "uj" {
		t.Errorf("system message %v", m)
	}
	must(t, x.DeleteAs("ann", reply))
	if m := w.told("GENERAL"); m["_id"] != root || m["tcount"] != 0.0 {
		t.Errorf("root of the deleted reply %v", m)
	}
	if args := w.event(notifyRoom, "GENERAL/deleteMessage"); !reflect.DeepEqual(args, []any{object{"_id": reply}}) {
		t.Errorf("deletion %v", args)
	}
	w.quiet()
}

func TestDeletionsThatLeaveARow(t *testing.T) {
	x := newSite(t, rocketsim.Config{Settings: rocketsim.Settings{KeepHistory: true}})
	root := x.say(in("ben", "root"))
	x.say(rocketsim.Say{From: "ann", Thread: root, Text: "one"})
	two := x.say(rocketsim.Say{From: "ann", Thread: root, Text: "two"})
	w := x.online("ann").hears(roomMessages, "GENERAL").hears(notifyRoom, "GENERAL/deleteMessage")
	must(t, x.EditAs("ann", two, "2")) // leaves a hidden copy, which is not told
	w.told("GENERAL")
	must(t, x.DeleteAs("ann", two)) // tcount falls to 1, which is not told
	if args := w.event(notifyRoom, "GENERAL/deleteMessage"); !reflect.DeepEqual(args, []any{object{"_id": two}}) {
		t.Errorf("deletion %v", args)
	}
	must(t, x.DeleteAs("ben", root))
	if m := w.told("GENERAL"); m["_id"] != root || m["t"] != "rm" || m["msg"] != "" {
		t.Errorf("row of the root %v", m)
	}
	w.quiet()
}

func TestAllRoomsAreToldWithTheirRoom(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	sue, nobody := x.online("sue").hears(roomMessages, "__my_messages__"), x.connected().hears(roomMessages, "__my_messages__")
	bot := x.online("bot").hears(roomMessages, "__my_messages__").hears(roomMessages, "TEAM")
	direct := "id-annid-bot"
	for _, room := range []string{"GENERAL", "TEAM", direct} {
		x.say(rocketsim.Say{From: "ann", Room: room, Text: room})
	}
	for _, want := range []struct {
		w    *wire
		room string
		more object
	}{
		{bot, "GENERAL", object{"roomParticipant": true, "roomType": "c", "roomName": "general"}},
		{bot, "TEAM", object{"roomParticipant": true, "roomType": "p", "roomName": "team"}},
		{sue, "GENERAL", object{"roomParticipant": false, "roomType": "c", "roomName": "general"}},
		{bot, direct, object{"roomParticipant": true, "roomType": "d"}},
	} {
		args := want.w.event(roomMessages, "__my_messages__")
		if m, _ := args[0].(object); len(args) != 2 || m["rid"] != want.room || !reflect.DeepEqual(args[1], want.more) {
			t.Errorf("%s: %v, want %v", want.room, args, want.more)
		}
		if want.room == "TEAM" {
			bot.told("TEAM") // the room's own event comes behind
		}
	}
	for _, w := range []*wire{sue, bot, nobody} {
		w.quiet()
	}
	must(t, x.Join("sue", "GENERAL"))
	if args := sue.event(roomMessages, "__my_messages__"); args[1].(object)["roomParticipant"] != true {
		t.Errorf("after joining %v", args)
	}
}

// TestAccessIsCheckedAgain takes people out of rooms that they have subscribed to.
func TestAccessIsCheckedAgain(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	w := x.online("ann").hears(roomMessages, "TEAM").hears(roomMessages, "__my_messages__").hears(notifyRoom, "TEAM/deleteMessage")
	x.say(rocketsim.Say{From: "bot", Room: "TEAM", Text: "one"})
	w.told("__my_messages__")
	w.told("TEAM")
	must(t, x.Leave("ann", "TEAM"))
	gone := x.say(rocketsim.Say{From: "bot", Room: "TEAM", Text: "two"})
	must(t, x.EditAs("bot", gone, "three"))
	w.quiet()
	public := x.online("ann").hears(roomMessages, "GENERAL")
	x.Set(func(st *rocketsim.Settings) { st.NoAccessToUnjoinedRoom = true })
	must(t, x.Leave("ann", "GENERAL"))
	x.say(in("ben", "four"))
	public.quiet()
}

func TestNothingIsToldTwiceOrAfterwards(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	x.say(in("ben", "before"))
	w := x.online("ann").hears(roomMessages, "GENERAL")
	x.say(in("ben", "one"))
	if m := w.told("GENERAL"); m["msg"] != "one" {
		t.Errorf("first told %v", m)
	}
	if n := x.DropRealtime(); n != 1 {
		t.Errorf("%d connections dropped", n)
	}
	w.ended(-1)
	x.say(in("ben", "lost"))
	w = x.online("ann").hears(roomMessages, "GENERAL")
	x.say(in("ben", "two"))
	if m := w.told("GENERAL"); m["msg"] != "two" {
		t.Errorf("after the reconnect told %v", m)
	}
	w.quiet()
	if st := x.Realtime(); st.Accepted != 2 || st.Connections != 1 {
		t.Errorf("status %+v", st)
	}
}

func TestPrune(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	start := x.now()
	for i := range 4 {
		from := []string{"ann", "ben"}[i%2]
		x.say(rocketsim.Say{From: from, Room: "GENERAL", Text: fmt.Sprint(i), ID: fmt.Sprint("m", i)})
	}
	end := x.now().Add(time.Millisecond)
	w := x.online("ann").hears(notifyRoom, "GENERAL/deleteMessageBulk").hears(notifyRoom, "GENERAL/deleteMessage")
	ids, err := x.Prune("#general", rocketsim.Prune{Oldest: start, Latest: end, Users: []string{"ben"}, Limit: 1})
	must(t, err)
	if fmt.Sprint(ids) != "[m1]" {
		t.Errorf("pruned %v", ids)
	}
	between := object{"$gt": object{"$date": float64(start.UnixMilli())}, "$lt": object{"$date": float64(end.UnixMilli())}}
	want := object{
		"rid": "GENERAL", "excludePinned": false, "ignoreDiscussion": false, "ts": between, "users": []any{"ben"}, "ids": []any{"m1"},
	}
	if args := w.event(notifyRoom, "GENERAL/deleteMessageBulk"); !reflect.DeepEqual(args, []any{want}) {
		t.Errorf("told %v", args)
	}
	ids, err = x.Prune("GENERAL", rocketsim.Prune{Oldest: start, Latest: end})
	must(t, err)
	if fmt.Sprint(ids) != "[m0 m2 m3]" || x.count("GENERAL") != 0 {
		t.Errorf("pruned %v, left %v", ids, x.Messages("GENERAL"))
	}
	want["users"] = []any{}
	delete(want, "ids")
	if args := w.event(notifyRoom, "GENERAL/deleteMessageBulk"); !reflect.DeepEqual(args, []any{want}) {
		t.Errorf("told %v", args)
	}
	deleted := x.get("chat.getDeletedMessages?roomId=GENERAL&since="+start.Add(-time.Hour).Format(time.RFC3339), "ann").ok(t)
	if got := deleted.at("total"); got != 4.0 {
		t.Errorf("%v deleted messages", got)
	}
	ids, err = x.Prune("GENERAL", rocketsim.Prune{Oldest: start, Latest: end})
	if must(t, err); ids != nil {
		t.Errorf("pruned %v twice", ids)
	}
	w.quiet()
	if _, err := x.Prune("nowhere", rocketsim.Prune{}); err == nil {
		t.Error("an unknown room was pruned")
	}
	x.Close()
	if _, err := x.Prune("GENERAL", rocketsim.Prune{}); err == nil {
		t.Error("pruned after Close")
	}
}

func TestAwaitRealtime(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	ready := make(chan error, 1)
	go func() {
		ready <- x.AwaitRealtime(t.Context(), func(st rocketsim.RealtimeStatus) bool { return st.Users == 1 && st.Subscriptions == 2 })
	}()
	w := x.online("ann").hears(roomMessages, "GENERAL").hears(roomMessages, "TEAM")
	must(t, <-ready)
	_ = w.conn.CloseNow()
	must(t, x.AwaitRealtime(within(t), func(st rocketsim.RealtimeStatus) bool { return st.Connections == 0 }))
	given, cancel := context.WithCancel(t.Context())
	cancel()
	never := func(rocketsim.RealtimeStatus) bool { return false }
	if err := x.AwaitRealtime(given, never); err == nil {
		t.Error("a wait that was given up succeeds")
	}
	go x.Close()
	if err := x.AwaitRealtime(within(t), never); err == nil {
		t.Error("a wait succeeds after Close")
	}
}
