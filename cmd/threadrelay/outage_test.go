package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/natsd"
	"github.com/threadrelay/threadrelay/relay/sim"
)

// An outage of an external NATS: hooks are refused at once, readiness says so, and all goes on by itself when it is back.
func TestExternalNATSGoesAwayAndComesBack(t *testing.T) {
	dir := t.TempDir()
	broker, err := natsd.New(natsd.Config{Dir: dir, Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(broker.URL(), "nats://")
	s := newTestStage(t)
	unused := t.TempDir() + "/data"
	r := serveInside(t, s.environment(unused, "NATS_URL=nats://"+address))
	before := s.say(sim.Say{From: "ana", ToUser: demoBot, Text: "before"})
	s.hook(r)
	if err := s.chat.Redeliver(before.ID); err != nil {
		t.Fatal(err)
	}
	s.await(before.ID, "before")

	if err := broker.Close(); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if status := post(t, r, hookPassword, messageTo("77", "helper")); status != 503 {
		t.Errorf("hook during the outage: %d", status)
	}
	t.Logf("refused within %s", time.Since(start).Round(time.Millisecond))
	if status, body := r.get("/readyz"); status != 503 || !strings.Contains(body, `"bus":"failing"`) {
		t.Errorf("readyz during the outage: %d %s", status, body)
	}
	if status, _ := r.get("/livez"); status != 200 {
		t.Errorf("livez during the outage: %d", status)
	}

	if broker, err = natsd.New(natsd.Config{Dir: dir, Listen: address}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = broker.Close() }()
	r.err.line(t, "connection to NATS is back", r.ended)
	after := s.say(sim.Say{From: "ana", Parent: before.ID, Text: "after"})
	for post(t, r, hookPassword, messageTo("88", demoBot)) != 200 { // the streams come up a little later than the connection
	}
	s.chat.RemoveWebhook("relay")
	s.hook(r)
	if err := s.chat.Redeliver(after.ID); err != nil {
		t.Fatal(err)
	}
	s.await(before.ID, "after")
	if status, body := r.get("/readyz"); status != 200 {
		t.Errorf("readyz after the outage: %d %s", status, body)
	}
	if code := r.drain(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Stat(unused); err == nil {
		t.Error("a data folder was made though NATS is external")
	}
}

// messageTo is a webhook's body that nobody's answer depends on: its sender is the bot itself.
func messageTo(id, receiver string) string {
	return `{"trigger":"message_sent","appId":"sim-app","data":{"message":{"id":"` + id + `","category":"message","type":"text","sender":"` +
		demoBot + `","receiver":"` + receiver + `","receiverType":"user","sentAt":1790000000,"data":{"text":"x"}}}}`
}

// A second signal does not wait for anything.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	s := newTestStage(t)
	s.chat.Inject(sim.Fault{Path: "/messages/*/thread", Delay: time.Hour})
	r := serveBinary(t, buildBinary(t), s.environment(t.TempDir()))
	s.hook(r)
	s.say(sim.Say{From: "ana", ToUser: demoBot, Text: "hello"})
	r.awaitMetric(`threadrelay_bus_running{group="deliver"} 1`) // the call hangs
	r.stop()
	r.err.line(t, "draining", r.ended)
	r.stop()
	select {
	case <-r.ended:
	case <-time.After(bustest.Patience):
		t.Fatal("still running")
	}
	if r.code != exitFailed {
		t.Errorf("exit code %d", r.code)
	}
	if strings.Contains(r.err.String(), "partition ended early") {
		t.Error("it waited for the call until the grace time was over")
	}
}
