package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
)

// Headers of a message that was replayed, which are metadata of the Watermill message too. Bots in any language must skip a
// message whose [ReplayGroupKey] names another consumer group than theirs.
const (
	// ReplayKey holds the id under which the message was published at first, or <topic>:<sequence> if it had none.
	ReplayKey = "Relay-Replay"
	// ReplayGroupKey holds the one consumer group that the message is for: the one that gave up on it.
	ReplayGroupKey = "Relay-Replay-Group"
)

// ErrReplayAtIngest means that a dead letter is a webhook call, which can only be replayed where platforms are known.
var ErrReplayAtIngest = errors.New("a webhook call is replayed by a process that knows its connection")

// ReplayConfig is what a replay may need.
type ReplayConfig struct {
	// Reingest takes in a webhook call that could not be decoded before, and returns nil once what came of it is stored.
	// Without it such letters are refused with [ErrReplayAtIngest].
	Reingest func(ctx context.Context, connection string, body []byte) error
}

// Replay has the message of a dead letter handled again by the consumer group that gave up on it, and by no other. The
// message goes to the end of its lane, under an id of its own that is the same whenever this letter is replayed: a replay
// that was interrupted and is repeated within the duplicate window is stored once. The ids inside of the payload stay.
//
// The letter is removed once the message is stored; if the message dies again it becomes a new letter. After an error the
// letter is still there.
func (b *Bus) Replay(ctx context.Context, id string, cfg ReplayConfig) error {
	d, err := b.DeadLetter(ctx, id)
	if err != nil {
		return err
	}
	if d.Stage == StageIngest {
		err = d.reingest(ctx, cfg)
	} else {
		err = b.republish(ctx, d)
	}
	if err != nil {
		return fmt.Errorf("bus: replay dead letter %s: %w", id, err)
	}
	if err := b.eraseDead(ctx, d.sequence); err != nil && !errors.Is(err, ErrNoDeadLetter) {
		return fmt.Errorf("bus: replay dead letter %s: it is replayed, and could not be removed: %w", id, err)
	}
	return nil
}

func (d DeadLetter) reingest(ctx context.Context, cfg ReplayConfig) error {
	if cfg.Reingest == nil {
		return ErrReplayAtIngest
	}
	return cfg.Reingest(ctx, d.Consumer, d.Payload)
}

// republish publishes the letter's message to the lane that it came from.
func (b *Bus) republish(ctx context.Context, d DeadLetter) error {
	if d.Subject == "" {
		return errors.New("it does not say where it came from")
	}
	m := fromNATS(d.Stage, d.Subject, d.Header, d.Payload)
	origin := d.origin()
	m.UUID = origin + "#replay-" + strconv.FormatUint(d.sequence, 10)
	m.Metadata.Set(ReplayKey, origin)
	m.Metadata.Set(ReplayGroupKey, d.Consumer)
	_, err := b.Publisher().Store(ctx, d.Stage, m)
	return err
}

// origin is the id that the letter's message had before it was ever replayed.
func (d DeadLetter) origin() string {
	if first := d.Header.Get(ReplayKey); first != "" {
		return first
	}
	if id := d.Header.Get(nats.MsgIdHdr); id != "" {
		return id
	}
	return d.Stage + ":" + strconv.FormatUint(d.Sequence, 10) // published by another program, without an id
}

// ReplayOf is the id under which the letter's message was published at first, if it has been replayed since, and else empty.
func (d DeadLetter) ReplayOf() string { return d.Header.Get(ReplayKey) }

// SkipReplay reports whether a message was replayed for another consumer group than this one, which has handled it before.
func SkipReplay(group string, m message.Metadata) bool {
	meant := m.Get(ReplayGroupKey)
	return meant != "" && meant != group
}
