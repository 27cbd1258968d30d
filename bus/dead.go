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

// Headers of a dead letter, beside those of the message that died. The message's own Nats- headers are kept under
// Relay-Dead- instead, since the server would act on them.
const (
	deadStage    = "Relay-Dead-Stage"
	deadConsumer = "Relay-Dead-Consumer"
	deadReason   = "Relay-Dead-Reason"
	deadAttempts = "Relay-Dead-Attempts"
	deadFirst    = "Relay-Dead-First"
	deadLast     = "Relay-Dead-Last"
	deadOrigin   = "Relay-Dead-Subject"
	deadSequence = "Relay-Dead-Sequence"
	deadOwn      = "Relay-Dead-"
	// deadElsewhere says that the payload lies in the stream that the message was taken from, as long as that keeps it.
	deadElsewhere = "Relay-Dead-Payload-Elsewhere"
)

// StageIngest is the stage of webhook calls that could not be decoded. Their payload is the call's body.
const StageIngest = "ingest"

// maxReason bounds the reason kept with a dead letter, in bytes.
const maxReason = 2000

// DeadLetter is a message that could not be handled, and why.
type DeadLetter struct {
	// ID names a stored letter, in digits, and never names another one. Stored is when it was stored, by the server's clock.
	// Both are set on letters that were read, and ignored by [Bus.Bury].
	ID     string
	Stored time.Time
	// Stage is the part of the way that gave up: [StageIngest], or the topic that the message was taken from.
	Stage string
	// Consumer is the connection (stage ingest) or consumer group that gave up.
	Consumer string
	// Key names the message within stage and consumer: the same one that dies twice is kept once. Letters, digits, "_", "-".
	Key      string
	Reason   string
	Attempts int
	// First and Last are the times of the first and the last failed attempt.
	First, Last time.Time
	// Subject and Sequence say where the message was taken from; both are zero at stage ingest.
	Subject  string
	Sequence uint64
	// Header is the message's own, Nats- headers included.
	Header  nats.Header
	Payload []byte

	sequence uint64 // of the letter; 0 if it was not read
}

// Connection is the connection that the message belongs to, or empty if it belongs to none.
func (d DeadLetter) Connection() string {
	if d.Stage == StageIngest {
		return d.Consumer
	}
	connection, _, _ := strings.Cut(laneOf(d.Stage, d.Subject), ".")
	if connection == "_" {
		return ""
	}
	return connection
}

// headerRoom is what the publishing itself adds to a message's headers, at most, in bytes.
const headerRoom = 512

// Bury stores a dead letter. It returns nil once it is stored, or if it has been before.
func (b *Bus) Bury(ctx context.Context, d DeadLetter) error {
	if !validToken(d.Stage) || !validToken(d.Consumer) || !validToken(d.Key) {
		return fmt.Errorf("bus: dead letter %q, %q, %q: only letters, digits, _ and - are allowed", d.Stage, d.Consumer, d.Key)
	}
	if !b.cfg.Conn.IsConnected() {
		return fmt.Errorf("bus: store dead letter: %w", ErrNotConnected)
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, publishTimeout)
		defer cancel()
	}
	m := d.message()
	if int64(m.Size()) > b.cfg.Conn.MaxPayload()-headerRoom && d.Subject != "" {
		m.Data = nil // there is no room for it beside the letter's own headers
		m.Header.Set(deadElsewhere, "yes")
	}
	_, err := b.js.PublishMsg(ctx, m, jetstream.WithExpectStream(DeadStream), jetstream.WithExpectLastSequencePerSubject(0))
	if isWrongLast(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("bus: store dead letter: %w", explain(err))
	}
	b.metrics.dead.WithLabelValues(d.Stage, d.Consumer).Inc()
	return nil
}

func (d DeadLetter) message() *nats.Msg {
	m := nats.NewMsg(deadSubject(d.Stage, d.Consumer, d.Key))
	m.Data = d.Payload
	for k, v := range d.Header {
		if strings.HasPrefix(k, "Nats-") {
			k = deadOwn + k
		}
		m.Header[k] = v
	}
	m.Header.Set(deadStage, d.Stage)
	m.Header.Set(deadConsumer, d.Consumer)
	m.Header.Set(deadReason, oneLine(d.Reason))
	m.Header.Set(deadAttempts, strconv.Itoa(d.Attempts))
	m.Header.Set(deadFirst, d.First.UTC().Format(time.RFC3339Nano))
	m.Header.Set(deadLast, d.Last.UTC().Format(time.RFC3339Nano))
	if d.Subject != "" {
		m.Header.Set(deadOrigin, d.Subject)
		m.Header.Set(deadSequence, strconv.FormatUint(d.Sequence, 10))
	}
	return m
}

// deadFrom makes the dead letter of a message that a subscription gave up on.
func deadFrom(s *subscription, m *stored, attempts int, first, last time.Time, err error) DeadLetter { //nolint:revive // five facts of one moment
	return DeadLetter{
		Stage: s.topic, Consumer: s.group, Key: strconv.FormatUint(m.sequence, 10),
		Reason: err.Error(), Attempts: attempts, First: first, Last: last,
		Subject: m.subject, Sequence: m.sequence, Header: m.header, Payload: m.data,
	}
}

func isWrongLast(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// oneLine makes a reason fit for a header.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "") + "…"
	}
	return s
}
