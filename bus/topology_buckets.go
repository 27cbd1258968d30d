package bus

import (
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// StateName names a bucket of what is remembered beside the streams.
type StateName string

// The buckets. Each is an ordinary NATS key-value bucket, which the tools of NATS can show.
const (
	// Cursors holds how far each polled source has been read, and the rate limits learned.
	Cursors StateName = "RELAY_CURSORS"
	// Ledger holds what became of each action. Its entries live longer than the actions themselves.
	Ledger StateName = "RELAY_LEDGER"
	// Links holds which message of one platform mirrors which message of another.
	Links StateName = "RELAY_LINKS"
	// BotState holds what bots remember.
	BotState StateName = "RELAY_BOT_STATE"
	// leases holds who may do what only one instance may do (see [Lease]).
	leases StateName = "RELAY_LEASES"
)

const (
	// bucketPrefix makes the name of a bucket's stream.
	bucketPrefix = "KV_"
	// bucketDuplicates is the duplicate window that the KV specification of NATS wants.
	bucketDuplicates = 2 * time.Minute
	// stateMarker is how long the trace of a deleted or expired key stays, for those who watch it.
	stateMarker = time.Minute
)

// bucketStream is the stream under a bucket with one value per key, as the KV specification of NATS (ADR-8) has it. Values
// have no age: a progress record that expired during an outage would have everything handled again.
//
// It is as nats.go makes it, save one thing: AllowDirect is off. With it, any replica answers a read, also one that has not
// applied the newest acknowledged write yet, and nats.go reads that way whenever the bucket allows it. Without it, reads go to
// the stream's leader, and a server counts as leader only once it has applied everything that was committed before its
// election. What is left is a leader that is cut off from the others and does not know it yet: its answers may be old for
// some seconds. Its writes fail, so compare-and-swap is never deceived.
func bucketStream(cfg Config, bucket, description string) jetstream.StreamConfig {
	c := base(cfg, bucketPrefix+bucket, description)
	c.Subjects = []string{"$KV." + bucket + ".>"}
	c.MaxAge, c.Duplicates = 0, bucketDuplicates
	c.MaxMsgsPerSubject, c.AllowRollup, c.DenyDelete = 1, true, true
	return c
}

// stateBucket is a bucket whose keys may have a time to live. An expired key leaves a marker, one more write, where somebody
// may watch for it.
func stateBucket(cfg Config, name StateName, description string) jetstream.StreamConfig {
	c := bucketStream(cfg, string(name), description)
	c.AllowMsgTTL, c.SubjectDeleteMarkerTTL = true, stateMarker
	return c
}

// ledgerBucket goes without markers: each of its entries expires, and nobody watches.
func ledgerBucket(cfg Config) jetstream.StreamConfig {
	c := stateBucket(cfg, Ledger, "threadrelay: what became of each action")
	c.MaxAge = cfg.Retention + cfg.DedupWindow // an action is found in the ledger as long as it is in its stream
	c.Duplicates = min(c.Duplicates, c.MaxAge)
	c.SubjectDeleteMarkerTTL = 0
	return c
}

// leasesBucket has revisions that are fences: they must go on rising if somebody deletes it, so it does not start at 1.
func leasesBucket(cfg Config) jetstream.StreamConfig {
	c := stateBucket(cfg, leases, "threadrelay: which instance does what only one may do")
	c.FirstSeq = uint64(max(time.Now().UnixMilli(), 1)) //nolint:gosec // positive
	return c
}

// stateRow is the row of a bucket that [Bus.State] opens.
func stateRow(share int, stream jetstream.StreamConfig) kept {
	return kept{bucket: strings.TrimPrefix(stream.Name, bucketPrefix), share: share, stream: stream}
}

// stateBuckets is the rows of the buckets that [Bus.State] opens, by name.
func stateBuckets(cfg Config) map[StateName]jetstream.StreamConfig {
	buckets := make(map[StateName]jetstream.StreamConfig)
	for _, row := range layout(cfg) {
		if row.bucket != "" && row.bucket != progressBucket {
			buckets[StateName(row.bucket)] = row.stream
		}
	}
	return buckets
}
