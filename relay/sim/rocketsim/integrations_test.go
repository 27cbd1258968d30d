package rocketsim_test

import (
	"fmt"
	"testing"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

// outgoing is the example of the reference; change overwrites single keys, and nil leaves one out.
func outgoing(change object) object {
	o := object{
		"type": "webhook-outgoing", "username": "rocket.cat", "channel": "#general", "event": "sendMessage",
		"urls": []string{"http://127.0.0.1:1/hooks/x"}, "name": "relay", "enabled": true, "scriptEnabled": false,
	}
	for key, value := range change {
		o[key] = value
		if value == nil {
			delete(o, key)
		}
	}
	return o
}

func TestCreateIntegration(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	made, _ := x.post("integrations.create", "root", outgoing(object{
		"token": "secret", "triggerWords": []string{"!ask"}, "runOnEdits": true, "retryFailedCalls": true, "retryCount": 3, "retryDelay": "powers-of-two",
		"channel": "#general, @ann,all_direct_messages", "enabled": false, // so that nothing is delivered
	})).ok(t).at("integration").(object)
	for key, want := range map[string]string{
		"type": "webhook-outgoing", "token": "secret", "channel": "[#general @ann all_direct_messages]", "event": "sendMessage", "runOnEdits": "true",
		"retryCount": "3", "retryDelay": "powers-of-two", "triggerWords": "[!ask]", "userId": "rocket.cat", "_createdBy": "map[_id:id-root username:root]",
		"enabled": "false",
	} {
		if fmt.Sprint(made[key]) != want {
			t.Errorf("%s is %v, want %s", key, made[key], want)
		}
	}
	if made["_id"] == "" || made["_id"] == nil {
		t.Error("no id")
	}
	other, _ := x.post("integrations.create", "root", outgoing(object{"channel": "", "enabled": false})).ok(t).at("integration").(object)
	if fmt.Sprint(other["channel"]) != "[all_public_channels]" || len(fmt.Sprint(other["token"])) < 20 {
		t.Errorf("defaults %v", other)
	}
}

func TestCreateIntegrationRefuses(t *testing.T) {
	const none = "must match exactly one schema in oneOf"
	code := func(code, reason string) object {
		return object{"error": reason + " [" + code + "]", "errorType": code}
	}
	x := newSite(t, rocketsim.Config{})
	for name, c := range map[string]struct {
		change object
		want   object
	}{
		"no type": {object{"type": nil}, object{
			"error": "must have required property 'type'\n must have required property 'type'\n " + none, "errorType": "invalid-params",
		}},
		"unknown key":      {object{"secret": "x"}, object{"error": "must NOT have additional properties\n must NOT have additional properties\n " + none, "errorType": "invalid-params"}},
		"event":            {object{"event": "messageEdited"}, code("error-invalid-event-type", "Invalid event type")},
		"no urls":          {object{"urls": []string{}}, code("error-invalid-urls", "Invalid URLs")},
		"unknown user":     {object{"username": "nobody"}, code("error-invalid-user", "Invalid user (did you delete the `rocket.cat` user?)")},
		"unknown room":     {object{"channel": "#nowhere"}, code("error-invalid-room", "Invalid room")},
		"unknown person":   {object{"channel": "@nobody"}, code("error-invalid-room", "Invalid room")},
		"bare room":        {object{"channel": "general"}, code("error-invalid-channel-start-with-chars", "Invalid channel. Start with @ or #")},
		"incoming webhook": {object{"type": "webhook-incoming", "event": nil, "urls": nil}, object{"error": "Invalid integration type."}},
	} {
		t.Run(name, func(t *testing.T) { x.post("integrations.create", "root", outgoing(c.change)).refused(t, 400, c.want) })
	}
	x.post("integrations.create", "ann", outgoing(nil)).refused(t, 400, object{"error": "[not_authorized]", "errorType": "not_authorized"})
	newest := newSite(t, rocketsim.Config{Version: 9})
	newest.post("integrations.create", "bot", outgoing(nil)).refused(t, 403, object{"error": "[not_authorized]", "errorType": "error-forbidden"})
}
