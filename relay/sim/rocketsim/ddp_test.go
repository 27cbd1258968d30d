package rocketsim_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"testing"

	"github.com/coder/websocket"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

func TestConnecting(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	for name, c := range map[string]struct{ frame, version string }{
		"a version that nobody knows":    {`{"msg":"connect","version":"2","support":["2"]}`, "1"},
		"an old version although 1 goes": {`{"msg":"connect","version":"pre1","support":["1","pre1"]}`, "1"},
		"an old client asks for 2":       {`{"msg":"connect","version":"2","support":["2","pre2"]}`, "pre2"},
		"not what it supports":           {`{"msg":"connect","version":"1","support":["pre1"]}`, "pre1"},
		"no support":                     {`{"msg":"connect","version":"1"}`, "1"},
		"no version":                     {`{"msg":"connect","support":["1"]}`, "1"},
		"support that is no list":        {`{"msg":"connect","version":"1","support":"1"}`, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			w := x.dial()
			w.say(c.frame)
			w.wants(object{"msg": "failed", "version": c.version})
			w.ended(websocket.StatusNormalClosure)
		})
	}
	w := x.dial()
	w.say(`{"msg":"connect","version":"pre2","support":["pre2","pre1"]}`)
	if f := w.next(); f["msg"] != "connected" {
		t.Errorf("an old client got %v", f)
	}
}

func TestWrongFrames(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	silent, w := x.dial(), x.connected()
	for _, c := range []struct {
		w             *wire
		frame, reason string
		unread        bool
	}{
		{silent, `{"msg":"ping"}`, "Must connect first", false},
		{silent, `{"msg":"sub","id":"1","name":"x","params":[]}`, "Must connect first", false},
		{w, `{"msg":"connect","version":"1","support":["1"]}`, "Already connected", false},
		{w, `{"msg":"dance"}`, "Bad request", false},
		{w, `{}`, "Bad request", false},
		{w, `hello`, "Parse error", true},
		{w, `["msg"]`, "Parse error", true},
		{w, `{"msg":"method","method":"login"}`, "Malformed method invocation", false},
		{w, `{"msg":"method","id":"1"}`, "Malformed method invocation", false},
		{w, `{"msg":"method","id":1,"method":"login"}`, "Malformed method invocation", false},
		{w, `{"msg":"method","id":"1","method":"login","params":{}}`, "Malformed method invocation", false},
		{w, `{"msg":"sub","id":"1"}`, "Malformed subscription", false},
		{w, `{"msg":"sub","name":"x"}`, "Malformed subscription", false},
	} {
		c.w.say(c.frame)
		want := object{"msg": "error", "reason": c.reason}
		if !c.unread {
			var offending any
			must(t, json.Unmarshal([]byte(c.frame), &offending))
			want["offendingMessage"] = offending
		}
		c.w.wants(want)
	}
	w.quiet()
	must(t, w.conn.Write(w.ctx, websocket.MessageBinary, []byte(`{"msg":"ping"}`)))
	w.ended(websocket.StatusInvalidFramePayloadData)
}

func TestPingsAreAnswered(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	w := x.connected()
	w.say(`{"msg":"ping"}`)
	w.wants(object{"msg": "pong"})
	w.say(`{"msg":"pong"}`)
	w.say(`{"msg":"ping","id":"7"}`)
	w.wants(object{"msg": "pong", "id": "7"})
}

