package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/relay/deliver"
	"github.com/threadrelay/threadrelay/relay/sim"
)

// appOf is the id of the app that a connection of routed is for.
func appOf(connection string) string { return "app-" + connection }

// newAppStage is a stage for a connection of routed.
func newAppStage(t *testing.T, connection string, options ...func(*sim.CometChatConfig)) *testStage {
	t.Helper()
	return newTestStage(t, append(options, func(cfg *sim.CometChatConfig) { cfg.AppID = appOf(connection) })...)
}

// routed is an environment whose connections are those of a file, one for each name and stage. Behind the keys that each needs
// come more.
func routed(t *testing.T, stages map[string]*testStage, more map[string]string) []string {
	t.Helper()
	text := "connections:\n"
	environ := []string{
		"THREADRELAY_LISTEN=127.0.0.1:0", "THREADRELAY_ADMIN_LISTEN=127.0.0.1:0", "THREADRELAY_DATA_DIR=" + t.TempDir(),
		"THREADRELAY_BOTS=echo", "LOG_FORMAT=json", "LOG_LEVEL=debug", "HOOK=" + hookPassword,
	}
	for name, s := range stages {
		key := "KEY_" + strings.ToUpper(name)
		environ = append(environ, key+"="+s.key)
		text += fmt.Sprintf("  %s: {platform: cometchat, app_id: %s, api_key: \"${%s}\", base_url: %s/v3, bot_uid: %s%s}\n",
			name, appOf(name), key, s.url(), demoBot, more[name])
	}
	return append(environ, "THREADRELAY_CONFIG="+writeRouting(t, text))
}

// hooked are the keys of a connection whose webhooks the test's stages can call.
const hooked = `, webhook: {username: ` + demoHook + `, password: "${HOOK}"}`

