package rocketsim_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

func TestHistory(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	var times []string
	for _, text := range []string{"a", "b", "c", "d"} {
		x.say(rocketsim.Say{From: "ann", Room: "TEAM", Text: text})
		times = append(times, x.iso())
	}
	root := x.Messages("TEAM")[0].ID
	x.say(rocketsim.Say{From: "bot", Thread: root, Text: "reply"})
	x.say(rocketsim.Say{From: "bot", Thread: root, Text: "shown", Show: true})
	x.add(time.Second)
	for query, want := range map[string]string{
		"":                    "shown reply d c b a",
		"&count=2":            "shown reply",
		"&count=2&offset=1":   "reply d",
		"&latest=" + times[2]: "b a",
		"&oldest=" + times[1]: "shown reply d c",
		"&inclusive=true&latest=" + times[2] + "&oldest=" + times[1]:  "c b",
		"&inclusive=false&latest=" + times[2] + "&oldest=" + times[1]: "",
		"&showThreadMessages=false":                                   "shown d c b a",
		"&showThreadMessages=true":                                    "shown reply d c b a",
		"&latest=" + url.QueryEscape("2026-01-02 03:04:06.680"):       "a",
	} {
		for _, room := range []string{"roomId=TEAM", "roomName=team"} {
			r := x.get("groups.history?"+room+query, "ann").ok(t)
			if got := r.texts("messages"); got != want || r.Body["total"] != nil {
				t.Errorf("%s: %s, want %s", query, got, want)
			}
		}
	}
	r := x.get("groups.history?roomId=TEAM&unreads=true&count=2&oldest="+times[1], "ann").ok(t)
	if r.at("firstUnread", "msg") != "c" || r.Body["unreadNotLoaded"] != 2.0 {
		t.Errorf("unreads %s", r.Raw)
	}
	x.say(rocketsim.Say{From: "ann", Room: "@bot", Text: "psst"})
	x.add(time.Second)
	for _, route := range []string{"im.history?roomId=id-annid-bot", "dm.history?roomId=id-annid-bot", "im.messages?roomId=id-annid-bot"} {
		if got := x.get(route, "bot").ok(t).texts("messages"); got != "psst" {
			t.Errorf("%s: %s", route, got)
		}
	}
}

func TestListing(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	x.say(in("ann", "one @ben"))
	x.say(in("ben", "two @ann @bot"))
	for query, want := range map[string]string{
		"":                                 "two @ann @bot|one @ben|root|bot|ben|ann",
		"&count=1":                         "two @ann @bot",
		"&mentionIds=id-ben":               "one @ben",
		"&mentionIds=id-ben, id-bot":       "two @ann @bot|one @ben",
		"&pinned=true":                     "",
		"&pinned=false&count=1":            "two @ann @bot",
		"&starredIds=id-ann":               "",
		"&sort=%7B%22ts%22%3A1%7D&count=2": "ann|ben",
	} {
		r := x.get("channels.messages?roomId=GENERAL"+strings.ReplaceAll(query, " ", "%20"), "ann").ok(t)
		rows, _ := r.at("messages").([]any)
		var got []string
		for _, row := range rows {
			got = append(got, fmt.Sprint(row.(object)["msg"]))
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%s: %s", query, strings.Join(got, "|"))
		}
	}
	if r := x.get("channels.messages?roomId=GENERAL&count=1&offset=2", "ann").ok(t); r.Body["total"] != 6.0 || r.Body["count"] != 1.0 || r.Body["offset"] != 2.0 {
		t.Errorf("numbers %s", r.Raw)
	}
}

func TestRoomRefusals(t *testing.T) {
	channel := object{"error": `The required "roomId" or "roomName" param provided does not match any channel [error-room-not-found]`, "errorType": "error-room-not-found"}
	group := object{"error": `The required "roomId" or "roomName" param provided does not match any group [error-room-not-found]`, "errorType": "error-room-not-found"}
	direct := object{"error": `The required "roomId" param provided does not match any direct message [error-room-not-found]`, "errorType": "error-room-not-found"}
	for _, version := range versions() {
		x := newSite(t, rocketsim.Config{Version: version})
		word := object{"error": map[int]string{7: "unauthorized", 8: "unauthorized", 9: "forbidden"}[version]}
		for _, kind := range []string{".history", ".messages", ".members"} {
			x.get("channels"+kind+"?roomId=TEAM", "ann").refused(t, 400, channel)
			x.get("channels"+kind+"?roomName=nowhere", "ann").refused(t, 400, channel)
			x.get("groups"+kind+"?roomId=GENERAL", "ann").refused(t, 400, group)
			x.get("groups"+kind+"?roomName=team", "ben").refused(t, 400, group) // to a stranger there is none
			x.get("im"+kind+"?roomId=TEAM", "ann").refused(t, 400, direct)
			x.get("im"+kind+"?roomId=id-annid-bot", "ben").refused(t, 403, word)
		}
		x.get("channels.history?roomId=GENERAL", "sue").ok(t)
		x.Set(func(st *rocketsim.Settings) { st.NoAccessToUnjoinedRoom = true })
		x.get("channels.history?roomId=GENERAL", "sue").refused(t, 403, word)
	}
	x := newSite(t, rocketsim.Config{})
	must(t, x.Leave("bot", "GENERAL"))
	x.get("channels.history?roomId=GENERAL", "bot").ok(t)
	x.get("channels.messages?roomId=GENERAL", "bot").refused(t, 403, object{"error": "unauthorized"}) // for a bot has view-joined-room
	x.get("groups.history", "ann").refused(t, 400, object{
		"error": `The parameter "roomId" or "roomName" is required [error-room-param-not-provided]`, "errorType": "error-room-param-not-provided",
	})
}

