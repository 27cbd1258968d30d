package bus

import (
	"bytes"
	"encoding/json"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Ack is the stream's word that a message is stored.
type Ack struct {
	// Sequence is the message's place in the stream.
	Sequence uint64
	// Duplicate is set if the stream had stored a message with this id before.
	Duplicate bool
}

// answer is what came back for one message: the ack of the stream that it names, or an error.
type answer struct {
	stream []byte
	ack    Ack
	err    error
}

// readAnswer reads an answer. It is of JetStream, or the server's own notice that nobody listens to the subject.
func readAnswer(m *nats.Msg) answer {
	if a, ok := parseAck(m.Data); ok {
		return a
	}
	if len(m.Data) == 0 && m.Header.Get("Status") == "503" {
		return answer{err: jetstream.ErrNoStreamResponse}
	}
	return decodeAck(m.Data)
}

// decodeAck reads what JetStream answers, in whatever form.
func decodeAck(data []byte) answer {
	var r struct {
		Error *jetstream.APIError `json:"error"`
		jetstream.PubAck
	}
	switch err := json.Unmarshal(data, &r); {
	case err != nil:
		return answer{err: jetstream.ErrInvalidJSAck}
	case r.Error != nil:
		return answer{err: r.Error}
	case r.Stream == "" || r.Sequence == 0:
		return answer{err: jetstream.ErrInvalidJSAck}
	}
	return answer{stream: []byte(r.Stream), ack: Ack{Sequence: r.Sequence, Duplicate: r.Duplicate}}
}

// parseAck reads an ack in the form in which nats-server writes it, and leaves all else to decodeAck, which takes ten times
// as long: {"stream":"S","domain":"D","seq":1,"duplicate": true}, domain and duplicate only if there is something to say.
func parseAck(data []byte) (answer, bool) {
	p := ackParser{rest: data}
	a := answer{}
	if !p.skip(`{"stream":"`) {
		return answer{}, false
	}
	a.stream = p.word()
	if p.skip(`","domain":"`) {
		p.word()
	}
	if !p.skip(`","seq":`) {
		return answer{}, false
	}
	a.ack.Sequence = p.number()
	a.ack.Duplicate = p.skip(`,"duplicate": true`) || p.skip(`,"duplicate":true`)
	whole := string(p.rest) == "}" && len(a.stream) > 0 && a.ack.Sequence > 0
	return a, whole
}

// ackParser walks along an ack.
type ackParser struct{ rest []byte }

// skip goes past a literal, if it comes next.
func (p *ackParser) skip(literal string) bool {
	if len(p.rest) < len(literal) || string(p.rest[:len(literal)]) != literal {
		return false
	}
	p.rest = p.rest[len(literal):]
	return true
}

// word takes what stands before the next quotation mark, or nothing if that needs to be decoded.
func (p *ackParser) word() []byte {
	n := bytes.IndexByte(p.rest, '"')
	for i := range max(n, 0) {
		if c := p.rest[i]; c < ' ' || c == '\\' || c > '~' {
			return nil
		}
	}
	if n < 0 {
		return nil
	}
	w := p.rest[:n]
	p.rest = p.rest[n:]
	return w
}

// maxDigits is how many digits a uint64 can hold whatever they are.
const maxDigits = 19

// number takes the digits that come next, and is 0 if they are none that JSON allows or too many.
func (p *ackParser) number() uint64 {
	n, i := uint64(0), 0
	for i < len(p.rest) && i <= maxDigits && '0' <= p.rest[i] && p.rest[i] <= '9' {
		n = n*10 + uint64(p.rest[i]-'0')
		i++
	}
	if i > maxDigits || i > 0 && p.rest[0] == '0' {
		return 0
	}
	p.rest = p.rest[i:]
	return n
}