// Two apps of one platform side by side: each has its hook, and is answered with its own key.
func TestTwoConnectionsOfAFile(t *testing.T) {
	first, second := newAppStage(t, "first"), newAppStage(t, "second")
	r := serveInside(t, routed(t, map[string]*testStage{"first": first, "second": second}, map[string]string{"first": hooked, "second": hooked}))
	first.hookAt(r, "first")
	second.hookAt(r, "second")
	here := first.say(sim.Say{From: "ana", ToUser: demoBot, Text: "to the first"})
	there := second.say(sim.Say{From: "ana", ToGroup: "engineering", Text: "to the second"})
	first.await(here.ID, "to the first")
	second.await(there.ID, "to the second")
	again := second.say(sim.Say{From: "ana", Parent: there.ID, Text: "once more"})
	second.await(there.ID, again.Text)
	if status := post(t, r, hookPassword, messageTo("77", "helper")); status != http.StatusNotFound {
		t.Errorf("a hook that is not configured answers %d", status)
	}
	r.awaitMetric(`threadrelay_sends_total{connection="first",outcome="sent",type="reply"} 1`)
	r.awaitMetric(`threadrelay_sends_total{connection="second",outcome="sent",type="reply"} 2`)
	if code := r.drain(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	first.wantAnswers(here.ID, "to the first")
	second.wantAnswers(there.ID, "to the second", "once more")
	for _, s := range []*testStage{first, second} {
		for _, q := range s.chat.Requests() {
			if q.Status != http.StatusOK {
				t.Errorf("a call was refused, so it went to the wrong app or had the wrong key: %+v", q)
			}
		}
		for _, secret := range []string{s.key, hookPassword} {
			if strings.Contains(r.err.String(), secret) {
				t.Error("the log holds a secret")
			}
		}
	}
}

// Two connections are polled side by side, each with its own cursor, and one of the environment beside them.
func TestPollingOfAFile(t *testing.T) {
	const poll = ", poll: {sources: [app], interval: 100ms}"
	first, second, third := newAppStage(t, "first", restOnly), newAppStage(t, "second", restOnly), newTestStage(t)
	environ := routed(t, map[string]*testStage{"first": first, "second": second}, map[string]string{"first": poll, "second": poll})
	r := serveInside(t, append(third.environment(t.TempDir()), environ...))
	third.hook(r)
	for i, s := range []*testStage{first, second, third} {
		text := fmt.Sprint("number ", i)
		m := s.say(sim.Say{From: "ana", ToUser: demoBot, Text: text})
		s.await(m.ID, text)
	}
	for _, want := range []string{`"poll/first":"ok"`, `"poll/second":"ok"`, `"deliver":"ok"`} {
		if status, body := r.get("/readyz"); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("readyz: %d, no %s in %s", status, want, body)
		}
	}
	if code := r.drain(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
}

// A platform that fails throughout is left alone, as the file says. /readyz tells so and stays 200, and what is said elsewhere is
// answered all the while. When the platform is back, nothing is missing.
func TestOneConnectionFailsThroughout(t *testing.T) {
	broken, sound := newAppStage(t, "broken"), newAppStage(t, "sound")
	const eager = `, deliver: {retry: {min: 1ms, max: 20ms}, breaker: {failures: 3, over: 1ms, min: 50ms, max: 100ms}}`
	r := serveInside(t, routed(t, map[string]*testStage{"broken": broken, "sound": sound}, map[string]string{"broken": hooked + eager, "sound": hooked}))
	broken.hookAt(r, "broken")
	sound.hookAt(r, "sound")
	broken.chat.Inject(sim.Fault{Status: http.StatusServiceUnavailable})
	var waiting []sim.Message
	for i := range 5 {
		waiting = append(waiting, broken.say(sim.Say{From: "ana", ToUser: demoBot, Text: fmt.Sprint("waits ", i)}))
	}
	st := r.awaitDelivery(func(all map[string]deliver.Status) bool { return all["broken"].Breaker != "closed" })
	if st["broken"].Failures < 3 || st["broken"].Failing.IsZero() || st["sound"].Breaker != "closed" || st["sound"].Failures > 0 {
		t.Errorf("the connections are %+v", st)
	}
	r.awaitStatus(http.StatusOK, `"deliver":"failing"`)
	for i := range 5 {
		text := fmt.Sprint("goes on ", i)
		m := sound.say(sim.Say{From: "ana", ToUser: demoBot, Text: text})
		sound.await(m.ID, text)
	}
	if broken.answered() != 0 {
		t.Error("the broken platform has taken an answer, so it was not broken")
	}
	broken.chat.ClearFaults()
	for _, m := range waiting {
		broken.await(m.ID, m.Text)
	}
	r.awaitDelivery(func(all map[string]deliver.Status) bool {
		return all["broken"].Breaker == "closed" && all["broken"].Failures == 0
	})
	r.awaitStatus(http.StatusOK, `"deliver":"ok"`)
}

// awaitDelivery waits until the connections do in /readyz as ok wants, which has to answer 200 all the while.
func (r *relayProcess) awaitDelivery(ok func(map[string]deliver.Status) bool) map[string]deliver.Status {
	r.t.Helper()
	ctx := bustest.Context(r.t)
	for {
		status, body := r.get("/readyz")
		var page struct {
			Details struct {
				Deliver map[string]deliver.Status `json:"deliver"`
			} `json:"details"`
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil || status != http.StatusOK {
			r.t.Fatalf("readyz: %d %s: %v", status, body, err)
		}
		if ok(page.Details.Deliver) {
			return page.Details.Deliver
		}
		if ctx.Err() != nil {
			r.t.Fatalf("readyz stays at %s", body)
		}
	}
}

// check asks every connection, tells each one's faults in its own rows, and ends with 2 if the file cannot be used at all.
func TestCheckOfAFile(t *testing.T) {
	first, second := newAppStage(t, "first"), newAppStage(t, "second")
	stages := map[string]*testStage{"first": first, "second": second}
	code, stdout, stderr := invoke(t, routed(t, stages, map[string]string{"first": hooked, "second": hooked}), "check")
	if code != exitDone || stderr != "" {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	for _, want := range []string{"first       api key", "second      api key", "first       bot uid", "second      bot uid", "configuration  ok"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	code, stdout, stderr = invoke(t, append(routed(t, stages, map[string]string{"first": hooked}), "KEY_SECOND=wrong0wrong0wrong0wrong0"), "check")
	if code != exitFailed || stderr != "threadrelay: check: 1 fault\n" || !strings.Contains(stdout, "second      api key        fault    The API key is not one") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	if !strings.Contains(stdout, "connections.second: nothing comes in: it has neither webhook nor poll") {
		t.Errorf("no warning in\n%s", stdout)
	}
	code, stdout, stderr = invoke(t, routed(t, stages, map[string]string{"first": ", colour: red", "second": ", deliver: {unknown: x}"}), "check")
	if code != exitUsage || stdout != "" || strings.Count(stderr, "relay.yaml:") != 2 || !strings.Contains(stderr, "connections.first.colour: not known") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	for _, s := range stages {
		if strings.Contains(stdout+stderr, s.key) {
			t.Error("a secret is printed")
		}
	}
}

// serve refuses a file that is wrong, and warns of one that is odd.
func TestServeOfAFile(t *testing.T) {
	s := newAppStage(t, "only")
	environ := routed(t, map[string]*testStage{"only": s}, nil)
	r := serveInside(t, environ)
	r.err.line(t, "connections.only: nothing comes in", r.ended)
	if code := r.drain(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	code, _, stderr := invoke(t, append(environ, "KEY_ONLY="), "serve")
	if code != exitUsage || !strings.Contains(stderr, "relay.yaml:2:") || !strings.Contains(stderr, "connections.only.api_key: variable KEY_ONLY is not set") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
