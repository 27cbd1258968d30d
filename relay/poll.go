package relay

import (
	"context"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// Poller reads what has happened at a platform, page by page.
type Poller interface {
	// Poll returns one page of what happened in a source after a cursor. Its error is a [*Failure] whenever the platform or the
	// way to it is to blame: of the kind RateLimited, it pauses the whole connection; Denied, Rejected and RootGone have the
	// source left alone for long, and shown as refused. Several sources may be polled at the same time, one source never twice.
	Poll(ctx context.Context, r PollRequest) (Page, error)
	// CheckSource reports what is wrong with a source's name, without calling anybody.
	CheckSource(source string) error
}

// ThreadPoller is a Poller that can also read single threads, which are not among the sources that it was configured with.
type ThreadPoller interface {
	Poller
	// ThreadSource returns the name of the source that reads one thread, such as "thread/4711", or false if there is none.
	ThreadSource(t event.ThreadRef) (string, bool)
}

// Discoverer is a Poller some of whose sources stand for others, such as one for all the rooms that a user is in.
type Discoverer interface {
	Poller
	// Discovers reports whether a source stands for others. Such a one cannot be polled itself. It calls nobody.
	Discovers(source string) bool
	// Discover finds out for which sources one stands at this time. Its error is as that of Poll.
	Discover(ctx context.Context, source string) (Discovery, error)
}

// Discovery is what a source stands for.
type Discovery struct {
	// Sources are in no order, each once.
	Sources []string
	// Calls is how many requests it has cost the rate budget; at least 1.
	Calls int
}

// Locator is a Poller whose sources are not named as the conversations are that they read.
type Locator interface {
	Poller
	// SourceOf returns the source that reads what is said in a conversation, as far as polls have shown it, or false.
	SourceOf(t event.ThreadRef) (string, bool)
}

// Paced is a Poller that knows how often its platform lets itself be polled.
type Paced interface {
	Poller
	// PollBudget returns how many requests polling may make within any minute, or 0 if nothing is known that would limit
	// them. It may change with every poll. It returns at once.
	PollBudget() int
}

// PollRequest asks for a page.
type PollRequest struct {
	// Source is what to read, in the platform's words, such as "app", "group/eng" or "thread/4711".
	Source string
	// After is the cursor of the page before; empty for the first page ever.
	After string
	// Since is where the first page starts, by our clock; the zero time means now: then the page holds no events, and a cursor.
	// It says nothing if After is set.
	Since time.Time
}

// Page is part of what happened in a source.
type Page struct {
	// Events are in the order in which they happened. Some may have been in an earlier page, or have come as a webhook: they
	// carry the same ids.
	Events []event.Event
	// Next is the cursor behind this page, which may be saved once the page's events are stored. It is the one that was asked
	// with if the page has come no further.
	Next string
	// More is set if another page may be there at once. It says nothing if the cursor has not moved.
	More bool
	// Calls is how many requests the page has cost the rate budget; at least 1.
	Calls int
}

// Completer finds out what the platform's report of an event left out.
type Completer interface {
	// Complete returns the whole event for one that is [event.Event.Incomplete]: with the thread that it belongs to, and its
	// final id. A [*Failure] of the kind RootGone means that what the event is about does not exist any more.
	Complete(ctx context.Context, e event.Event) (event.Event, error)
}

// Rememberer is a Completer that need not ask for what it was told before.
type Rememberer interface {
	// Remember takes note of where the message of a whole event belongs, so that completing an event about the same message
	// costs no call. It returns at once, forgets the oldest when it knows many, and ignores events that do not tell. It is
	// called with what was stored, in any order, by any number of goroutines.
	Remember(e event.Event)
}

// Prober checks a configuration against its platform.
type Prober interface {
	// Probe returns a finding for each thing that was checked, faults and fine ones.
	Probe(ctx context.Context) []Finding
}

// Finding is what a probe found out about one thing.
type Finding struct {
	// Subject is what was checked, such as "api key".
	Subject string
	// Fault is nil if all is well. It is a whole sentence for people, and says what to do.
	Fault error
	// Note is what else is worth to know, such as a clock's skew; it may be empty.
	Note string
}

// Capable tells what its platform can do.
type Capable interface {
	Capabilities() event.Capabilities
}

// Finder looks for what an action may have left on the platform, after an attempt with an unknown outcome.
type Finder interface {
	// Find returns the receipt of an action that was carried out before, and false if the platform has no trace of it. It
	// looks back to since. Its error is a [*Failure] whenever the platform or the way to it is to blame: then nothing is known.
	Find(ctx context.Context, a event.Action, since time.Time) (event.Receipt, bool, error)
}
