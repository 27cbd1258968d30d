package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrFull means that the store has no room for another message. What is stored stays; it becomes possible again when
// messages have reached the end of their retention or were removed.
var ErrFull = errors.New("the store is full")

// MinStore is the least Config.MaxStore, in bytes: below it a share would not hold a few messages of the largest size.
const MinStore = 32 << 20

// Error codes of JetStream that mean a lack of room; see the list in errors.json of nats-server.
const (
	codeAccountFull  jetstream.ErrorCode = 10002 // resource limits exceeded for account
	codeServerFull   jetstream.ErrorCode = 10023 // insufficient resources
	codeMemoryFull   jetstream.ErrorCode = 10028 // insufficient memory resources available
	codeStorageFull  jetstream.ErrorCode = 10047 // insufficient storage resources available
	codeStoreFailure jetstream.ErrorCode = 10077 // the store's own words follow
)

// isFull reports whether the server refused a message for lack of room.
func isFull(err error) bool {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode {
	case codeAccountFull, codeServerFull, codeMemoryFull, codeStorageFull:
		return true
	case codeStoreFailure:
		return strings.Contains(api.Description, "maximum bytes exceeded") || strings.Contains(api.Description, "no space left")
	}
	return false
}

const (
	// roomAge is how long what was found out about the room is remembered.
	roomAge = time.Second
	// refusalAge is how long a refusal counts for which no limit is to be seen, as that of a server shared with others.
	refusalAge = 5 * time.Second
)

// room remembers whether events can be stored.
type room struct {
	refusal atomic.Int64 // when an event was last refused for lack of room, in ns since 1970, and none stored since

	mu   sync.Mutex
	at   time.Time
	last error
}

func (r *room) refuse() { r.refusal.Store(time.Now().UnixNano()) }

func (r *room) accept() {
	if r.refusal.Load() != 0 {
		r.refusal.Store(0)
	}
}

// known returns what look says, or what it said a moment ago.
func (r *room) known(ctx context.Context, look func(context.Context) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.at.IsZero() && time.Since(r.at) < roomAge {
		return r.last
	}
	err := look(ctx)
	if ctx.Err() != nil {
		return err // says nothing about the store
	}
	r.at, r.last = time.Now(), err
	return err
}

// Ready returns nil if an event of any size can be stored at this moment, and otherwise why not: [ErrNotConnected],
// [ErrFull], or the error of a server that does not answer. It looks once in a second at most.
func (b *Bus) Ready(ctx context.Context) error {
	if !b.cfg.Conn.IsConnected() {
		return fmt.Errorf("bus: %w: connection is %s", ErrNotConnected, b.cfg.Conn.Status())
	}
	if err := b.room.known(ctx, b.lookForRoom); err != nil {
		return fmt.Errorf("bus: stream %s: %w", EventsStream, err)
	}
	return nil
}

// lookForRoom asks the leader of the events' stream, which has to be there to answer, and the account.
func (b *Bus) lookForRoom(ctx context.Context) error {
	s, err := b.js.Stream(ctx, EventsStream)
	if err != nil {
		return err
	}
	info := s.CachedInfo()
	if err := hasRoom(info.State.Bytes, info.Config.MaxBytes, largest(b.cfg.Conn)); err != nil {
		return fmt.Errorf("%w: its share: %w", ErrFull, err)
	}
	account, err := b.js.AccountInfo(ctx)
	if err != nil {
		return fmt.Errorf("look at the account: %w", err)
	}
	copies := int64(info.Config.Replicas)
	tier, tiered := account.Tiers[fmt.Sprintf("R%d", copies)]
	if !tiered {
		tier = account.Tier
	}
	if err := hasRoom(tier.Store, tier.Limits.MaxStore, copies*largest(b.cfg.Conn)); err != nil {
		return fmt.Errorf("%w: the account: %w", ErrFull, err)
	}
	if at := b.room.refusal.Load(); at != 0 && time.Since(time.Unix(0, at)) < refusalAge {
		return fmt.Errorf("%w: the server refused an event", ErrFull)
	}
	return nil
}

// hasRoom reports whether next more bytes fit. A limit that is not positive is none.
func hasRoom(used uint64, limit, next int64) error {
	if limit <= 0 || limit >= next && used <= uint64(limit-next) { //nolint:gosec // not negative
		return nil
	}
	return fmt.Errorf("%d of %d bytes are taken", used, limit)
}

// largest bounds the bytes that one message takes in the store: the payload and headers that the server accepts, the subject
// and the store's own fields.
func largest(nc *nats.Conn) int64 { return nc.MaxPayload() + 8<<10 }

// checkStore reports whether the shares of Config.MaxStore are large enough to work with.
func checkStore(cfg Config) error {
	if cfg.MaxStore == 0 {
		return nil
	}
	if cfg.MaxStore < MinStore {
		return fmt.Errorf("bus: Config.MaxStore (THREADRELAY_MAX_STORE): %d bytes are too few, at least %d are needed: allow more, or free disk", cfg.MaxStore, MinStore)
	}
	if least, most := 2*largest(cfg.Conn), shareOf(cfg, eventsShare); most < least {
		return fmt.Errorf("bus: Config.MaxStore (THREADRELAY_MAX_STORE): of %d bytes, %d are for events, and at least %d are needed on a server that takes messages of %d: allow more",
			cfg.MaxStore, most, least, cfg.Conn.MaxPayload())
	}
	return nil
}
