package bus

import (
	"fmt"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"

	"github.com/threadrelay/threadrelay/bus/event"
)

// Metadata keys of CloudEvents 1.0 in NATS binary mode.
const (
	ceSpecVersion = "ce-specversion"
	ceID          = "ce-id"
	ceSource      = "ce-source"
	ceType        = "ce-type"
	ceTime        = "ce-time"
	contentType   = "content-type"
)

// LaneKey is the metadata key that says which lane a message belongs to, as <connection>.<thread>. It is not sent as a
// header: the subject carries it.
const LaneKey = "relay-lane"

// EventMessage makes the message that carries e, to be published to [Events].
func EventMessage(e event.Event) (*message.Message, error) {
	data, err := e.Encode()
	if err != nil {
		return nil, err
	}
	return cloudEvent(string(e.ID), string(e.Type), e.Time, e.Thread, data), nil
}

// ActionMessage makes the message that carries a, to be published to [Actions].
func ActionMessage(a event.Action) (*message.Message, error) {
	data, err := a.Encode()
	if err != nil {
		return nil, err
	}
	m := cloudEvent(string(a.ID), string(a.Type), a.Time, a.Thread, data)
	m.Metadata.Set(LaneKey, ActionLane(a))
	return m, nil
}

// ActionLane is the lane of an action, and of its receipts, as in [LaneKey].
func ActionLane(a event.Action) string { return string(a.Thread.Connection) + "." + a.Lane() }

// receiptType is what stands before a receipt's outcome in its type as a CloudEvent.
const receiptType = "chat.action."

// ReceiptMessage makes the message that carries r, to be published to [Receipts] in a lane: that of its action.
func ReceiptMessage(r event.Receipt, lane string) (*message.Message, error) {
	data, err := r.Encode()
	if err != nil {
		return nil, err
	}
	m := cloudEvent(r.ID, receiptType+string(r.Outcome), r.Time, r.Thread, data)
	m.Metadata.Set(LaneKey, lane)
	return m, nil
}

// ReadEvent takes the event out of a message. Its error is permanent.
func ReadEvent(m *message.Message) (event.Event, error) {
	e, err := event.DecodeEvent(m.Payload)
	return e, Permanent(err)
}

// ReadAction takes the action out of a message. Its error is permanent.
func ReadAction(m *message.Message) (event.Action, error) {
	a, err := event.DecodeAction(m.Payload)
	return a, Permanent(err)
}

// ReadReceipt takes the receipt out of a message. Its error is permanent.
func ReadReceipt(m *message.Message) (event.Receipt, error) {
	r, err := event.DecodeReceipt(m.Payload)
	return r, Permanent(err)
}

func cloudEvent(id, typ string, at time.Time, t event.ThreadRef, data []byte) *message.Message {
	m := message.NewMessage(id, data)
	m.Metadata = message.Metadata{
		ceSpecVersion: "1.0",
		ceID:          escapeHeader(id),
		ceSource:      "/connections/" + escapeHeader(string(t.Connection)),
		ceType:        escapeHeader(typ),
		ceTime:        at.UTC().Format(time.RFC3339Nano),
		contentType:   "application/json",
		LaneKey:       string(t.Connection) + "." + t.Lane(),
	}
	return m
}

// escapeHeader percent-encodes what the NATS binding of CloudEvents wants encoded in a header: spaces, quotes, percent
// signs and all that is not printable ASCII.
func escapeHeader(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == '"' || c == '%' || c > '~' {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// checkOutgoing refuses what cannot travel. A message's UUID becomes the id by which the stream recognises duplicates, its
// metadata becomes headers.
func checkOutgoing(m *message.Message) error {
	if m.UUID == "" {
		return fmt.Errorf("message without a UUID: duplicates could not be recognised")
	}
	if hasLineBreak(m.UUID) {
		return fmt.Errorf("message %q: a UUID must not hold a line break", m.UUID)
	}
	if lane := outgoingLane(m); !validLane(lane) {
		return fmt.Errorf("message %s: %s %q is not <connection>.<thread>", m.UUID, LaneKey, lane)
	}
	for k, v := range m.Metadata {
		if k != LaneKey && (k == "" || strings.ContainsAny(k, ": \r\n") || hasLineBreak(v)) {
			return fmt.Errorf("message %s: metadata %q cannot be a header", m.UUID, k)
		}
	}
	return nil
}

func hasLineBreak(s string) bool {
	return strings.IndexByte(s, '\n') >= 0 || strings.IndexByte(s, '\r') >= 0
}

func outgoingLane(m *message.Message) string {
	if lane := m.Metadata[LaneKey]; lane != "" {
		return lane
	}
	return noLane
}

// letter is the NATS message in which Watermill messages travel, one after the other: what is sent has been copied, so that
// the next can be put in.
type letter struct {
	nats.Msg
	values []string // of the headers
}

// seal puts a message in that [checkOutgoing] has let pass.
func (l *letter) seal(topic, stream string, m *message.Message) {
	l.empty()
	l.Subject, l.Data = publishSubject(topic, outgoingLane(m)), m.Payload
	for k, v := range m.Metadata {
		if k != LaneKey {
			l.set(k, v)
		}
	}
	l.set(nats.MsgIdHdr, m.UUID)
	l.set(nats.ExpectedStreamHdr, stream)
}

func (l *letter) set(key, value string) {
	if l.Header == nil {
		l.Header = make(nats.Header)
	}
	n := len(l.values)
	l.values = append(l.values, value)
	l.Header[key] = l.values[n : n+1 : n+1]
}

// empty lets go of the message, and keeps the space that it took.
func (l *letter) empty() {
	clear(l.Header)
	clear(l.values)
	l.values = l.values[:0]
	l.Subject, l.Reply, l.Data = "", "", nil
}

// fromNATS makes the Watermill message of a stored one. A header with several values becomes one, joined by commas as in
// HTTP. Headers of NATS's own do not become metadata.
func fromNATS(topic, subject string, h nats.Header, data []byte) *message.Message {
	m := message.NewMessage(h.Get(nats.MsgIdHdr), data)
	for k, values := range h {
		if strings.HasPrefix(k, "Nats-") {
			continue
		}
		m.Metadata[k] = strings.Join(values, ", ")
	}
	if lane := laneOf(topic, subject); lane != noLane {
		m.Metadata[LaneKey] = lane
	}
	return m
}
