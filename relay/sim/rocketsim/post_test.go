package rocketsim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

func TestPostMessage(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	r := x.post("chat.postMessage", "ann", object{"roomId": "GENERAL", "text": " hello "}).ok(t)
	m := r.message()
	if r.Body["ts"] != 1767323046678.0 || r.Body["channel"] != "GENERAL" || m["msg"] != "hello" || m["groupable"] != false ||
		fmt.Sprint(m["attachments"]) != "[]" || m["ts"] != "2026-01-02T03:04:06.678Z" {
		t.Errorf("posted %s", r.Raw)
	}
	for at, want := range map[string]string{"#general": "GENERAL", "general": "GENERAL", "@bot": "id-annid-bot", "id-annid-bot": "id-annid-bot", "team": "TEAM"} {
		if r := x.post("chat.postMessage", "ann", object{"channel": at, "text": "x"}).ok(t); r.at("message", "rid") != want || r.Body["channel"] != at {
			t.Errorf("%s: %s", at, r.Raw)
		}
	}
	if r := x.post("chat.postMessage", "ben", object{"roomId": "@ann", "text": "x"}).ok(t); r.at("message", "rid") != "id-annid-ben" {
		t.Errorf("new direct room: %s", r.Raw)
	}
	r = x.post("chat.postMessage", "ann", object{"roomId": []string{"TEAM", "GENERAL"}, "text": "both"}).ok(t)
	if r.at("message", "rid") != "TEAM" || x.count("TEAM") != 2 || x.count("GENERAL") != 4 {
		t.Errorf("several: %s", r.Raw)
	}
}

// The schema has tmid in the branch of roomId alone, and nothing else of a message (RC issues 35424, 35923; PR 36093).
func TestPostMessageIsStrict(t *testing.T) {
	const extra, none = "must NOT have additional properties", "must match exactly one schema in oneOf"
	missing := func(key string) string { return "must have required property '" + key + "'" }
	for _, version := range versions() {
		x := newSite(t, rocketsim.Config{Version: version})
		for _, c := range []struct{ body, want string }{
			{`{"text":"x"}`, missing("roomId") + "\n " + missing("channel") + "\n " + none},
			{`{"roomId":"GENERAL","channel":"#general","text":"x"}`, extra + "\n " + extra + "\n " + none},
			{`{"channel":"#general","text":"x","tmid":"root"}`, missing("roomId") + "\n " + extra + "\n " + none},
			{`{"roomId":"GENERAL","msg":"x"}`, extra + "\n " + missing("channel") + "\n " + none},
			{`{"roomId":"GENERAL","text":"x","bot":{}}`, extra + "\n " + missing("channel") + "\n " + none},
			{`{"roomId":"GENERAL","text":"x","username":"x"}`, extra + "\n " + missing("channel") + "\n " + none},
			{`{"roomId":"GENERAL","text":"x","tshow":true}`, extra + "\n " + missing("channel") + "\n " + none},
			{`{"roomId":"GENERAL","text":"x","_id":"x"}`, extra + "\n " + missing("channel") + "\n " + none},
			{`{"roomId":5,"text":"x"}`, "must be string\n must be array\n " + none + "\n " + missing("channel") + "\n " + none},
			{`{"roomId":"GENERAL","text":5}`, "must be string\n " + missing("channel") + "\n " + none},
		} {
			want := object{"error": c.want, "errorType": "invalid-params"}
			if version == 7 {
				want["error"] = c.want + " [invalid-params]"
			}
			x.post("chat.postMessage", "ann", c.body).refused(t, 400, want)
		}
		x.post("chat.postMessage", "ann", object{"roomId": "GENERAL", "text": nil}).ok(t)
	}
}

func TestPostMessageRefuses(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	long := strings.Repeat("x", 5001)
	for name, c := range map[string]struct{ body, want object }{
		"unknown room":    {object{"roomId": "nowhere"}, object{"error": "[invalid-channel]", "errorType": "invalid-channel"}},
		"unknown name":    {object{"channel": "#nowhere"}, object{"error": "[invalid-channel]", "errorType": "invalid-channel"}},
		"unknown person":  {object{"channel": "@nobody"}, object{"error": "[invalid-channel]", "errorType": "invalid-channel"}},
		"no room":         {object{"channel": []string{}}, object{"error": "unknown-error"}},
		"not a member":    {object{"roomId": "TEAM", "text": "x"}, object{"error": "error-not-allowed"}},
		"one of two":      {object{"roomId": []string{"GENERAL", "TEAM"}, "text": "x"}, object{"error": "error-not-allowed"}},
		"too long":        {object{"roomId": "GENERAL", "text": long}, object{"error": "error-message-size-exceeded"}},
		"long attachment": {object{"roomId": "GENERAL", "attachments": []any{object{"text": long}}}, object{"error": "error-message-size-exceeded"}},
		"alias":           {object{"roomId": "GENERAL", "alias": "Bob"}, object{"error": "Not enough permission"}},
	} {
		t.Run(name, func(t *testing.T) {
			x.post("chat.postMessage", "ben", c.body).refused(t, 400, c.want)
			if x.count("GENERAL")+x.count("TEAM") != 0 {
				t.Error("it was stored")
			}
		})
	}
}

func TestPostMessageInThreads(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	root := x.say(in("ann", "root"))
	reply := x.post("chat.postMessage", "bot", object{"roomId": "GENERAL", "text": "reply", "tmid": root, "alias": "Ann", "emoji": ":tea:"}).ok(t).message()
	if reply["tmid"] != root || reply["alias"] != "Ann" || reply["emoji"] != ":tea:" || x.Messages("GENERAL")[4].Replies != 1 {
		t.Errorf("reply %v", reply)
	}
	// Unlike chat.sendMessage it takes tmid as it is, so that a reply gets a thread of its own, which no thread shows.
	deep := x.post("chat.postMessage", "bot", object{"roomId": "GENERAL", "text": "deep", "tmid": reply["_id"]}).ok(t).message()
	if m, _ := x.Message(reply["_id"].(string)); deep["tmid"] != reply["_id"] || m.Replies != 1 || len(x.Thread(root)) != 1 {
		t.Errorf("deep %v", deep)
	}
}

func TestPostingJoinsChannels(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	x.sendMessage("sue", object{"rid": "GENERAL", "msg": "from outside"}).ok(t)
	x.post("chat.postMessage", "sue", object{"roomId": "GENERAL", "text": "from inside"}).ok(t)
	var kinds []string
	for _, m := range x.Messages("GENERAL")[4:] {
		kinds = append(kinds, m.From+m.Type)
	}
	if fmt.Sprint(kinds) != "[sue sueuj sue]" {
		t.Errorf("messages %v", kinds)
	}
}
