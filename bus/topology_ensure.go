package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// answerTime is how long one step of ensure waits for the server: a request that a user may not make is never answered.
const answerTime = 10 * time.Second

// ensure creates what is missing of the layout, and brings what is there to the configuration. Nothing is changed before
// all that is there is known to fit.
func (b *Bus) ensure(ctx context.Context) error {
	rows := layout(b.cfg)
	there := make([]jetstream.Stream, len(rows))
	var faults []error
	for i, row := range rows {
		var err error
		if there[i], err = b.survey(ctx, row.stream); err != nil {
			faults = append(faults, err)
		}
		if isUnanswered(err) {
			return errors.Join(faults...)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	b.topics.streams = make(map[string]jetstream.Stream)
	w := b.wish(ctx, rows, there)
	defer w.tell()
	for i, row := range rows {
		err := w.keep(ctx, row, there[i])
		if err != nil {
			faults = append(faults, err)
		}
		if isUnanswered(err) {
			break
		}
	}
	return errors.Join(faults...)
}

// survey looks at a stream, and reports all that does not fit about it. It returns nil if there is none.
func (b *Bus) survey(ctx context.Context, want jetstream.StreamConfig) (jetstream.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	s, err := b.js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, b.refusal(ctx, want, err)
	}
	return s, errors.Join(misfits(s.CachedInfo().Config, want)...)
}

// keep creates or updates one row, and opens it.
func (w *wishes) keep(ctx context.Context, row kept, there jetstream.Stream) error {
	b := w.bus
	s, err := w.apply(ctx, row, there)
	if err != nil {
		return b.refusal(ctx, row.stream, err)
	}
	if row.topic != "" {
		b.topics.add(row.topic, s)
	}
	if row.bucket != progressBucket {
		return nil
	}
	if b.progress, err = b.js.KeyValue(ctx, row.bucket); err != nil {
		return fmt.Errorf("bus: bucket %s: %w", row.bucket, err)
	}
	return nil
}

// ensureStream is ensure for one stream.
func (b *Bus) ensureStream(ctx context.Context, want jetstream.StreamConfig) (jetstream.Stream, error) {
	there, err := b.survey(ctx, want)
	if err != nil {
		return nil, err
	}
	s, err := b.apply(ctx, want, there)
	if err != nil {
		return nil, b.refusal(ctx, want, err)
	}
	return s, nil
}

// apply creates a stream that is not there, and updates one that is. If another process creates it at the same time, it is
// treated as one that was there.
func (b *Bus) apply(ctx context.Context, want jetstream.StreamConfig, there jetstream.Stream) (jetstream.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if there == nil {
		s, err := b.js.CreateStream(ctx, want)
		if !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			return s, err
		}
		if there, err = b.survey(ctx, want); err != nil {
			return nil, err
		}
		if there == nil {
			return nil, errors.New("another process creates and removes it")
		}
	}
	return b.update(ctx, want, there)
}

// update brings a stream to the configuration. It asks for nothing if nothing differs, so that a process without the right
// to change streams can run on those that another has set up.
func (b *Bus) update(ctx context.Context, want jetstream.StreamConfig, s jetstream.Stream) (jetstream.Stream, error) {
	have := s.CachedInfo().Config
	next := overlay(have, want)
	if reflect.DeepEqual(have, next) {
		return s, nil
	}
	b.warn(ctx, s, next)
	return b.js.UpdateStream(ctx, next)
}

// overlay returns have with everything that matters here as in want. The rest, such as placement and compression, is the
// operator's.
func overlay(have, want jetstream.StreamConfig) jetstream.StreamConfig {
	next := have
	next.Description, next.Subjects, next.SubjectTransform = want.Description, want.Subjects, want.SubjectTransform
	next.Discard, next.DiscardNewPerSubject = want.Discard, false
	next.MaxAge, next.MaxMsgs, next.MaxMsgSize = want.MaxAge, -1, -1
	if want.MaxBytes > 0 { // or else there is no opinion about it
		next.MaxBytes = want.MaxBytes
	}
	next.Duplicates, next.Replicas = want.Duplicates, want.Replicas
	if want.MaxMsgsPerSubject <= 0 || have.MaxMsgsPerSubject < want.MaxMsgsPerSubject {
		next.MaxMsgsPerSubject = want.MaxMsgsPerSubject // a longer history of a bucket stays
	}
	next.AllowRollup, next.AllowDirect, next.NoAck = want.AllowRollup, want.AllowDirect, false
	if want.AllowMsgTTL {
		next.AllowMsgTTL, next.SubjectDeleteMarkerTTL = true, want.SubjectDeleteMarkerTTL
	}
	next.DenyDelete = have.DenyDelete || want.DenyDelete // cannot be taken back
	next.Metadata = maps.Clone(have.Metadata)
	if next.Metadata == nil {
		next.Metadata = make(map[string]string)
	}
	maps.Copy(next.Metadata, want.Metadata)
	return next
}

// warn says what an update makes worse, before it does.
func (b *Bus) warn(ctx context.Context, s jetstream.Stream, next jetstream.StreamConfig) {
	info := s.CachedInfo()
	have, log := info.Config, b.cfg.Log.With("stream", next.Name)
	if next.MaxAge > 0 && (have.MaxAge == 0 || next.MaxAge < have.MaxAge) {
		older, err := olderThan(ctx, s, next.MaxAge)
		log.Warn("the retention is shortened: older messages are deleted, handled or not",
			"before", have.MaxAge, "now", next.MaxAge, "deleted", older, "messages", info.State.Msgs, "oldest", info.State.FirstTime, "error", err)
	}
	if next.Replicas < have.Replicas {
		log.Warn("the number of replicas is lowered", "before", have.Replicas, "now", next.Replicas)
	}
	if next.MaxBytes > 0 && info.State.Bytes > uint64(next.MaxBytes) {
		log.Warn("the stream holds more than it may from now on: nothing is deleted, and nothing stored until there is room",
			"bytes", info.State.Bytes, "limit", next.MaxBytes)
	}
}

// olderThan counts the messages of a stream that are older than age.
func olderThan(ctx context.Context, s jetstream.Stream, age time.Duration) (uint64, error) {
	start := time.Now().Add(-age)
	probe, err := s.CreateConsumer(ctx, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &start,
		AckPolicy: jetstream.AckNonePolicy, InactiveThreshold: time.Minute, MemoryStorage: true, Replicas: 1,
	})
	if err != nil {
		return 0, fmt.Errorf("bus: count old messages: %w", err)
	}
	younger := probe.CachedInfo().NumPending
	if err := s.DeleteConsumer(ctx, probe.CachedInfo().Name); err != nil {
		return 0, fmt.Errorf("bus: count old messages: %w", err)
	}
	all := s.CachedInfo().State.Msgs
	return all - min(younger, all), nil
}
