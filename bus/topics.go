package bus

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// topicStreamPrefix begins the names of the streams of added topics.
	topicStreamPrefix = "RELAY_TOPIC_"
	// maxTopicName bounds a topic's name, in bytes: it stands in the names of streams, subjects and files.
	maxTopicName = 128
)

// topics is the streams that can be published to and subscribed from, by topic.
type topics struct {
	mu      sync.RWMutex
	streams map[string]jetstream.Stream
}

// stream returns a topic's stream. Dead letters are no topic: see [Bus.Bury].
func (t *topics) stream(topic string) (jetstream.Stream, bool) {
	if topic == "dead" {
		return nil, false
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	s, ok := t.streams[topic]
	return s, ok
}

// dead returns the stream of the dead letters.
func (t *topics) dead() jetstream.Stream {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.streams["dead"]
}

func (t *topics) add(topic string, s jetstream.Stream) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.streams[topic] = s
}

// AddTopic makes a topic beside [Events] and [Actions], with a stream RELAY_TOPIC_<NAME> of the same shape, or checks and
// updates the one that is there. A name is of lower-case letters, digits, "_" and "-", at most 128 of them. Every process
// that uses a topic adds it first; adding it again does no harm. It has no share of [Config.MaxStore]: a program that adds
// topics allows the server more than that, or else they use up what is kept free for progress records.
//
// Messages that say no lane in [LaneKey] share one: they are handled one at a time, in the order of the stream. That is the
// order a program expects that knows nothing of lanes; who has no use for it gives each message a lane of its own, and loses
// the order and the bound that one commit at a time sets to the rate.
func (b *Bus) AddTopic(ctx context.Context, name string) error {
	if err := checkTopic(name); err != nil {
		return err
	}
	if _, ok := b.topics.stream(name); ok {
		return nil
	}
	want := laneStream(b.cfg, topicStreamPrefix+strings.ToUpper(name), name, "threadrelay: the topic "+name)
	s, err := b.ensureStream(ctx, want)
	if err != nil {
		return err
	}
	b.topics.add(name, s)
	return nil
}

// checkTopic refuses names that cannot be a topic's: of two that differ in case alone, the stream would be one, and
// reserved names are subjects of the bus itself.
func checkTopic(name string) error {
	switch {
	case !validToken(name) || name != strings.ToLower(name) || len(name) > maxTopicName:
		return fmt.Errorf("bus: topic %q: at most %d lower-case letters, digits, _ and - are allowed", name, maxTopicName)
	case slices.Contains([]string{"dead", "members", "query", "receipts"}, name):
		return fmt.Errorf("bus: topic %q: the bus uses this name itself", name)
	}
	return nil
}
