package bus

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// RefusalCode says why a question was not answered. The codes are those of HTTP with that meaning.
type RefusalCode int

// The reasons why a question is not answered.
const (
	// RefusedRejected: the question makes no sense to the platform.
	RefusedRejected RefusalCode = 400
	// RefusedDenied: the relay's credentials do not suffice.
	RefusedDenied RefusalCode = 403
	// RefusedGone: what the question is about does not exist, or not any more.
	RefusedGone RefusalCode = 404
	// RefusedTooLarge: the answer is larger than a message of the bus may be. Ask for less.
	RefusedTooLarge RefusalCode = 413
	// RefusedRateLimited: ask again after a while.
	RefusedRateLimited RefusalCode = 429
	// RefusedUnsupported: the platform cannot answer this kind of question.
	RefusedUnsupported RefusalCode = 501
	// RefusedTemporary: it did not work this time.
	RefusedTemporary RefusalCode = 502
)

// Refusal is why a question was not answered. Who answers questions returns one to say so to the asker, whose error holds
// one that is the same.
type Refusal struct {
	Code RefusalCode
	// After is how long to wait before asking again, as far as that is known.
	After time.Duration
	// Reason is a line for people.
	Reason string
}

// Error returns the reason and the code.
func (r *Refusal) Error() string { return fmt.Sprintf("%s (code %d)", r.Reason, r.Code) }

// IsRefusal reports whether an error says that a question was refused with a code.
func IsRefusal(err error, code RefusalCode) bool {
	var r *Refusal
	return errors.As(err, &r) && r.Code == code
}

// refusalAfter is the header that says how long to wait, in milliseconds.
const refusalAfter = "Relay-Retry-After-Ms"

// message is how a refusal travels: as an error of a NATS micro service.
func (r *Refusal) message() *nats.Msg {
	h := nats.Header{micro.ErrorHeader: {oneLine(r.Reason)}, micro.ErrorCodeHeader: {strconv.Itoa(int(r.Code))}}
	if r.After > 0 {
		h.Set(refusalAfter, strconv.FormatInt(r.After.Milliseconds(), 10))
	}
	return &nats.Msg{Header: h}
}

// refusalOf returns the refusal that an answer is, or nil.
func refusalOf(m *nats.Msg) *Refusal {
	reason := m.Header.Get(micro.ErrorHeader)
	if reason == "" {
		return nil
	}
	r := &Refusal{Code: RefusedTemporary, Reason: reason}
	if code, err := strconv.Atoi(m.Header.Get(micro.ErrorCodeHeader)); err == nil {
		r.Code = RefusalCode(code)
	}
	if ms, err := strconv.ParseInt(m.Header.Get(refusalAfter), 10, 64); err == nil && ms > 0 {
		r.After = time.Duration(ms) * time.Millisecond
	}
	return r
}
