package relay

import (
	"errors"
	"fmt"
	"time"
)

// The ways in which a webhook call is refused. What they answer over HTTP is decided in relay/ingest.
var (
	// ErrHookClosed means that the connection has no hook credentials configured: it takes webhooks from nobody.
	ErrHookClosed = errors.New("relay: no hook credentials are configured")
	// ErrUnauthorized means wrong or missing credentials. It never says which part was wrong.
	ErrUnauthorized = errors.New("relay: unauthorized")
	// ErrNotJSON means that the body is not JSON at all.
	ErrNotJSON = errors.New("relay: not JSON")
)

// ShapeError means that a body is JSON of a shape that this version does not know. The call's payload must be kept.
type ShapeError struct {
	// Payload is the body less any credential in it.
	Payload []byte
	// Err says what was expected and where.
	Err error
}

// Error says what was expected and where.
func (e *ShapeError) Error() string { return "relay: unknown shape: " + e.Err.Error() }

// Unwrap returns Err.
func (e *ShapeError) Unwrap() error { return e.Err }

// Kind says what a failed send means for the action.
type Kind int

// The kinds of failure.
const (
	// Temporary: the same call may succeed later; whether this one was carried out is not known.
	Temporary Kind = iota
	// RateLimited: the platform asked to wait. Nothing was done.
	RateLimited
	// Denied: the credentials or the rights do not suffice. Nothing was done.
	Denied
	// Rejected: the platform will never take this action as it is. Nothing was done.
	Rejected
	// RootGone: the message that the thread hangs on does not exist any more. Nothing was done.
	RootGone
)

// String returns the kind as a metric label.
func (k Kind) String() string {
	switch k {
	case Temporary:
		return "temporary"
	case RateLimited:
		return "rate_limited"
	case Denied:
		return "denied"
	case Rejected:
		return "rejected"
	case RootGone:
		return "root_gone"
	}
	return fmt.Sprintf("kind_%d", int(k))
}

// Failure is why a platform did not carry out an action.
type Failure struct {
	Kind Kind
	// After is how long the platform asked to wait; 0 if it did not say.
	After time.Duration
	// Group says which calls a failure of the kind RateLimited is about; the zero Group is all of the connection.
	Group Group
	Err   error
}

// Error returns the kind and the cause.
func (f *Failure) Error() string { return fmt.Sprintf("%s: %v", f.Kind, f.Err) }

// Unwrap returns Err.
func (f *Failure) Unwrap() error { return f.Err }
