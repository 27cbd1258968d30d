package deliver

import (
	"errors"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/relay"
)

// unknownPause is how long a platform is left alone that asked for a pause and did not say how long, and maxPause how long at
// most: who asks for more has probably counted in other units.
const (
	unknownPause = 15 * time.Second
	maxPause     = time.Hour
)

// Kinds of failure that are not the platform's, in receipts.
const (
	kindFollows = "follows"       // what it follows or changes has failed, or never came
	kindParked  = "parked"        // it may have been sent, and the policy is not to send it again
	kindNowhere = "no_connection" // its connection is not configured
	kindCrashed = "crashed"       // the process ended each time
	kindFailed  = "failed"        // anything else
)

// refusal is a failure that deliver itself found.
type refusal struct {
	kind string
	err  error
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// refuse makes a dead letter of an action.
func refuse(kind string, err error) error { return bus.Permanent(&refusal{kind, err}) }

// verdict translates what a platform answered into what the bus does next: nothing, another attempt of which the retry
// budget takes note, another attempt after the time that the platform asked for, or a dead letter.
func verdict(err error) error {
	var f *relay.Failure
	if !errors.As(err, &f) {
		return err
	}
	switch f.Kind {
	case relay.RateLimited:
		pause := f.After
		if pause <= 0 {
			pause = unknownPause
		}
		return bus.After(min(pause, maxPause), err)
	case relay.Denied, relay.Rejected, relay.RootGone:
		return bus.Permanent(err)
	case relay.Temporary:
	}
	return err
}

// isKind reports a failure of one of the kinds.
func isKind(err error, kinds ...relay.Kind) bool {
	var f *relay.Failure
	if !errors.As(err, &f) {
		return false
	}
	for _, k := range kinds {
		if f.Kind == k {
			return true
		}
	}
	return false
}

// kindOf names a failure for programs.
func kindOf(err error) string {
	var own *refusal
	var f *relay.Failure
	switch {
	case errors.As(err, &own):
		return own.kind
	case errors.As(err, &f):
		return f.Kind.String()
	case errors.Is(err, bus.ErrCrashed):
		return kindCrashed
	}
	return kindFailed
}
