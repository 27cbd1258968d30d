package bus

import (
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

// Entries of a stream's metadata.
const (
	// partitionsKey holds the number of partitions that a stream was made with.
	partitionsKey = "threadrelay.partitions"
	// schemaKey holds the schema of the program that last set the stream up.
	schemaKey = "threadrelay.schema"
)

// schema is the version of what this file describes. It grows when an older program could not work with it any more.
const schema = 1

// The shares of Config.MaxStore, in percent. Each stream with one refuses what exceeds it, so that none of them can take the
// room of another: with events at their limit, bots still publish actions, and what fails still becomes a dead letter. What
// is left, spareShare or more, is for what has no share: the progress records, without which no work can be finished, and the
// other buckets and added topics.
const (
	eventsShare  = 50
	actionsShare = 20
	deadShare    = 10
	spareShare   = 20
)

// kept is one row of the layout: a stream, or a bucket, which is a stream as well.
type kept struct {
	// topic of a stream ("dead" for dead letters), or else bucket is set.
	topic, bucket string
	// share of Config.MaxStore in percent; 0 is no limit of its own.
	share  int
	stream jetstream.StreamConfig
}

// layout is everything that is kept in JetStream, except the streams of added topics. The order is that of creation: what
// finishes work comes before what brings it.
func layout(cfg Config) []kept {
	dead := base(cfg, DeadStream, "threadrelay: messages that could not be handled")
	dead.Subjects = []string{deadAll}
	rows := []kept{
		{bucket: progressBucket, stream: bucketStream(cfg, progressBucket, "threadrelay: how far each consumer group has come in each partition")},
		{topic: "dead", share: deadShare, stream: dead},
		{topic: Actions, share: actionsShare, stream: laneStream(cfg, ActionsStream, Actions, "threadrelay: what bots want done")},
		{topic: Events, share: eventsShare, stream: laneStream(cfg, EventsStream, Events, "threadrelay: what happened at the platforms")},
	}
	for i, row := range rows {
		rows[i].stream.MaxBytes = shareOf(cfg, row.share)
	}
	return rows
}

// topology is the streams of the layout by topic.
func topology(cfg Config) map[string]jetstream.StreamConfig {
	streams := make(map[string]jetstream.StreamConfig)
	for _, row := range layout(cfg) {
		if row.topic != "" {
			streams[row.topic] = row.stream
		}
	}
	return streams
}

// shareOf returns a share of Config.MaxStore in bytes, or -1 for no limit.
func shareOf(cfg Config, percent int) int64 {
	if cfg.MaxStore == 0 || percent == 0 {
		return -1
	}
	return cfg.MaxStore / 100 * int64(percent)
}

// laneStream is a stream whose messages belong to lanes.
func laneStream(cfg Config, name, topic, description string) jetstream.StreamConfig {
	c := base(cfg, name, description)
	c.Subjects = []string{publishFilter(topic)}
	c.SubjectTransform = &jetstream.SubjectTransformConfig{
		Source: publishFilter(topic), Destination: storedTransform(topic, cfg.Partitions),
	}
	c.Metadata[partitionsKey] = strconv.Itoa(cfg.Partitions)
	return c
}

// base is what all streams have in common. When one is full it refuses what is new; only age deletes.
func base(cfg Config, name, description string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              name,
		Description:       description,
		Retention:         jetstream.LimitsPolicy,
		Discard:           jetstream.DiscardNew,
		Storage:           jetstream.FileStorage,
		Replicas:          cfg.Replicas,
		MaxAge:            cfg.Retention,
		MaxBytes:          -1,
		MaxMsgsPerSubject: -1,
		Duplicates:        cfg.DedupWindow,
		Metadata:          map[string]string{schemaKey: strconv.Itoa(schema)},
	}
}

// bucketStream is the stream under a bucket with one value per key, as the KV specification of NATS (ADR-8) has it. Values
// have no age: a progress record that expired during an outage would have everything handled again. They are read from the
// leader alone: one from a replica could be older than what was written before.
func bucketStream(cfg Config, bucket, description string) jetstream.StreamConfig {
	c := base(cfg, bucketPrefix+bucket, description)
	c.Subjects = []string{"$KV." + bucket + ".>"}
	c.MaxAge, c.Duplicates = 0, bucketDuplicates
	c.MaxMsgsPerSubject, c.AllowRollup, c.DenyDelete = 1, true, true
	return c
}
