package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"
)

// Names of what is kept in JetStream. Bots in any language may rely on those of the streams.
const (
	EventsStream   = "RELAY_EVENTS"
	ActionsStream  = "RELAY_ACTIONS"
	DeadStream     = "RELAY_DEAD"
	progressBucket = "RELAY_PROGRESS"
)

// partitionsKey is the entry of a stream's metadata that holds the number of partitions it was made with.
const partitionsKey = "threadrelay.partitions"

// errReconcile starts every refusal to start on streams that are not what they must be.
var errReconcile = errors.New("bus: the streams on this server do not fit")

// topology is every stream by topic ("dead" for dead letters).
func topology(cfg Config) map[string]jetstream.StreamConfig {
	lanes := func(name, topic, description string) jetstream.StreamConfig {
		c := base(cfg, name, description)
		c.Subjects = []string{publishFilter(topic)}
		c.SubjectTransform = &jetstream.SubjectTransformConfig{
			Source: publishFilter(topic), Destination: storedTransform(topic, cfg.Partitions),
		}
		c.Metadata = map[string]string{partitionsKey: strconv.Itoa(cfg.Partitions)}
		return c
	}
	dead := base(cfg, DeadStream, "threadrelay: messages that could not be handled")
	dead.Subjects = []string{deadAll}
	return map[string]jetstream.StreamConfig{
		Events:  lanes(EventsStream, Events, "threadrelay: what happened at the platforms"),
		Actions: lanes(ActionsStream, Actions, "threadrelay: what bots want done"),
		"dead":  dead,
	}
}

func base(cfg Config, name, description string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        name,
		Description: description,
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardOld,
		Storage:     jetstream.FileStorage,
		Replicas:    cfg.Replicas,
		MaxAge:      cfg.Retention,
		Duplicates:  cfg.DedupWindow,
	}
}

// ensureStreams creates the streams, or brings those that are there to the configuration, and destroys nothing.
func ensureStreams(ctx context.Context, js jetstream.JetStream, cfg Config) (map[string]jetstream.Stream, error) {
	streams := make(map[string]jetstream.Stream)
	for topic, want := range topology(cfg) {
		s, err := ensureStream(ctx, js, want)
		if err != nil {
			return nil, err
		}
		streams[topic] = s
	}
	return streams, nil
}

func ensureStream(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) (jetstream.Stream, error) {
	s, err := js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = js.CreateStream(ctx, want)
		if err != nil {
			return nil, fmt.Errorf("bus: create stream %s: %w", want.Name, err)
		}
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("bus: look up stream %s: %w", want.Name, err)
	}
	if err := reconcilable(s.CachedInfo().Config, want); err != nil {
		return nil, err
	}
	if s, err = js.UpdateStream(ctx, want); err != nil {
		return nil, fmt.Errorf("bus: update stream %s: %w", want.Name, err)
	}
	return s, nil
}

// reconcilable reports what of a stream that is there cannot be changed into what is wanted.
func reconcilable(have, want jetstream.StreamConfig) error {
	switch {
	case have.Retention != want.Retention:
		return fmt.Errorf("%w: stream %s has %s retention, %s is needed: rename or remove it", errReconcile, want.Name, have.Retention, want.Retention)
	case have.Storage != want.Storage:
		return fmt.Errorf("%w: stream %s has %s storage, %s is needed: rename or remove it", errReconcile, want.Name, have.Storage, want.Storage)
	case have.Metadata[partitionsKey] != want.Metadata[partitionsKey]:
		return fmt.Errorf("%w: stream %s has %q partitions, this program wants %q: the number is fixed when a stream is made",
			errReconcile, want.Name, have.Metadata[partitionsKey], want.Metadata[partitionsKey])
	}
	return nil
}

// ensureProgress makes the bucket of the progress records. It has no TTL: a record that expired during an outage would
// have everything handled again.
func ensureProgress(ctx context.Context, js jetstream.JetStream, cfg Config) (jetstream.KeyValue, error) {
	kv, err := js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket:      progressBucket,
		Description: "threadrelay: how far each consumer group has come in each partition",
		History:     1,
		Storage:     jetstream.FileStorage,
		Replicas:    cfg.Replicas,
	})
	if err != nil {
		return nil, fmt.Errorf("bus: bucket %s: %w", progressBucket, err)
	}
	return kv, nil
}
