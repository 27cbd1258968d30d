package bus_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/natsd"
)

// openLogged opens a bus without a bound of its own, and returns what it told the log meanwhile.
func openLogged(t *testing.T, nc *nats.Conn) (*bus.Bus, string) {
	t.Helper()
	var lines bytes.Buffer
	b, err := bus.Open(bustest.Context(t), bus.Config{Conn: nc, Log: slog.New(slog.NewTextHandler(&lines, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return b, lines.String()
}

const noBound = "no bound is set on what the streams may take"

// Where the account has a limit, its streams get shares of that, so that work can be finished when events are full.
func TestTheBoundFollowsFromTheAccount(t *testing.T) {
	const limit, taken = 64 << 20, 10 << 20
	srv := bustest.Start(t, natsd.Config{MaxAccount: limit})
	nc := srv.Connect()
	create(t, nc, jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"other"}, MaxBytes: taken})
	b, lines := openLogged(t, nc)
	if lines != "" {
		t.Errorf("logged %s", lines)
	}
	made := streams(t, nc)
	if got, want := made[bus.EventsStream].MaxBytes, int64(limit-taken)/100*42; got < want-100 || got > want {
		t.Errorf("events may take %d bytes, want %d", got, want)
	}
	if got := made["KV_RELAY_PROGRESS"].MaxBytes; got != -1 {
		t.Errorf("progress may take no more than %d bytes", got)
	}
	filled := fill(t, b, 500_000)
	_, c := subscribe(t, b, bus.SubscriberConfig{Group: "g"})
	for range filled {
		bustest.Receive(t, c).Ack()
	}

	watch, err := nc.SubscribeSync("$JS.API.STREAM.UPDATE.>")
	if err != nil {
		t.Fatal(err)
	}
	if _, lines := openLogged(t, srv.Connect()); lines != "" { // by now the account has less to give
		t.Errorf("opened again: %s", lines)
	}
	if m, err := watch.NextMsg(50 * time.Millisecond); err == nil {
		t.Errorf("opened again, it asked the server for %s", m.Subject)
	}
}

func TestWithoutABoundTheLogSaysSo(t *testing.T) {
	cases := map[string]struct {
		account int64
		want    []string
	}{
		"no limit": {0, []string{noBound, "THREADRELAY_MAX_STORE", "no limit of its own"}},
		"little":   {16 << 20, []string{noBound, "leaves too little"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			srv := bustest.Start(t, natsd.Config{MaxAccount: c.account})
			b, lines := openLogged(t, srv.Connect())
			if err := b.Ready(bustest.Context(t)); err != nil {
				t.Error(err)
			}
			for _, want := range c.want {
				if strings.Count(lines, want) != 1 || strings.Count(lines, "\n") != 1 {
					t.Errorf("logged %s, want %q", lines, want)
				}
			}
			for name, cfg := range streams(t, srv.Connect()) {
				if cfg.MaxBytes != -1 {
					t.Errorf("%s may take %d bytes", name, cfg.MaxBytes)
				}
			}
		})
	}
}

// A limit that somebody has set by hand is no business of a process that has no bound configured.
func TestALimitSetByHandStays(t *testing.T) {
	srv := bustest.Start(t, natsd.Config{MaxAccount: 64 << 20})
	nc := srv.Connect()
	openLogged(t, nc)
	cfg := streams(t, nc)[bus.EventsStream]
	cfg.MaxBytes = 5 << 20
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.UpdateStream(bustest.Context(t), cfg); err != nil {
		t.Fatal(err)
	}
	openLogged(t, nc)
	if got := streams(t, nc)[bus.EventsStream].MaxBytes; got != 5<<20 {
		t.Errorf("events may take %d bytes", got)
	}
	srv.Open(bus.Config{MaxStore: 40 << 20})
	if got, want := streams(t, nc)[bus.EventsStream].MaxBytes, int64(40<<20)/100*42; got != want {
		t.Errorf("with a bound configured, events may take %d bytes, want %d", got, want)
	}
}

// Who may not change streams, and would give them limits, starts all the same.
func TestWhoMayNotSetLimitsGoesWithout(t *testing.T) {
	dir := t.TempDir()
	before := bustest.Start(t, natsd.Config{Dir: dir, Users: roleUsers(t)})
	login(t, before, "operator").open(t)
	before.Stop()
	srv := bustest.Start(t, natsd.Config{Dir: dir, Users: roleUsers(t), MaxAccount: 64 << 20})
	_, lines := openLogged(t, login(t, srv, "bots").conn)
	if !strings.Contains(lines, "streams could not be given their share") || strings.Count(lines, "\n") != 1 {
		t.Errorf("logged %s", lines)
	}
	_, lines = openLogged(t, login(t, srv, "operator").conn)
	if lines != "" {
		t.Errorf("the operator's log says %s", lines)
	}
	if _, lines = openLogged(t, login(t, srv, "bots").conn); lines != "" {
		t.Errorf("after the operator has set them: %s", lines)
	}
}

// The server itself is out of room: a commit is tried until there is some, and the message is not handled again.
func TestCommitsOutlastAFullServer(t *testing.T) {
	srv := bustest.Start(t, natsd.Config{MaxStore: 8 << 20})
	b := srv.Open(bus.Config{})
	nc := srv.Connect()
	create(t, nc, jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"other"}})
	s, c := subscribe(t, b, bus.SubscriberConfig{Group: "g", Grace: bustest.Patience})
	publish(t, b, say("a", 0), say("a", 1))
	first := bustest.Receive(t, c)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = js.Publish(bustest.Context(t), "other", make([]byte, 500_000))
	}
	for err = nil; err == nil; { // down to the last byte
		_, err = js.Publish(bustest.Context(t), "other", nil)
	}
	state := openState(t, b, bus.Links)
	if _, err := state.Put(bustest.Context(t), "k", []byte("v"), 0); !errors.Is(err, bus.ErrFull) {
		t.Errorf("a value on a full server: %v", err)
	}
	watch, err := nc.SubscribeSync("$KV.RELAY_PROGRESS.g.events.*")
	if err != nil {
		t.Fatal(err)
	}
	first.Ack()
	for range 3 { // writes that are refused
		ctx, cancel := context.WithTimeout(context.Background(), bustest.Patience)
		if _, err := watch.NextMsgWithContext(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
	}
	select {
	case <-c:
		t.Error("the next message of the lane came before the first was on record")
	default:
	}
	if err := stream(t, nc, "OTHER").Purge(bustest.Context(t)); err != nil {
		t.Fatal(err)
	}
	if m := bustest.Receive(t, c); string(m.Payload) != "1" {
		t.Errorf("after the first message came %q", m.Payload)
	} else {
		m.Ack()
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantAllOnRecord(t, srv, "g")
}
