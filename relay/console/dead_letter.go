package console

import (
	"time"
	"unicode/utf8"

	"github.com/threadrelay/threadrelay/bus"
)

// Letter is the JSON form of a dead letter.
type Letter struct {
	ID string `json:"id"`
	// Stored is when the letter was stored, by the clock of the NATS server.
	Stored   time.Time `json:"stored,omitzero"`
	Stage    string    `json:"stage"`
	Consumer string    `json:"consumer"`
	// Connection is empty for a message that belongs to none.
	Connection string `json:"connection,omitempty"`
	Reason     string `json:"reason"`
	Attempts   int    `json:"attempts"`
	// First and Last are the times of the first and the last failed attempt.
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
	// Subject and Sequence say where the message lay; both are absent at stage ingest.
	Subject  string `json:"subject,omitempty"`
	Sequence uint64 `json:"sequence,omitempty"`
	// ReplayOf is the id that the message had before it was replayed, and died again.
	ReplayOf string              `json:"replayOf,omitempty"`
	Header   map[string][]string `json:"header,omitempty"`
	// Text is the payload if that is valid UTF-8; otherwise it is nil, and Raw is the payload.
	Text *string `json:"payload,omitempty"`
	Raw  []byte  `json:"payloadBase64,omitempty"`
}

func newLetter(d bus.DeadLetter) Letter {
	l := Letter{
		ID: d.ID, Stored: d.Stored, Stage: d.Stage, Consumer: d.Consumer, Connection: d.Connection(), Reason: d.Reason,
		Attempts: d.Attempts, First: d.First, Last: d.Last, Subject: d.Subject, Sequence: d.Sequence, ReplayOf: d.ReplayOf(),
		Header: d.Header,
	}
	if utf8.Valid(d.Payload) {
		text := string(d.Payload)
		l.Text = &text
	} else {
		l.Raw = d.Payload
	}
	return l
}

// Payload returns the payload, in whichever form it travelled.
func (l Letter) Payload() []byte {
	if l.Text != nil {
		return []byte(*l.Text)
	}
	return l.Raw
}
