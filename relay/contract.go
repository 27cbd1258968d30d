package relay

import (
	"context"
	"net/http"

	"github.com/threadrelay/threadrelay/bus/event"
)

// Receiver turns a webhook call into events. It is pure: no clock, no network, no state.
type Receiver interface {
	// Receive verifies the call's credentials and then decodes its body. It returns at least one event, or one of
	// [ErrHookClosed], [ErrUnauthorized], [ErrNotJSON] or a [*ShapeError].
	Receive(h http.Header, body []byte) ([]event.Event, error)
}

// Sender carries out actions.
type Sender interface {
	// Send carries out one action and returns what the platform made of it. Its error is a [*Failure] whenever the platform
	// or the way to it is to blame, so that the caller knows what to do next.
	Send(ctx context.Context, a event.Action) (event.Receipt, error)
}

// Members looks up who belongs to a conversation.
type Members interface {
	// Member answers the question, or returns an error if the platform did not answer it.
	Member(ctx context.Context, q event.MembershipQuery) (bool, error)
}

// Redactor removes credentials from what a Receiver was given, for a call that has to be kept as it came.
type Redactor interface {
	Redact(body []byte) []byte
}

// Decoder is a Receiver that also takes bodies whose call was verified before, such as one that was kept because the version
// of that day could not decode it.
type Decoder interface {
	// Decode turns a call's body into events as Receive does, and asks for no credentials. It is pure, and must not be given
	// what comes from outside.
	Decode(body []byte) ([]event.Event, error)
}
