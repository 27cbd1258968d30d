package bus

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrNoDeadLetter means that there is no dead letter with this id, or that it is gone by now.
var ErrNoDeadLetter = errors.New("no such dead letter")

// ErrDeadLetterID means that something cannot be the id of a dead letter.
var ErrDeadLetterID = errors.New("not the id of a dead letter, which is a number")

// CheckDeadLetterID returns an [ErrDeadLetterID] that names id if no dead letter can ever have it.
func CheckDeadLetterID(id string) error {
	_, err := deadLetterSequence(id)
	return err
}

func deadLetterSequence(id string) (uint64, error) {
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != id {
		return 0, fmt.Errorf("%q: %w", id, ErrDeadLetterID)
	}
	return n, nil
}

// DeadFilter chooses dead letters: those that fit every field that is not empty.
type DeadFilter struct {
	// Connection, Stage and Consumer are those of the letter.
	Connection, Stage, Consumer string
	// Reason is a part of the letter's reason; upper and lower case differ.
	Reason string
}

// subject matches the letters of a stage and a consumer. ok is false if no letter can have such.
func (f DeadFilter) subject() (subject string, ok bool) {
	stage, consumer := f.Stage, f.Consumer
	if stage == "" {
		stage = "*"
	}
	if consumer == "" {
		consumer = "*"
	}
	return deadSubject(stage, consumer, "*"), (stage == "*" || validToken(stage)) && (consumer == "*" || validToken(consumer))
}

func (f DeadFilter) fits(d DeadLetter) bool {
	return (f.Connection == "" || f.Connection == d.Connection()) && strings.Contains(d.Reason, f.Reason)
}

// DeadLetters yields the letters that are stored when it begins, oldest first, one in memory at a time. A letter that is
// dropped meanwhile may be missing, one that is stored meanwhile is. It ends after an error.
func (b *Bus) DeadLetters(ctx context.Context, f DeadFilter) iter.Seq2[DeadLetter, error] {
	return func(yield func(DeadLetter, error) bool) {
		subject, ok := f.subject()
		if !ok {
			return
		}
		next, last, err := b.deadRange(ctx)
		for err == nil && next <= last {
			var d DeadLetter
			d, err = b.readDead(ctx, next, jetstream.WithGetMsgSubject(subject))
			if errors.Is(err, ErrNoDeadLetter) || err == nil && d.sequence > last {
				return
			}
			if err != nil {
				break
			}
			next = d.sequence + 1
			if f.fits(d) && !yield(d, nil) {
				return
			}
		}
		if err != nil {
			yield(DeadLetter{}, fmt.Errorf("bus: list dead letters: %w", err))
		}
	}
}

// deadRange returns the first and the last sequence of the stream of dead letters.
func (b *Bus) deadRange(ctx context.Context) (first, last uint64, err error) {
	if !b.cfg.Conn.IsConnected() {
		return 0, 0, ErrNotConnected
	}
	info, err := b.topics.dead().Info(ctx)
	if err != nil {
		return 0, 0, err
	}
	return info.State.FirstSeq, info.State.LastSeq, nil
}

// DeadLetter returns the letter with this id, an [ErrNoDeadLetter] or an [ErrDeadLetterID].
func (b *Bus) DeadLetter(ctx context.Context, id string) (DeadLetter, error) {
	sequence, err := deadLetterSequence(id)
	if err != nil {
		return DeadLetter{}, fmt.Errorf("bus: %w", err)
	}
	d, err := b.readDead(ctx, sequence)
	if err != nil {
		return DeadLetter{}, fmt.Errorf("bus: dead letter %s: %w", id, err)
	}
	return d, nil
}

// Drop removes the letter with this id for good. It returns an [ErrNoDeadLetter] if there is none.
func (b *Bus) Drop(ctx context.Context, id string) error {
	sequence, err := deadLetterSequence(id)
	if err != nil {
		return fmt.Errorf("bus: %w", err)
	}
	if err := b.eraseDead(ctx, sequence); err != nil {
		return fmt.Errorf("bus: drop dead letter %s: %w", id, err)
	}
	return nil
}

// eraseDead removes a letter. Where the outcome is in doubt it looks whether the letter is still there.
func (b *Bus) eraseDead(ctx context.Context, sequence uint64) error {
	if !b.cfg.Conn.IsConnected() {
		return ErrNotConnected
	}
	err := b.topics.dead().DeleteMsg(ctx, sequence)
	if err == nil {
		return nil
	}
	if _, gone := b.readDead(ctx, sequence); errors.Is(gone, ErrNoDeadLetter) {
		return gone
	}
	return err
}

// readDead reads a letter from the stream.
func (b *Bus) readDead(ctx context.Context, sequence uint64, opts ...jetstream.GetMsgOpt) (DeadLetter, error) {
	if !b.cfg.Conn.IsConnected() {
		return DeadLetter{}, ErrNotConnected
	}
	raw, err := b.topics.dead().GetMsg(ctx, sequence, opts...)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return DeadLetter{}, ErrNoDeadLetter
	}
	if err != nil {
		return DeadLetter{}, err
	}
	d := deadLetterOf(raw)
	if raw.Header.Get(deadElsewhere) == "" {
		return d, nil
	}
	return b.completeDead(ctx, d)
}

// completeDead fetches the payload of a letter that had no room for it.
func (b *Bus) completeDead(ctx context.Context, d DeadLetter) (DeadLetter, error) {
	stream, ok := b.topics.stream(d.Stage)
	if !ok {
		return d, fmt.Errorf("its payload lies in the topic %q, which is not open here", d.Stage)
	}
	raw, err := stream.GetMsg(ctx, d.Sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		d.Reason += " (its payload was too large to be kept, and the stream has deleted it)"
		return d, nil
	}
	if err != nil {
		return d, err
	}
	d.Payload = raw.Data
	return d, nil
}

// deadLetterOf is the reverse of [DeadLetter.message]. What a letter lacks that another program stored stays zero.
func deadLetterOf(raw *jetstream.RawStreamMsg) DeadLetter {
	d := DeadLetter{
		ID: strconv.FormatUint(raw.Sequence, 10), Stored: raw.Time, sequence: raw.Sequence,
		Reason: raw.Header.Get(deadReason), Subject: raw.Header.Get(deadOrigin),
		Header: make(nats.Header), Payload: raw.Data,
	}
	if name := strings.SplitN(strings.TrimPrefix(raw.Subject, deadPrefix), ".", 3); len(name) == 3 {
		d.Stage, d.Consumer, d.Key = name[0], name[1], name[2]
	}
	d.Attempts, _ = strconv.Atoi(raw.Header.Get(deadAttempts))
	d.Sequence, _ = strconv.ParseUint(raw.Header.Get(deadSequence), 10, 64)
	d.First, _ = time.Parse(time.RFC3339Nano, raw.Header.Get(deadFirst))
	d.Last, _ = time.Parse(time.RFC3339Nano, raw.Header.Get(deadLast))
	for k, v := range raw.Header {
		switch k {
		case deadStage, deadConsumer, deadReason, deadAttempts, deadFirst, deadLast, deadOrigin, deadSequence:
			continue
		}
		if strings.HasPrefix(k, "Nats-") { // the server's, about the letter
			continue
		}
		if own, cut := strings.CutPrefix(k, deadOwn); cut && strings.HasPrefix(own, "Nats-") {
			k = own
		}
		d.Header[k] = v
	}
	return d
}
