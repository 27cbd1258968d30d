package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// errReconcile starts every refusal to start on streams that are not what they must be.
var errReconcile = errors.New("bus: the streams on this server do not fit")

// Error codes of JetStream for streams that cannot be made; see the list in errors.json of nats-server.
const (
	codeNoPeers          jetstream.ErrorCode = 10005 // no suitable peers for placement
	codeSubjectsOverlap  jetstream.ErrorCode = 10065
	codeNoReplicasAlone  jetstream.ErrorCode = 10074 // replicas > 1 not supported in non-clustered mode
	codeTooFewForReplica jetstream.ErrorCode = 10023 // insufficient resources: fewer servers than replicas
)

// misfits reports what of a stream that is there cannot be changed into what is wanted, or must not be.
func misfits(have, want jetstream.StreamConfig) []error {
	var faults []error
	add := func(format string, v ...any) {
		faults = append(faults, fmt.Errorf("%w: stream %s "+format, append([]any{errReconcile, want.Name}, v...)...))
	}
	if n, err := strconv.Atoi(have.Metadata[schemaKey]); have.Metadata[schemaKey] != "" && (err != nil || n > schema) {
		add("has schema %q, this program knows %d: run the newer program that set it up, or another NATS account", have.Metadata[schemaKey], schema)
		return faults // the rest cannot be judged
	}
	if have.Retention != want.Retention {
		add("has %s retention, %s is needed: rename or remove it", have.Retention, want.Retention)
	}
	if have.Storage != want.Storage {
		add("has %s storage, %s is needed: rename or remove it", have.Storage, want.Storage)
	}
	if got, need := have.Metadata[partitionsKey], want.Metadata[partitionsKey]; got != need {
		add("has %q partitions, this program wants %q: the number is fixed when a stream is made", got, need)
	}
	if have.Mirror != nil || len(have.Sources) > 0 {
		add("takes its messages from other streams (mirror or sources): remove those, or use another NATS account")
	}
	if have.Sealed {
		add("is sealed, and nothing can be stored in it: rename or remove it")
	}
	if have.MaxConsumers > 0 {
		add("is limited to %d consumers, which cannot be changed: rename or remove it", have.MaxConsumers)
	}
	return faults
}

// refusal says what to do about a stream that the server did not create or update.
func (b *Bus) refusal(ctx context.Context, want jetstream.StreamConfig, err error) error {
	if errors.Is(err, errReconcile) {
		return err
	}
	if isUnanswered(err) {
		return fmt.Errorf("bus: set up stream %s: no answer: JetStream has no leader, or this user may not look at or change streams (see bus/PERMISSIONS.md): %w", want.Name, err)
	}
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return fmt.Errorf("bus: set up stream %s: %w", want.Name, err)
	}
	code := api.ErrorCode
	switch {
	case code == codeNoReplicasAlone, want.Replicas > 1 && (code == codeNoPeers || code == codeTooFewForReplica):
		return fmt.Errorf("bus: stream %s: the server cannot keep %d copies: set NATS_REPLICAS to what it can, 1 on a single server, or enlarge the cluster: %w",
			want.Name, want.Replicas, err)
	case code == codeSubjectsOverlap:
		return fmt.Errorf("bus: stream %s: its subjects %s are taken by %s: remove that, or use another NATS account: %w",
			want.Name, strings.Join(want.Subjects, ", "), b.holders(ctx, want), err)
	case isFull(err):
		return fmt.Errorf("bus: stream %s: %w: the server has no room for its limit of %d bytes: lower THREADRELAY_MAX_STORE, or allow the server more: %w",
			want.Name, ErrFull, want.MaxBytes, err)
	}
	return fmt.Errorf("bus: set up stream %s: %w", want.Name, err)
}

// isUnanswered reports whether the server said nothing: asking for more is of no use.
func isUnanswered(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, nats.ErrTimeout)
}

// holders names the other streams that take a stream's subjects.
func (b *Bus) holders(ctx context.Context, want jetstream.StreamConfig) string {
	var names []string
	for _, subject := range want.Subjects {
		list := b.js.StreamNames(ctx, jetstream.WithStreamListSubject(subject))
		for name := range list.Name() {
			if name != want.Name && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		if err := list.Err(); err != nil {
			return fmt.Sprintf("another stream (%v)", err)
		}
	}
	if len(names) == 0 {
		return "another stream"
	}
	return "stream " + strings.Join(names, ", ")
}
