package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Why a State refuses. Test for them with errors.Is.
var (
	// ErrNoState means that the key has no value: it never had one, it expired, or it was deleted.
	ErrNoState = errors.New("there is no value")
	// ErrConflict means that somebody else has written in between, or is writing. Nothing was stored.
	ErrConflict = errors.New("somebody else wrote in between")
	// ErrFenced means that a later holder of the lease has written. Nothing was stored.
	ErrFenced = errors.New("a later holder of the lease has written")
	// ErrUnknownOutcome means that the connection broke during a write, and that what is stored now does not tell whether
	// the write took place before it.
	ErrUnknownOutcome = errors.New("it is not known whether the write took place")
)

// Headers of a value. The first two are those of every NATS bucket.
const (
	stateOperation = "KV-Operation"
	statePurged    = "PURGE"
	stateFence     = "Relay-Fence"
	stateWrite     = "Relay-Write" // one id per write, so that one with an unknown outcome can be recognised
)

// Value is what is stored under a key.
type Value struct {
	Data []byte
	// Revision changes with every write, and rises.
	Revision uint64
	// Created is when this revision was written, by the server's clock.
	Created time.Time
	// TTL is how long the value lives from Created on; 0 is for good.
	TTL time.Duration
	// Fence is that of the last fenced write; 0 if there was none.
	Fence uint64
}

// entryState is the newest message of a key: a value, or the trace of one that was deleted or expired (live is false), or
// nothing (the revision is 0).
type entryState struct {
	Value
	live  bool
	write string
}

// read returns what the stream's leader holds under a subject.
func (s *State) read(ctx context.Context, subject string) (entryState, error) {
	if !s.conn.IsConnected() {
		return entryState{}, ErrNotConnected
	}
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	m, err := s.stream.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return entryState{}, nil
	}
	if err != nil {
		return entryState{}, err
	}
	e := entryState{
		Value: Value{Data: m.Data, Revision: m.Sequence, Created: m.Time},
		live:  m.Header.Get(stateOperation) == "" && m.Header.Get(jetstream.MarkerReasonHeader) == "",
		write: m.Header.Get(stateWrite),
	}
	if e.TTL, err = parseTTL(m.Header.Get(jetstream.MsgTTLHeader)); err != nil {
		return entryState{}, fmt.Errorf("revision %d: time to live: %w", m.Sequence, err)
	}
	if f := m.Header.Get(stateFence); f != "" {
		if e.Fence, err = strconv.ParseUint(f, 10, 64); err != nil {
			return entryState{}, fmt.Errorf("revision %d: fence: %w", m.Sequence, err)
		}
	}
	return e, nil
}

// parseTTL reads what the server takes in its Nats-TTL header: a duration, a number of seconds, or "never".
func parseTTL(header string) (time.Duration, error) {
	if header == "" || strings.EqualFold(header, "never") {
		return 0, nil
	}
	if seconds, err := strconv.Atoi(header); err == nil {
		return time.Duration(seconds) * time.Second, nil
	}
	return time.ParseDuration(header)
}

// message is the value as it is published.
func (v Value) message(subject string) *nats.Msg {
	m := nats.NewMsg(subject)
	m.Data = v.Data
	if v.Fence != 0 {
		m.Header.Set(stateFence, strconv.FormatUint(v.Fence, 10))
	}
	if v.TTL > 0 {
		// The server counts in whole seconds and cuts the rest off; nothing may expire early.
		seconds := (v.TTL + time.Second - 1) / time.Second * time.Second
		m.Header.Set(jetstream.MsgTTLHeader, seconds.String())
	}
	return m
}

// tombstone is what takes the place of a deleted value, for a while. It is as small as can be, since a full bucket takes only
// what is smaller than the value: with one value per key, the rollup header that nats.go adds has nothing to do.
func tombstone(subject string) *nats.Msg {
	m := nats.NewMsg(subject)
	m.Header.Set(stateOperation, statePurged)
	m.Header.Set(jetstream.MsgTTLHeader, stateMarker.String())
	return m
}
