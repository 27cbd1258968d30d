package relay

import (
	"context"

	"github.com/threadrelay/threadrelay/bus/event"
)

// Listener is a Poller that also hears what happens at its platform as it happens. Hearing is quick and polling is complete:
// nothing tells a Listener what it has missed, so whoever hosts it polls each source once more after it has begun to listen,
// before anything that was heard there is passed on. An event has one id, however it comes.
type Listener interface {
	Poller
	// Listen opens one realtime connection and reports what happens, until ctx ends or the connection is lost. It does not
	// try again: that is its host's affair. Its error is a [*Failure] whenever the platform or the way to it is to blame:
	// Denied if the platform will not have us listen, RateLimited if it asked to wait.
	Listen(ctx context.Context, r ListenRequest) error
}

// ListenRequest says what to listen to, and whom to tell. All of its functions are called by one goroutine, one at a time.
type ListenRequest struct {
	// Sources are the sources of the Poller to listen to.
	Sources []string
	// Open is called once, when nothing that happens from now on in the sources will be missed.
	Open func()
	// Deaf is called for a source that cannot be listened to, or not any more. It is polled alone.
	Deaf func(source string, err error)
	// Hear is called with what has happened in a source, in order. Its error ends the Listen, which returns it.
	Hear func(h Heard) error
}

// Heard is what was heard of one source.
type Heard struct {
	// Source is one of those that were asked for, or one that they stand for: see [Discoverer].
	Source string
	// Events may be empty, and may hold what is known already, under the ids that it has.
	Events []event.Event
	// Poll is set if something happened that a poll alone can tell.
	Poll bool
}