func TestRealtimeLogin(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	session := x.post("login", "", object{"user": "ben", "password": "pw-ben"}).at("data", "authToken")
	wrong := "You've been logged out by the server. Please log in again."
	const digest = "11ad9fa08b85c9ca1f3ba3b5e5e8c2a1"
	for name, c := range map[string]struct {
		params  []any
		user    string
		refused object
	}{
		"personal access token": {[]any{object{"resume": "token-ann"}}, "id-ann", nil},
		"session":               {[]any{object{"resume": session}}, "id-ben", nil},
		"wrong token":           {[]any{object{"resume": "token-zoe"}}, "", fixtures(t).DDP.MethodError["error"].(object)},
		"password":              {[]any{object{"user": object{"username": "ann"}, "password": "pw-ann"}}, "id-ann", nil},
		"password's digest": {[]any{object{"user": object{"username": "ann"}, "password": object{
			"digest": sha256Of("pw-ann"), "algorithm": "sha-256",
		}}}, "id-ann", nil},
		"wrong digest":     {[]any{object{"user": object{"username": "ann"}, "password": object{"digest": digest, "algorithm": "sha-256"}}}, "", errorOf(403.0, "Incorrect password")},
		"wrong password":   {[]any{object{"user": object{"username": "ann"}, "password": "x"}}, "", errorOf(403.0, "Incorrect password")},
		"unknown user":     {[]any{object{"user": object{"username": "zoe"}, "password": "x"}}, "", errorOf(403.0, "User not found")},
		"no way to log in": {[]any{object{"name": "ann"}}, "", errorOf(400.0, "Unrecognized options for login request")},
		"nothing":          {nil, "", errorOf(400.0, "Unrecognized options for login request")},
		"no object":        {[]any{"token-ann"}, "", errorOf(400.0, "Unrecognized options for login request")},
	} {
		t.Run(name, func(t *testing.T) {
			w := x.connected()
			got := w.call("login", c.params...)
			if c.refused != nil {
				if !reflect.DeepEqual(got["error"], c.refused) || got["result"] != nil {
					t.Errorf("got %v, want the error %v", got, c.refused)
				}
				return
			}
			result, _ := got["result"].(object)
			expires, _ := result["tokenExpires"].(object)
			if result["id"] != c.user || result["token"] == "" || expires["$date"] != float64(x.now().AddDate(0, 0, 90).UnixMilli()) || got["error"] != nil {
				t.Errorf("got %v", got)
			}
		})
	}
	if m := fixtures(t).DDP.MethodError["error"].(object); m["reason"] != wrong {
		t.Errorf("the documents say %v", m)
	}
	w := x.connected()
	if got := w.call("sendMessage", object{"rid": "GENERAL"}); !reflect.DeepEqual(got["error"], errorOf(404.0, "Method 'sendMessage' not found")) {
		t.Errorf("unknown method: %v", got)
	}
}

func TestMethodsAreLimited(t *testing.T) {
	x := newSite(t, rocketsim.Config{Limits: rocketsim.Limits{On: true}})
	w := x.online("ann")
	for range 9 {
		w.call("login", object{"resume": "token-ann"})
	}
	e, _ := w.call("login", object{"resume": "token-ann"})["error"].(object)
	if e["error"] != "too-many-requests" || !reflect.DeepEqual(e["details"], object{"timeToReset": 10000.0}) || e["reason"] !=
		"Error, too many requests. Please slow down. You must wait 10 seconds before trying again." {
		t.Errorf("got %v", e)
	}
	if e := w.call("other")["error"].(object); e["error"] != 404.0 {
		t.Errorf("another method got %v", e)
	}
	for range 40 {
		id, _ := w.sub(roomMessages, "GENERAL", false)
		w.send(object{"msg": "unsub", "id": id})
		w.next()
	}
	if _, refused := w.sub(roomMessages, "GENERAL", false); refused == nil {
		t.Error("41 subscriptions pass")
	}
	if e := x.connected().call("login", object{"resume": "token-ann"})["error"]; e != nil {
		t.Errorf("another connection got %v", e)
	}
	x.add(callPeriod)
	if e := w.call("login", object{"resume": "token-ann"})["error"]; e != nil {
		t.Errorf("after the period got %v", e)
	}
}

func TestUpgradesAreChecked(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	if r := x.get("/websocket", ""); r.Status != http.StatusUpgradeRequired {
		t.Errorf("a plain request got %d", r.Status)
	}
	if r := x.post("/websocket", "", object{}); r.Status == http.StatusOK {
		t.Errorf("a post got %d", r.Status)
	}
	x.Close()
	if _, status, err := open(within(t), x.url, nil); err == nil || status != http.StatusServiceUnavailable {
		t.Errorf("after Close: %v", err)
	}
}
