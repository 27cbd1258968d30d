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
	return cloudEvent(string(a.ID), string(a.Type), a.Time, a.Thread, data), nil
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

// toNATS makes the NATS message that a Watermill message travels as. Its UUID becomes the id by which the stream
// recognises duplicates.
func toNATS(topic, stream string, m *message.Message) (*nats.Msg, error) {
	if m.UUID == "" {
		return nil, fmt.Errorf("message without a UUID: duplicates could not be recognised")
	}
	if strings.ContainsAny(m.UUID, "\r\n") {
		return nil, fmt.Errorf("message %q: a UUID must not hold a line break", m.UUID)
	}
	lane := m.Metadata[LaneKey]
	if lane == "" {
		lane = noLane
	}
	if !validLane(lane) {
		return nil, fmt.Errorf("message %s: %s %q is not <connection>.<thread>", m.UUID, LaneKey, lane)
	}
	out := nats.NewMsg(publishSubject(topic, lane))
	out.Data = m.Payload
	for k, v := range m.Metadata {
		if k == LaneKey {
			continue
		}
		if k == "" || strings.ContainsAny(k, ": \r\n") || strings.ContainsAny(v, "\r\n") {
			return nil, fmt.Errorf("message %s: metadata %q cannot be a header", m.UUID, k)
		}
		out.Header[k] = []string{v}
	}
	out.Header.Set(nats.MsgIdHdr, m.UUID)
	out.Header.Set(nats.ExpectedStreamHdr, stream)
	return out, nil
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
