package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/nats-io/nats.go/jetstream"
)

// errFenced means that another process has taken this partition over. What this one still runs must not be committed.
var errFenced = errors.New("bus: another process has taken the partition over")

// progressVersion is the version of the progress record's JSON form.
const progressVersion = 1

// progress is how far one consumer group has come in one partition: every message up to Done is handled, save those of the
// threads in arrears. Its size follows the number of those threads, never the number of messages.
type progress struct {
	Version int `json:"v"`
	// Stream is when the stream was created: the record of a stream that was since made anew does not count.
	Stream time.Time `json:"stream"`
	Owner  string    `json:"owner"`
	Epoch  uint64    `json:"epoch"`
	// Write counts the writes of an epoch, so that one whose outcome is unknown can be recognised.
	Write uint64 `json:"write"`
	Done  uint64 `json:"done"`
	// Arrears are the threads that are not handled up to Done.
	Arrears []arrear `json:"arrears,omitempty"`
	// Chunks are the keys of the entries that hold the arrears, if they are too many for one.
	Chunks []string `json:"chunks,omitempty"`
}

// arrear says that the messages Next to Last of a lane are still to be handled.
type arrear struct {
	Lane string `json:"lane"`
	Next uint64 `json:"next"`
	Last uint64 `json:"last"`
	// Attempts counts the failed attempts of Next, the first of which ended at Since.
	Attempts int       `json:"attempts,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	// Started counts the attempts of Next that have begun, of those that are written down before they begin: see
	// partition.careful. It is above Attempts if the process ended while one was running.
	Started int `json:"started,omitempty"`
}

// record is the progress record in the bucket, as one process holds it. Every write is a compare-and-swap on the revision
// of the last one, which is the fence between processes.
type record struct {
	kv       jetstream.KeyValue
	key      string
	owner    string
	state    progress
	revision uint64
	chunks   []string  // the entries that the stored record names
	written  []string  // those that the last write named, whatever became of it
	found    time.Time // when the record that was read last was written
	trusted  func() bool
	asked    bool // takeOver has sent a write, on top of revision
}

// takeOver makes this process the owner, under a new epoch, and loads what is to be done, provided that free says so of the
// present owner. fresh is the state to start from if the group has none yet, or has that of another stream. unclean is set
// if the owner before did not release the partition. After an error, asked tells that this process may be the owner or become
// it yet.
func (r *record) takeOver(ctx context.Context, fresh progress, free func(owner string) bool) (taken, unclean bool, err error) {
	for {
		have, revision, err := r.read(ctx)
		if err != nil {
			return false, false, err
		}
		r.revision = revision
		if !free(have.Owner) {
			return false, false, nil
		}
		next := have
		if revision == 0 || !have.Stream.Equal(fresh.Stream) {
			next = fresh
		}
		next.Version, next.Owner, next.Epoch, next.Write = progressVersion, r.owner, have.Epoch+1, 0
		r.asked = true
		written, err := r.write(ctx, next, revision)
		if err == nil {
			r.state, r.revision = next, written
			r.sweep(ctx, len(have.Chunks) > 0, r.written)
			return true, have.Owner != "", nil
		}
		if !isConflict(err) {
			return false, false, fmt.Errorf("bus: take over %s: %w", r.key, err)
		}
	}
}

// trim takes back what is on record beyond a sequence.
func (r *record) trim(end uint64) {
	r.state.Done = min(r.state.Done, end)
	kept := r.state.Arrears[:0]
	for _, a := range r.state.Arrears {
		if a.Next <= end {
			a.Last = min(a.Last, end)
			kept = append(kept, a)
		}
	}
	r.state.Arrears = kept
}

// commit writes the next state. It returns nil only when the state is stored, errFenced if the partition is somebody else's
// by now, and keeps trying on every other error until ctx ends.
func (r *record) commit(ctx context.Context, done uint64, arrears []arrear, release bool) error {
	next := r.state
	next.Done, next.Arrears, next.Write = done, arrears, r.state.Write+1
	if release {
		next.Owner = ""
	}
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		written, err := r.write(ctx, next, r.revision)
		if err == nil {
			r.state, r.revision = next, written
			r.sweep(ctx, false, r.written)
			return nil
		}
		landed, readErr := r.readBack(ctx, next)
		if landed || errors.Is(readErr, errFenced) {
			return readErr
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("bus: commit %s: %w (last error: %w)", r.key, ctx.Err(), err)
		}
	}
}

// readBack finds out what became of a write with an unknown outcome: it landed, or it did not and may be tried again on the
// revision found, or the partition is lost.
func (r *record) readBack(ctx context.Context, wanted progress) (landed bool, err error) {
	have, revision, err := r.read(ctx)
	if err != nil {
		return false, err
	}
	if have.Epoch != r.state.Epoch || have.Owner != r.owner && have.Owner != wanted.Owner {
		return false, fmt.Errorf("%w: %s belongs to %q, epoch %d", errFenced, r.key, have.Owner, have.Epoch)
	}
	r.revision = revision
	if have.Write != wanted.Write {
		return false, nil
	}
	r.state = wanted
	r.sweep(ctx, false, r.written)
	return true, nil
}

// read returns the stored record and its revision, which is 0 if there is none.
func (r *record) read(ctx context.Context) (progress, uint64, error) {
	for {
		p, revision, err := r.readOnce(ctx)
		if !errors.Is(err, errMoved) {
			return p, revision, err
		}
	}
}

func (r *record) readOnce(ctx context.Context) (progress, uint64, error) {
	limit, cancel := context.WithTimeout(ctx, 2*time.Second) // between two leaders a question is never answered
	defer cancel()
	entry, err := r.kv.Get(limit, r.key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return progress{}, 0, nil
	}
	if err != nil {
		return progress{}, 0, fmt.Errorf("bus: read %s: %w", r.key, err)
	}
	var p progress
	if err := decodeProgress(entry.Value(), &p); err != nil {
		return progress{}, 0, fmt.Errorf("bus: progress record %s is damaged: %w", r.key, err)
	}
	if p.Version > progressVersion {
		return progress{}, 0, fmt.Errorf("bus: progress record %s has version %d, this program knows %d: use a newer one", r.key, p.Version, progressVersion)
	}
	if err := r.gather(ctx, &p); err != nil {
		return progress{}, 0, fmt.Errorf("bus: read %s: %w", r.key, err)
	}
	r.found = entry.Created()
	return p, entry.Revision(), nil
}

func (r *record) write(ctx context.Context, p progress, revision uint64) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	p.Chunks = nil
	data, err := encodeProgress(p)
	if err == nil && len(data) > maxInline {
		if p, err = r.spread(ctx, p); err == nil {
			data, err = encodeProgress(p)
		}
	}
	if err != nil {
		return 0, err
	}
	r.written = p.Chunks
	if revision == 0 {
		return r.kv.Create(ctx, r.key, data)
	}
	return r.kv.Update(ctx, r.key, data, revision)
}

// isConflict reports whether a compare-and-swap was refused because somebody else wrote in between.
func isConflict(err error) bool {
	return errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch)
}

// compressFrom is the size of a record, in bytes, from which on it is compressed. Most are far below.
const compressFrom = 4 << 10

// encodeProgress returns the record's stored form: JSON, compressed with S2 if it is long. Threads in arrears have names
// that are much alike.
func encodeProgress(p progress) ([]byte, error) {
	data, err := json.Marshal(p)
	if err != nil || len(data) < compressFrom {
		return data, err
	}
	return s2.EncodeBetter(nil, data), nil
}

func decodeProgress(data []byte, p *progress) error {
	if len(data) > 0 && data[0] != '{' {
		plain, err := s2.Decode(nil, data)
		if err != nil {
			return err
		}
		data = plain
	}
	return json.Unmarshal(data, p)
}
