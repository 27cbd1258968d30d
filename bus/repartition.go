package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// ErrNotDrained means that messages are still to be handled, or that somebody is still handling them.
var ErrNotDrained = errors.New("bus: not drained")

// Repartition changes the number of partitions of all topics to cfg.Partitions. It is for a time when nothing subscribes: it
// closes the topics to publishers, who get errors and lose nothing, makes sure that every consumer group has handled
// everything, and opens them again under the new layout. If a group has not, it opens them under the old one and returns
// [ErrNotDrained] with what is missing. A run that was cut off is finished by the next. Apart from that the streams become what
// [Open] would make of them, and what an operator has set up otherwise, such as compression, stays.
//
// A group that starts for the first time afterwards, with a Lookback, may miss messages from before the change.
func Repartition(ctx context.Context, cfg Config) error {
	cfg.setDefaults()
	js, err := jetstream.New(cfg.Conn)
	if err != nil {
		return fmt.Errorf("bus: repartition: %w", err)
	}
	kv, err := js.KeyValue(ctx, progressBucket)
	if err != nil {
		return fmt.Errorf("bus: repartition: bucket %s: %w", progressBucket, err)
	}
	for _, topic := range []string{Incomplete, Events, Actions, Receipts} {
		m := &migration{js: js, kv: kv, topic: topic, want: topology(cfg)[topic], partitions: cfg.Partitions}
		if err := m.run(ctx); err != nil {
			return fmt.Errorf("bus: repartition %s: %w", topic, err)
		}
	}
	return nil
}

// migration is the change of one topic.
type migration struct {
	js         jetstream.JetStream
	kv         jetstream.KeyValue
	topic      string
	want       jetstream.StreamConfig
	partitions int
}

func (m *migration) run(ctx context.Context) error {
	stream, err := m.js.Stream(ctx, m.want.Name)
	if err != nil {
		return err
	}
	old := stream.CachedInfo().Config
	if old.Metadata[partitionsKey] == m.want.Metadata[partitionsKey] && old.SubjectTransform != nil {
		return nil
	}
	before, err := strconv.Atoi(old.Metadata[partitionsKey])
	if err != nil {
		return fmt.Errorf("stream %s does not say how many partitions it has: %w", old.Name, err)
	}
	closed := old
	closed.Subjects, closed.SubjectTransform = []string{root + "closed." + m.topic}, nil
	if stream, err = m.js.UpdateStream(ctx, closed); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	records, err := m.drained(ctx, stream, before)
	if err != nil {
		old.Subjects = []string{publishFilter(m.topic)}
		old.SubjectTransform = &jetstream.SubjectTransformConfig{Source: publishFilter(m.topic), Destination: storedTransform(m.topic, before)}
		_, openErr := m.js.UpdateStream(context.WithoutCancel(ctx), old)
		return errors.Join(err, openErr)
	}
	if err := m.rewrite(ctx, stream, records); err != nil {
		return err
	}
	_, err = m.js.UpdateStream(ctx, overlay(old, m.want))
	return err
}

// drained returns the records of the topic by consumer group, if all of them are at the end.
func (m *migration) drained(ctx context.Context, stream jetstream.Stream, before int) (map[string]map[int]*record, error) {
	records, err := m.records(ctx)
	if err != nil {
		return nil, err
	}
	var missing []error
	for n := range before {
		last, err := stream.GetLastMsgForSubject(ctx, partitionFilter(m.topic, n))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			last = &jetstream.RawStreamMsg{}
		} else if err != nil {
			return nil, err
		}
		for _, group := range slices.Sorted(maps.Keys(records)) {
			r := cmp.Or(records[group][n], &record{})
			switch {
			case r.state.Owner != "":
				missing = append(missing, fmt.Errorf("%w: group %s still holds partition %d: stop what subscribes", ErrNotDrained, group, n))
			case r.state.Done < last.Sequence || len(r.state.Arrears) > 0:
				missing = append(missing, fmt.Errorf("%w: group %s has messages of partition %d to handle", ErrNotDrained, group, n))
			}
		}
	}
	return records, errors.Join(missing...)
}

// records reads the progress records of the topic, by consumer group and partition.
func (m *migration) records(ctx context.Context) (map[string]map[int]*record, error) {
	keys, err := m.kv.ListKeys(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[string]map[int]*record)
	for key := range keys.Keys() {
		parts := strings.Split(key, ".")
		n, err := strconv.Atoi(parts[len(parts)-1])
		if len(parts) != 3 || parts[1] != m.topic || err != nil {
			continue
		}
		r := &record{kv: m.kv, key: key}
		if r.state, r.revision, err = r.read(ctx); err != nil {
			return nil, err
		}
		if out[parts[0]] == nil {
			out[parts[0]] = make(map[int]*record)
		}
		out[parts[0]][n] = r
	}
	return out, nil
}

// rewrite gives each group records for the new layout that stand at the end of the stream.
func (m *migration) rewrite(ctx context.Context, stream jetstream.Stream, records map[string]map[int]*record) error {
	info, err := stream.Info(ctx)
	if err != nil {
		return err
	}
	for group, old := range records {
		for n := range max(m.partitions, len(old)) {
			r := cmp.Or(old[n], &record{kv: m.kv, key: fmt.Sprintf("%s.%s.%d", group, m.topic, n)})
			if n >= m.partitions {
				if err := m.kv.Delete(ctx, r.key, jetstream.LastRevision(r.revision)); err != nil {
					return err
				}
				continue
			}
			end := progress{Version: progressVersion, Stream: info.Created.UTC(), Epoch: r.state.Epoch + 1, Done: info.State.LastSeq}
			if _, err := r.write(ctx, end, r.revision); err != nil {
				return err
			}
		}
	}
	return nil
}
