package bus_test

import (
	"bytes"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
)

func TestOpenAgainKeepsMessagesAndUpdates(t *testing.T) {
	srv := bustest.StartServer(t, "")
	publish(t, srv.Open(bus.Config{}), say("a", 0))
	b := srv.Open(bus.Config{Retention: time.Hour, DedupWindow: time.Minute})
	_, c := subscribe(t, b, bus.SubscriberConfig{Group: "g"})
	bustest.Receive(t, c).Ack()
	js, err := jetstream.New(srv.Connect())
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(bustest.Context(t), bus.EventsStream)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.CachedInfo().Config; got.MaxAge != time.Hour || got.Duplicates != time.Minute {
		t.Errorf("max age %s, duplicate window %s", got.MaxAge, got.Duplicates)
	}
}

func TestOpenRefusesStreamsThatDoNotFit(t *testing.T) {
	cases := map[string]struct {
		have jetstream.StreamConfig
		want []string
	}{
		"interest retention": {jetstream.StreamConfig{Retention: jetstream.InterestPolicy}, []string{"has Interest retention, Limits is needed"}},
		"memory storage":     {jetstream.StreamConfig{Storage: jetstream.MemoryStorage}, []string{"has Memory storage, File is needed"}},
		"foreign stream":     {jetstream.StreamConfig{}, []string{`has "" partitions, this program wants "16"`}},
		"other partitions":   {jetstream.StreamConfig{Metadata: map[string]string{"threadrelay.partitions": "4"}}, []string{`has "4" partitions`}},
		"newer schema":       {jetstream.StreamConfig{Metadata: map[string]string{"threadrelay.schema": "2"}}, []string{`has schema "2", this program knows 1`}},
		"no schema":          {jetstream.StreamConfig{Metadata: map[string]string{"threadrelay.schema": "one"}}, []string{`has schema "one"`}},
		"sources":            {jetstream.StreamConfig{Sources: []*jetstream.StreamSource{{Name: "OTHER"}}}, []string{"mirror or sources"}},
		"few consumers":      {jetstream.StreamConfig{MaxConsumers: 3}, []string{"limited to 3 consumers"}},
		"all at once":        {jetstream.StreamConfig{MaxConsumers: 3, Storage: jetstream.MemoryStorage}, []string{"3 consumers", "Memory storage", "partitions"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			srv := bustest.StartServer(t, "")
			nc := srv.Connect()
			c.have.Name, c.have.Subjects = bus.EventsStream, []string{"relay.events.*.*"}
			before := create(t, nc, c.have)
			_, err := bus.Open(bustest.Context(t), bus.Config{Conn: nc})
			for _, want := range append(c.want, bus.EventsStream) {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want one with %q", err, want)
				}
			}
			if after := streams(t, nc); len(after) != 1 || !reflect.DeepEqual(after[bus.EventsStream], before) {
				t.Errorf("streams were made or changed: %+v", after)
			}
		})
	}
	if _, err := bus.Open(bustest.Context(t), bus.Config{}); err == nil {
		t.Error("opened without a connection")
	}
}

func TestOpenReportsEveryStream(t *testing.T) {
	nc := bustest.StartServer(t, "").Connect()
	create(t, nc, jetstream.StreamConfig{Name: bus.EventsStream, Subjects: []string{"x"}})
	create(t, nc, jetstream.StreamConfig{Name: bus.DeadStream, Subjects: []string{"y"}, Storage: jetstream.MemoryStorage})
	create(t, nc, jetstream.StreamConfig{Name: "KV_RELAY_PROGRESS", Subjects: []string{"z"}, Retention: jetstream.WorkQueuePolicy})
	_, err := bus.Open(bustest.Context(t), bus.Config{Conn: nc})
	for _, want := range []string{"stream RELAY_EVENTS has", "stream RELAY_DEAD has", "stream KV_RELAY_PROGRESS has"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// What the server itself refuses is told for every stream too, with what to do.
func TestOpenSaysWhatToDo(t *testing.T) {
	cases := map[string]struct {
		foreign jetstream.StreamConfig
		cfg     bus.Config
		want    []string
	}{
		"more copies than servers": {jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"x"}}, bus.Config{Replicas: 3},
			[]string{"stream RELAY_EVENTS: the server cannot keep 3 copies: set NATS_REPLICAS", "stream KV_RELAY_PROGRESS: the server cannot keep 3 copies"}},
		"subjects taken": {jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"relay.>"}}, bus.Config{},
			[]string{"its subjects relay.events.*.* are taken by stream OTHER", "its subjects relay.dead.> are taken by stream OTHER"}},
		"no room for the limits": {jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"x"}}, bus.Config{MaxStore: 1 << 60},
			[]string{"stream RELAY_EVENTS: the store is full: the server has no room for its limit", "lower THREADRELAY_MAX_STORE"}},
		"too small a store": {jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"x"}}, bus.Config{MaxStore: 1 << 20},
			[]string{"THREADRELAY_MAX_STORE", "1048576 bytes are too few"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			c.cfg.Conn = bustest.StartServer(t, "").Connect()
			create(t, c.cfg.Conn, c.foreign)
			_, err := bus.Open(bustest.Context(t), c.cfg)
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want one with %q", err, want)
				}
			}
		})
	}
}

