package bus

import (
	"strconv"

	"github.com/nats-io/nats.go/jetstream"
)

// Names of what is kept in JetStream. Bots in any language may rely on those of the streams.
const (
	EventsStream     = "RELAY_EVENTS"
	IncompleteStream = "RELAY_INCOMPLETE"
	ActionsStream    = "RELAY_ACTIONS"
	ReceiptsStream   = "RELAY_RECEIPTS"
	DeadStream       = "RELAY_DEAD"
	progressBucket   = "RELAY_PROGRESS"
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

// The shares of Config.MaxStore, in percent; together they are the whole. Each stream and bucket but one refuses what exceeds
// its share (the receipts drop the oldest instead), so that none of them can take the room of another: with events at their
// limit, bots still publish actions, what fails still becomes a dead letter, and what was said is still written into the ledger.
// The progress records, without which no work can be finished, have no limit: their share is what is left when all others are
// full, and they may use more.
const (
	eventsShare     = 42
	incompleteShare = 2
	actionsShare    = 14
	receiptsShare   = 8 // one for each action, about half as large
	deadShare       = 8
	ledgerShare     = 8 // one small entry for each action, which lives a little longer than that
	linksShare      = 4
	botStateShare   = 4
	cursorsShare    = 1
	leasesShare     = 1
	progressShare   = 8
)

// kept is one row of the layout: a stream, or a bucket, which is a stream as well.
type kept struct {
	// topic of a stream ("dead" for dead letters), or else bucket is set.
	topic, bucket string
	// share of Config.MaxStore in percent.
	share int
	// open says that the share is no limit.
	open bool
	// wished says that the stream's limit follows from the account and not from the configuration.
	wished bool
	stream jetstream.StreamConfig
}

// layout is everything that is kept in JetStream, except the streams of added topics. The order is that of creation: what
// finishes work comes before what brings it.
func layout(cfg Config) []kept {
	dead := base(cfg, DeadStream, "threadrelay: messages that could not be handled")
	dead.Subjects = []string{deadAll}
	rows := []kept{
		{bucket: progressBucket, share: progressShare, open: true, stream: bucketStream(cfg, progressBucket, "threadrelay: how far each consumer group has come in each partition")},
		{topic: "dead", share: deadShare, stream: dead},
		stateRow(leasesShare, leasesBucket(cfg)),
		stateRow(ledgerShare, ledgerBucket(cfg)),
		stateRow(cursorsShare, stateBucket(cfg, Cursors, "threadrelay: how far each source has been read, and the rate limits learned")),
		stateRow(linksShare, stateBucket(cfg, Links, "threadrelay: which messages mirror each other")),
		stateRow(botStateShare, stateBucket(cfg, BotState, "threadrelay: what bots remember")),
		{topic: Receipts, share: receiptsShare, stream: receiptsStream(cfg)},
		{topic: Actions, share: actionsShare, stream: laneStream(cfg, ActionsStream, Actions, "threadrelay: what bots want done")},
		{topic: Incomplete, share: incompleteShare, stream: laneStream(cfg, IncompleteStream, Incomplete, "threadrelay: events that are not whole yet")},
		{topic: Events, share: eventsShare, stream: laneStream(cfg, EventsStream, Events, "threadrelay: what happened at the platforms")},
	}
	for i, row := range rows {
		if !row.open {
			rows[i].stream.MaxBytes = shareOf(cfg, row.share)
		}
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
	if cfg.MaxStore == 0 {
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

// receiptsStream alone forgets the oldest when it is full: whether anybody reads receipts or not, they must not keep answers
// from being sent, and what they say stands in the ledger too.
func receiptsStream(cfg Config) jetstream.StreamConfig {
	c := laneStream(cfg, ReceiptsStream, Receipts, "threadrelay: what became of what bots wanted done")
	c.Discard = jetstream.DiscardOld
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