func TestMembers(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	must(t, x.Leave("root", "GENERAL"))
	for query, want := range map[string]string{
		"": "id-ann id-ben id-bot rocket.cat", "&count=2&offset=1": "id-ben id-bot", "&filter=B": "id-ben id-bot",
		"&sort=%7B%22username%22%3A-1%7D": "rocket.cat id-bot id-ben id-ann", "&status[]=online": "id-ann id-ben id-bot rocket.cat",
		"&status[]=away": "",
	} {
		if r := x.get("channels.members?roomId=GENERAL"+query, "sue").ok(t); r.ids("members") != want {
			t.Errorf("%s: %s", query, r.ids("members"))
		}
	}
	if r := x.get("channels.members?roomName=general&count=1", "ann").ok(t); r.Body["total"] != 4.0 || r.Body["count"] != 1.0 || r.at("members", 0, "username") != "ann" {
		t.Errorf("members %s", r.Raw)
	}
	if r := x.get("im.members?username=bot", "ann").ok(t); r.ids("members") != "id-ann id-bot" {
		t.Errorf("direct %s", r.Raw)
	}
}

func TestRooms(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	last := x.say(rocketsim.Say{From: "ann", Room: "TEAM", Text: "last"})
	r := x.get("rooms.get", "ann").ok(t)
	if got := r.ids("update"); got != "GENERAL TEAM id-annid-bot" || fmt.Sprint(r.at("remove")) != "[]" {
		t.Errorf("rooms %s", got)
	}
	if got := x.get("rooms.get?updatedSince="+url.QueryEscape("2026-01-02T03:04:06.678Z"), "ann").ok(t).ids("update"); got != "TEAM" {
		t.Errorf("changed rooms %s", got)
	}
	x.get("rooms.get?updatedSince=soon", "ann").refused(t, 400, object{
		"error": `The "updatedSince" query parameter must be a valid date. [error-updatedSince-param-invalid]`, "errorType": "error-updatedSince-param-invalid",
	})
	room, _ := x.get("rooms.info?roomName=team", "ann").ok(t).at("room").(object)
	if room["_id"] != "TEAM" || room["t"] != "p" || room["fname"] != "team" || room["usersCount"] != 2.0 || room["msgs"] != 1.0 ||
		room["lastMessage"].(object)["_id"] != last || room["u"].(object)["username"] != "ann" {
		t.Errorf("room %v", room)
	}
	direct, _ := x.get("rooms.info?roomId=id-annid-bot", "bot").ok(t).at("room").(object)
	if direct["t"] != "d" || direct["name"] != nil || fmt.Sprint(direct["usernames"]) != "[ann bot]" || fmt.Sprint(direct["uids"]) != "[id-ann id-bot]" {
		t.Errorf("direct room %v", direct)
	}
	if r := x.get("rooms.info?roomId=GENERAL", "sue").ok(t); r.at("room", "t") != "c" {
		t.Errorf("channel %s", r.Raw)
	}
	must(t, x.DeleteAs("ann", last))
	if r := x.get("rooms.info?roomId=TEAM", "ann").ok(t); r.at("room", "lastMessage") != nil || r.at("room", "msgs") != 0.0 {
		t.Errorf("after the deletion %s", r.Raw)
	}
	x.get("rooms.info", "ann").refused(t, 400, object{
		"error": `The parameter "roomId" or "roomName" is required [error-roomid-param-not-provided]`, "errorType": "error-roomid-param-not-provided",
	})
	x.get("rooms.info?roomId=nowhere", "ann").refused(t, 400, object{
		"error": `The required "roomId" or "roomName" param provided does not match any channel [error-room-not-found]`, "errorType": "error-room-not-found",
	})
}
