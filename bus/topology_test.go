package bus_test

import (
	"strings"
	"testing"
	"time"

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
		want string
	}{
		"interest retention": {jetstream.StreamConfig{Retention: jetstream.InterestPolicy}, "has Interest retention, Limits is needed"},
		"memory storage":     {jetstream.StreamConfig{Storage: jetstream.MemoryStorage}, "has Memory storage, File is needed"},
		"foreign stream":     {jetstream.StreamConfig{}, `has "" partitions, this program wants "16"`},
		"other partitions":   {jetstream.StreamConfig{Metadata: map[string]string{"threadrelay.partitions": "4"}}, `has "4" partitions`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			srv := bustest.StartServer(t, "")
			nc := srv.Connect()
			js, err := jetstream.New(nc)
			if err != nil {
				t.Fatal(err)
			}
			c.have.Name, c.have.Subjects = bus.EventsStream, []string{"relay.events.*.*"}
			if _, err := js.CreateStream(bustest.Context(t), c.have); err != nil {
				t.Fatal(err)
			}
			_, err = bus.Open(bustest.Context(t), bus.Config{Conn: nc})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), bus.EventsStream) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	if _, err := bus.Open(bustest.Context(t), bus.Config{}); err == nil {
		t.Error("opened without a connection")
	}
}
