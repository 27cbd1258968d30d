package deliver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
)

// ledger is what became of each action. Entries live as long as the bucket says: longer than the actions themselves, and
// longer than the dead letters that were written with them.
type ledger struct{ store store }

// store is a bucket, as [bus.State] is one.
type store interface {
	Get(ctx context.Context, key string) (bus.Value, error)
	Put(ctx context.Context, key string, data []byte, ttl time.Duration) (uint64, error)
	Update(ctx context.Context, key string, c bus.Change) (uint64, error)
}

// entry is what became of one action. The rest of the receipt stands in the action.
type entry struct {
	Outcome  event.Outcome     `json:"outcome"`
	Time     time.Time         `json:"time"`
	Message  event.MessageID   `json:"message,omitempty"`
	Parts    []event.MessageID `json:"parts,omitempty"`
	Files    []event.MessageID `json:"files,omitempty"`
	Root     event.MessageID   `json:"root,omitempty"`
	Fallback string            `json:"fallback,omitempty"`
	Kind     string            `json:"kind,omitempty"`
	Reason   string            `json:"reason,omitempty"`
}

func entryOf(r event.Receipt) entry {
	return entry{
		Outcome: r.Outcome, Time: r.Time, Message: r.Message, Parts: r.Parts, Files: r.Files, Root: r.Root, Fallback: r.Fallback, Kind: r.Kind, Reason: r.Reason,
	}
}

// receipt is the receipt of an entry; who hands it on adds what stands in the action.
func (e entry) receipt() event.Receipt {
	return event.Receipt{
		Outcome: e.Outcome, Time: e.Time, Message: e.Message, Parts: e.Parts, Files: e.Files, Root: e.Root, Fallback: e.Fallback, Kind: e.Kind, Reason: e.Reason,
	}
}

// partsFor are the messages that a change of the given type is about: an edit leaves files alone.
func (e entry) partsFor(t event.ActionType) []event.MessageID {
	if t != event.Edit || len(e.Files) == 0 {
		return e.Parts
	}
	return slices.DeleteFunc(slices.Clone(e.Parts), func(id event.MessageID) bool { return slices.Contains(e.Files, id) })
}

// maxPlainKey is the length up to which an id stands in a key as it is.
const maxPlainKey = 300

// actionKey is where the entry of an action stands.
func actionKey(c event.ConnectionID, id event.ActionID) string { return key("action", c, string(id)) }

// rootKey is where it stands which root took the place of one that is gone.
func rootKey(t event.ThreadRef) string { return key("root", t.Connection, t.Lane()) }

func key(kind string, c event.ConnectionID, id string) string {
	if len(id) > maxPlainKey {
		sum := sha256.Sum256([]byte(id))
		id = "#" + hex.EncodeToString(sum[:])
	}
	return kind + "/" + string(c) + "/" + id
}

// read returns an action's entry with its revision, or revision 0 if there is none.
func (l *ledger) read(ctx context.Context, key string) (e entry, revision uint64, err error) {
	v, err := l.store.Get(ctx, key)
	if errors.Is(err, bus.ErrNoState) {
		return entry{}, 0, nil
	}
	if err != nil {
		return entry{}, 0, err
	}
	if err := json.Unmarshal(v.Data, &e); err != nil {
		return entry{}, 0, fmt.Errorf("deliver: ledger: %s: %w", key, err)
	}
	return e, v.Revision, nil
}

// writeAttempts bounds how often an entry can change under a write.
const writeAttempts = 4

// write stores an entry on top of a revision, and returns what stands in the ledger then: somebody else's entry if that one
// was there first and says that the action was carried out.
func (l *ledger) write(ctx context.Context, key string, e entry, revision uint64) (entry, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return e, fmt.Errorf("deliver: ledger: %w", err)
	}
	for range writeAttempts {
		if _, err = l.store.Update(ctx, key, bus.Change{Data: data, Revision: revision}); err == nil {
			return e, nil
		}
		if !errors.Is(err, bus.ErrConflict) && !errors.Is(err, bus.ErrUnknownOutcome) {
			return e, err
		}
		var there entry
		var readErr error
		if there, revision, readErr = l.read(ctx, key); readErr != nil {
			return e, errors.Join(err, readErr)
		}
		if revision != 0 && there.Outcome != event.Failed {
			return there, nil
		}
	}
	return e, err
}

// ledgerPause is how long an action waits when the ledger cannot be read or written. It costs no attempt.
const ledgerPause = time.Second

// unread is what follows from a ledger that does not answer.
func (d *Deliverer) unread(operation string, err error) error {
	d.metrics.ledger.WithLabelValues(operation).Inc()
	return bus.After(ledgerPause, fmt.Errorf("deliver: the ledger does not answer: %w", err))
}

// recall reads what the ledger holds of the action.
func (d *Deliverer) recall(ctx context.Context, j *job) error {
	e, revision, err := d.ledger.read(ctx, actionKey(j.line.id, j.action.ID))
	if err != nil {
		return d.unread("read", err)
	}
	j.revision = revision
	switch {
	case revision != 0 && e.Outcome != event.Failed:
		j.settle(e.receipt())
		j.written = true
		d.count(j, "recalled")
	case revision != 0 && !j.replayed:
		return refuse(e.Kind, errors.New(e.Reason)) // it was given up, and that could not be finished
	default:
		j.receipt = d.traces.of(j.delivery.Sequence).receipt // carried out, and not written
	}
	return nil
}
