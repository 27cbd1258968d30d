package bus

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/nats-io/nats.go"
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

// stateMarker is how long the trace of a deleted or expired key stays, for those who watch it.
const stateMarker = time.Minute

// stateBuckets is every bucket. All take a time to live per key (AllowMsgTTL).
//
// An expired key leaves a marker, one more write, where somebody may watch for it. The ledger goes without: there each of
// its entries expires, and nobody watches.
func stateBuckets(cfg Config) map[StateName]jetstream.StreamConfig {
	ledger := stateBucket(cfg, Ledger, "threadrelay: what became of each action")
	ledger.MaxAge = cfg.Retention + cfg.DedupWindow // an action is found in the ledger as long as it is in its stream
	ledger.SubjectDeleteMarkerTTL = 0
	// Fences are revisions of this bucket. They must go on rising if somebody deletes it, so it does not start at 1.
	held := stateBucket(cfg, leases, "threadrelay: which instance does what only one may do")
	held.FirstSeq = uint64(max(time.Now().UnixMilli(), 1)) //nolint:gosec // positive
	return map[StateName]jetstream.StreamConfig{
		Cursors:  stateBucket(cfg, Cursors, "threadrelay: how far each source has been read, and the rate limits learned"),
		Ledger:   ledger,
		Links:    stateBucket(cfg, Links, "threadrelay: which messages mirror each other"),
		BotState: stateBucket(cfg, BotState, "threadrelay: what bots remember"),
		leases:   held,
	}
}

// stateBucket is the stream of a bucket as nats.go makes it, save one thing: AllowDirect is off. With it, any replica
// answers a read, also one that has not applied the newest acknowledged write yet, and nats.go reads that way whenever the
// bucket allows it. Without it, reads go to the stream's leader, and a server counts as leader only once it has applied
// everything that was committed before its election. What is left is a leader that is cut off from the others and does not
// know it yet: its answers may be old for some seconds. Its writes fail, so compare-and-swap is never deceived.
func stateBucket(cfg Config, name StateName, description string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:                   "KV_" + string(name),
		Description:            description,
		Subjects:               []string{statePrefix(name) + ">"},
		MaxMsgsPerSubject:      1,
		Storage:                jetstream.FileStorage,
		Replicas:               cfg.Replicas,
		Retention:              jetstream.LimitsPolicy,
		Discard:                jetstream.DiscardNew,
		Duplicates:             2 * time.Minute,
		AllowRollup:            true,
		DenyDelete:             true,
		AllowMsgTTL:            true,
		SubjectDeleteMarkerTTL: stateMarker,
		MaxMsgs:                -1,
		MaxBytes:               -1,
		MaxMsgSize:             -1,
		MaxConsumers:           -1,
	}
}

func statePrefix(name StateName) string { return "$KV." + string(name) + "." }

// State is one bucket of keys and values. Keys are any strings of 1 to 1200 bytes.
//
// A read sees the newest acknowledged write. Every error names bucket and key.
type State struct {
	js     jetstream.JetStream
	conn   *nats.Conn
	stream jetstream.Stream
	name   StateName
}

// State opens a bucket. It creates it if it is missing, or brings one that is there to the configuration, and destroys
// nothing. It fails if what is there cannot be made to fit, and says why.
func (b *Bus) State(ctx context.Context, name StateName) (*State, error) {
	want, ok := stateBuckets(b.cfg)[name]
	if !ok {
		return nil, fmt.Errorf("bus: state %s: no such bucket", name)
	}
	stream, err := ensureBucket(ctx, b.js, want)
	if err != nil {
		return nil, fmt.Errorf("bus: state %s: %w", name, err)
	}
	return &State{js: b.js, conn: b.cfg.Conn, stream: stream, name: name}, nil
}

func ensureBucket(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) (jetstream.Stream, error) {
	s, err := js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = js.CreateStream(ctx, want)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another instance was faster
			s, err = js.Stream(ctx, want.Name)
		}
	}
	if err != nil {
		return nil, err
	}
	have := s.CachedInfo().Config
	if err := bucketFits(have, want); err != nil {
		return nil, err
	}
	next := bucketUpdate(have, want)
	if reflect.DeepEqual(have, next) {
		return s, nil
	}
	return js.UpdateStream(ctx, next)
}

// bucketFits reports what of a bucket that is there cannot be changed into what is wanted, or only by losing something.
func bucketFits(have, want jetstream.StreamConfig) error {
	switch {
	case have.Storage != want.Storage:
		return fmt.Errorf("%w: stream %s has %s storage, %s is needed: back it up and remove it", errReconcile, want.Name, have.Storage, want.Storage)
	case have.Replicas < want.Replicas:
		return fmt.Errorf("%w: stream %s has %d replicas, %d are needed: change it with `nats stream edit --replicas %d %s`",
			errReconcile, want.Name, have.Replicas, want.Replicas, want.Replicas, want.Name)
	case have.Retention != want.Retention:
		return fmt.Errorf("%w: stream %s has %s retention, %s is needed: back it up and remove it", errReconcile, want.Name, have.Retention, want.Retention)
	case !reflect.DeepEqual(have.Subjects, want.Subjects) || have.Mirror != nil || len(have.Sources) > 0:
		return fmt.Errorf("%w: stream %s is not a plain bucket: rename or remove it", errReconcile, want.Name)
	}
	return nil
}

// bucketUpdate is have with what the program relies on, and the rest as the operator has it.
func bucketUpdate(have, want jetstream.StreamConfig) jetstream.StreamConfig {
	next := have
	next.Description = want.Description
	next.MaxAge = want.MaxAge
	next.Duplicates = want.Duplicates
	next.Discard = want.Discard
	next.AllowDirect = false
	next.AllowRollup = true
	next.AllowMsgTTL = true
	next.SubjectDeleteMarkerTTL = want.SubjectDeleteMarkerTTL
	return next
}
