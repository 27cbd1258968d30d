package bus

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// wishTime bounds what is spent on limits that nobody has configured.
const wishTime = 3 * time.Second

// wishes gives the rows limits where the configuration sets no bound but the account has one. It is done for streams without
// a limit alone: those that have one keep it, or else every process that starts would set another. A limit that cannot be set
// is no reason not to start.
type wishes struct {
	bus       *Bus
	until     time.Time
	unlimited []string // the streams that could not be given a limit
	reason    error    // of the last of them
}

// wish sets the limits of the rows, and tells the log if there is no bound to be found.
func (b *Bus) wish(ctx context.Context, rows []kept, there []jetstream.Stream) *wishes {
	w := &wishes{bus: b, until: time.Now().Add(wishTime)}
	if b.cfg.MaxStore > 0 || !anyUnlimited(rows, there) {
		return w
	}
	ctx, cancel := context.WithDeadline(ctx, w.until)
	defer cancel()
	account, err := b.js.AccountInfo(ctx)
	if err == nil {
		var a allotment
		if a, err = allot(account, b.cfg.Replicas, there); err == nil {
			err = a.check(b)
		}
		if err == nil {
			a.give(rows, there)
			return w
		}
	}
	b.cfg.Log.Warn("no bound is set on what the streams may take: when the server is full, work that was begun cannot be written down as handled; "+
		"set THREADRELAY_MAX_STORE to the bytes that they may take on each server", "error", err)
	return w
}

// anyUnlimited reports whether a row that is to have a limit has none.
func anyUnlimited(rows []kept, there []jetstream.Stream) bool {
	for i, row := range rows {
		if !row.open && limitOf(there[i]) == 0 {
			return true
		}
	}
	return false
}

// limitOf is the limit of a stream that is there, or 0.
func limitOf(s jetstream.Stream) int64 {
	if s == nil {
		return 0
	}
	return max(0, s.CachedInfo().Config.MaxBytes)
}

// allotment is what an account allows the layout.
type allotment struct {
	total int64 // in the place of Config.MaxStore
	most  int64 // of one stream
	all   bool  // no stream may be without a limit
}

// errNoBound means that the account allows whatever the server has.
var errNoBound = errors.New("the account has no limit of its own")

// allot derives what the streams may take together: what the account allows, less what others of it take or have reserved.
// Where an account has one limit for all, copies count; where it has tiers, each is for a number of copies.
func allot(account *jetstream.AccountInfo, replicas int, there []jetstream.Stream) (allotment, error) {
	tier, tiered := account.Tiers[fmt.Sprintf("R%d", replicas)]
	copies := uint64(1)
	if !tiered {
		tier, copies = account.Tier, uint64(replicas) //nolint:gosec // 1 to 5
	}
	if tier.Limits.MaxStore <= 0 {
		return allotment{}, errNoBound
	}
	var held, reserved uint64
	for _, s := range there {
		if s != nil {
			held += copies * s.CachedInfo().State.Bytes
			reserved += copies * uint64(limitOf(s)) //nolint:gosec // not negative
		}
	}
	others := max(less(tier.Store, held), less(tier.ReservedStore, reserved))
	a := allotment{total: int64(less(uint64(tier.Limits.MaxStore), others) / copies), most: math.MaxInt64, all: tier.Limits.MaxBytesRequired} //nolint:gosec // no more than MaxStore
	if tier.Limits.StoreMaxStreamBytes > 0 {
		a.most = tier.Limits.StoreMaxStreamBytes
	}
	return a, nil
}

// less is a-b, or 0.
func less(a, b uint64) uint64 { return a - min(a, b) }

// check reports whether what is allowed is large enough to be shared out.
func (a allotment) check(b *Bus) error {
	cfg := b.cfg
	cfg.MaxStore = max(a.total, 1)
	if err := checkStore(cfg); err != nil {
		return fmt.Errorf("the account leaves too little to be shared out: %w", err)
	}
	return nil
}

// give sets the limits of those rows that have none.
func (a allotment) give(rows []kept, there []jetstream.Stream) {
	for i := range rows {
		if rows[i].open && !a.all || limitOf(there[i]) > 0 {
			continue
		}
		rows[i].stream.MaxBytes = min(shareOf(Config{MaxStore: a.total}, rows[i].share), a.most)
		rows[i].wished = true
	}
}

// apply is [Bus.apply] for a row whose limit nobody has configured.
func (w *wishes) apply(ctx context.Context, row kept, there jetstream.Stream) (jetstream.Stream, error) {
	if !row.wished {
		return w.bus.apply(ctx, row.stream, there)
	}
	limited, cancel := context.WithDeadline(ctx, w.until)
	s, err := w.bus.apply(limited, row.stream, there)
	cancel()
	if err == nil {
		return s, nil
	}
	without := row.stream
	without.MaxBytes = -1
	s, failed := w.bus.apply(ctx, without, there)
	if failed != nil {
		return nil, failed
	}
	w.unlimited, w.reason = append(w.unlimited, row.stream.Name), err
	return s, nil
}

// tell tells the log what has no limit though it should.
func (w *wishes) tell() {
	if len(w.unlimited) > 0 {
		w.bus.cfg.Log.Warn("streams could not be given their share of what the account allows as a limit, so that they can take each other's room; "+
			"start a process that may change them, or set THREADRELAY_MAX_STORE", "streams", w.unlimited, "error", w.reason)
	}
}
