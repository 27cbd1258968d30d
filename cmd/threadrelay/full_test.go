package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/natsd"
)

// A full store: hooks are refused and readiness says so, and both recover without a restart when there is room again.
func TestFullStore(t *testing.T) {
	broker, err := natsd.New(natsd.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = broker.Close() }()
	s := newTestStage(t)
	r := serveInside(t, s.environment(t.TempDir(), "NATS_URL="+strings.TrimPrefix(broker.URL(), "nats://"), "THREADRELAY_MAX_STORE=32MiB"))
	filler := strings.Replace(messageTo("77", "helper"), `"text":"x"`, `"text":"`+strings.Repeat("x", 400<<10)+`"`, 1)
	status, taken := 200, 0
	for n := 0; status == 200 && n < 100; n++ {
		status = post(t, r, hookPassword, strings.Replace(filler, `"id":"77"`, fmt.Sprintf(`"id":"77%d"`, n), 1))
		if status == 200 {
			taken++
		}
	}
	if status != 503 || taken == 0 {
		t.Errorf("after %d events the hook answers %d, want 503", taken, status)
	}
	r.awaitStatus(503, `"bus":"failing"`)

	nc, err := nats.Connect(broker.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	events, err := js.Stream(bustest.Context(t), bus.EventsStream)
	if err != nil {
		t.Fatal(err)
	}
	if got := events.CachedInfo().State.Msgs; got != uint64(taken) { //nolint:gosec // not negative
		t.Errorf("%d events are stored of %d that were accepted", got, taken)
	}
	if err := events.Purge(bustest.Context(t)); err != nil {
		t.Fatal(err)
	}
	r.awaitStatus(200, `"bus":"ok"`)
	if status := post(t, r, hookPassword, messageTo("99", "helper")); status != 200 {
		t.Errorf("with room again the hook answers %d", status)
	}
	if code := r.drain(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
}

// awaitStatus waits until /readyz answers so.
func (r *relayProcess) awaitStatus(want int, part string) {
	r.t.Helper()
	ctx := bustest.Context(r.t)
	for {
		status, body := r.get("/readyz")
		if status == want && strings.Contains(body, part) {
			return
		}
		if ctx.Err() != nil {
			r.t.Fatalf("readyz stays at %d %s", status, body)
		}
	}
}
