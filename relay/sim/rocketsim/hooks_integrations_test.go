package rocketsim_test

import (
	"slices"
	"testing"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

func TestIntegrationsAreChecked(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	good := []string{"http://relay.test/hook"}
	made := x.hook(rocketsim.Integration{ID: "i1", URLs: good})
	if made.Name != "relay" || made.Username != "rocket.cat" || made.Event != "sendMessage" || made.Token == "" {
		t.Errorf("defaults %+v", made)
	}
	for name, bad := range map[string]rocketsim.Integration{
		"no URL":             {},
		"relative URL":       {URLs: []string{"/hook"}},
		"unreadable URL":     {URLs: []string{"http://[::1"}},
		"id taken":           {ID: "i1", URLs: good},
		"unknown event":      {Event: "messageEdited", URLs: good},
		"unknown user":       {Username: "nobody", URLs: good},
		"unknown room":       {Channel: []string{"#nowhere"}, URLs: good},
		"unknown delay":      {RetryDelay: "soon", URLs: good},
		"channel of no kind": {Channel: []string{"general"}, URLs: good},
	} {
		if _, err := x.AddIntegration(bad); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	x.Close()
	if _, err := x.AddIntegration(rocketsim.Integration{URLs: good}); err == nil {
		t.Error("accepted after Close")
	}
}

func TestIntegrationsMadeThroughREST(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	rec := newReceiver(t, nil)
	r := x.post("integrations.create", "root", object{
		"type": "webhook-outgoing", "username": "rocket.cat", "channel": "#general, #team", "event": "sendMessage", "urls": []string{rec.URL},
		"name": "relay", "enabled": true, "scriptEnabled": false, "triggerWords": []string{"!"}, "runOnEdits": true,
	}).ok(t)
	token := r.at("integration", "token")
	x.say(in("ann", "!one"))
	x.say(rocketsim.Say{From: "ann", Room: "TEAM", Text: "!two"})
	x.say(in("ann", "three"))
	if got := x.texts(rec); got != "!one !two" {
		t.Errorf("told %q", got)
	}
	if got := rec.calls()[0]; got["token"] != token || token == nil {
		t.Errorf("token %v, want %v", got["token"], token)
	}
	if all := x.Integrations(); len(all) != 1 || !slices.Equal(all[0].Channel, []string{"#general", "#team"}) {
		t.Errorf("integrations %+v", all)
	}
}

// TestUnknownDelaysEndTheAttempts makes what integrations.create takes and the server then trips over.
func TestUnknownDelaysEndTheAttempts(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	rec := newReceiver(t, func(int, object) said { return said{503, "text/plain", "x"} })
	x.post("integrations.create", "root", object{
		"type": "webhook-outgoing", "username": "rocket.cat", "channel": "", "event": "sendMessage", "urls": []string{rec.URL},
		"name": "relay", "enabled": true, "scriptEnabled": false, "retryFailedCalls": true, "retryCount": 9, "retryDelay": "soon",
	}).ok(t)
	x.say(in("ann", "hello"))
	if d := x.settled(); len(d) != 1 || d[0].Next != "given up" {
		t.Errorf("attempts %+v", d)
	}
}