// An update must lose nothing, and leave alone what is the operator's.
func TestOpenUpdatesOlderStreams(t *testing.T) {
	srv := bustest.StartServer(t, "")
	nc := srv.Connect()
	old := jetstream.StreamConfig{
		Name: bus.EventsStream, Subjects: []string{"relay.events.*.*"}, MaxMsgs: 3, MaxMsgsPerSubject: 3, MaxMsgSize: 10, NoAck: true,
		Discard: jetstream.DiscardOld, Compression: jetstream.S2Compression, Metadata: map[string]string{"threadrelay.partitions": "16", "owner": "me"},
	}
	create(t, nc, old)
	for range 3 {
		if err := nc.Publish("relay.events.a.b", nil); err != nil {
			t.Fatal(err)
		}
	}
	srv.Open(bus.Config{})
	s, err := stream(t, nc, bus.EventsStream).Info(bustest.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	got := s.Config
	if got.Discard != jetstream.DiscardNew || got.MaxMsgs != -1 || got.MaxMsgsPerSubject != -1 || got.MaxMsgSize != -1 || got.NoAck {
		t.Errorf("limits stay: %+v", got)
	}
	if got.Compression != jetstream.S2Compression || got.Metadata["owner"] != "me" || got.Metadata["threadrelay.schema"] != "1" {
		t.Errorf("compression %s, metadata %v", got.Compression, got.Metadata)
	}
	if s.State.Msgs != 3 {
		t.Errorf("%d messages are left of 3", s.State.Msgs)
	}
}

func TestAShorterRetentionIsLoggedWithNumbers(t *testing.T) {
	srv := bustest.StartServer(t, "")
	const store = 64 << 20
	publish(t, srv.Open(bus.Config{MaxStore: store}), say("a", 0), say("a", 1))
	var lines bytes.Buffer
	log := slog.New(slog.NewTextHandler(&lines, nil))
	srv.Open(bus.Config{MaxStore: store, Log: log})
	if lines.Len() > 0 {
		t.Errorf("opened with the same settings: %s", &lines)
	}
	srv.Open(bus.Config{Retention: time.Hour, MaxStore: store, Log: log})
	for _, want := range []string{"level=WARN", "stream=RELAY_EVENTS", "before=168h0m0s now=1h0m0s deleted=0 messages=2"} {
		if !strings.Contains(lines.String(), want) {
			t.Errorf("logged %q, want %q", &lines, want)
		}
	}
	lines.Reset()
	srv.Open(bus.Config{Retention: 100 * time.Millisecond, DedupWindow: 100 * time.Millisecond, MaxStore: store, Log: log})
	if !strings.Contains(lines.String(), "now=100ms") {
		t.Errorf("logged %q", &lines)
	}
}

// A process that may not change streams must be able to work on those that are as they should be.
func TestOpenAsksForNothingIfNothingDiffers(t *testing.T) {
	srv := bustest.StartServer(t, "")
	for _, cfg := range []bus.Config{{}, {MaxStore: 64 << 20, Retention: time.Hour}} {
		srv.Open(cfg)
		watch, err := srv.Connect().SubscribeSync("$JS.API.STREAM.UPDATE.>")
		if err != nil {
			t.Fatal(err)
		}
		made, err := srv.Connect().SubscribeSync("$JS.API.STREAM.CREATE.>")
		if err != nil {
			t.Fatal(err)
		}
		srv.Open(cfg)
		for _, s := range []*nats.Subscription{watch, made} {
			if m, err := s.NextMsg(50 * time.Millisecond); err == nil {
				t.Errorf("asked the server for %s", m.Subject)
			}
		}
	}
}

func stream(t *testing.T, nc *nats.Conn, name string) jetstream.Stream {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(bustest.Context(t), name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// create makes a stream and returns its configuration.
func create(t *testing.T, nc *nats.Conn, cfg jetstream.StreamConfig) jetstream.StreamConfig {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(bustest.Context(t), cfg); err != nil {
		t.Fatal(err)
	}
	return streams(t, nc)[cfg.Name]
}

// streams returns the configurations of all streams.
func streams(t *testing.T, nc *nats.Conn) map[string]jetstream.StreamConfig {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]jetstream.StreamConfig)
	list := js.ListStreams(bustest.Context(t))
	for info := range list.Info() {
		all[info.Config.Name] = info.Config
	}
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
