package ingest

import (
	"container/list"
	"math/rand/v2"
	"time"
)

// away is the place of a source that is in no queue: it is being polled.
const away = -1

// The waits after failures.
const (
	// backoffMin and backoffMax bound the wait after a failure that may pass; it doubles from one to the next.
	backoffMin, backoffMax = 200 * time.Millisecond, 5 * time.Minute
	// refusedWait is how long a source is left alone that the platform refuses, at least.
	refusedWait = 5 * time.Minute
	// maxPause bounds the pause that a platform can ask for.
	maxPause = time.Hour
)

// source is what is polled, and what is known of it. The schedule's lock guards all but mark.
type source struct {
	name     string
	thread   bool    // reconciled, and forgotten when it falls silent
	gone     bool    // forgotten
	stands   bool    // for other sources, and is no page itself
	found    *source // the one that stands for it; nil if it was configured
	again    bool    // is to be polled once more than its turn
	class    class
	place    int // in its queue, or away
	due      time.Time
	interval time.Duration
	heard    time.Time // when something happened in it
	polled   time.Time // when it was last read with success, or else taken in
	calls    int       // what its last page cost
	failures int       // in a row
	trouble  trouble
	recent   *list.Element // of a thread

	mark *marker
	// fresh is the bookmark that it gets if it has none.
	fresh bookmark
}

// verdict says what a poll's outcome means for its source.
type verdict int

const (
	fine    verdict = iota
	passing         // the next attempt may succeed
	limited         // the platform wants to be left alone
	refused         // only people can mend it
)

// result is what came of a poll.
type result struct {
	verdict verdict
	outcome string // for the metric
	err     error
	wait    time.Duration // that the platform asked for; 0 if it did not
	calls   int           // 0 if unknown
	fresh   bool          // it brought something that happened just now
	more    bool          // another page is there
}

// trouble is why a source cannot be read; kind is empty if it can.
type trouble struct {
	kind    string
	refused bool // only people can mend it
	err     string
	since   time.Time
}

// change is what a poll has changed about a source.
type change struct {
	from, to string // kinds of trouble
	lasted   time.Duration
}

// note takes a result down.
func (s *source) note(r result, now time.Time) {
	switch r.verdict {
	case fine:
		s.failures, s.trouble, s.polled = 0, trouble{}, now
		if r.fresh {
			s.heard = later(s.heard, now)
		}
		return
	case passing:
		s.failures++
	case limited: // the whole connection's affair
		return
	case refused:
	}
	if s.trouble.kind != r.outcome {
		s.trouble = trouble{kind: r.outcome, refused: r.verdict == refused, since: now}
	}
	s.trouble.err = cut(r.err.Error())
}

// dueAfter sets when a source is polled next, and returns its class from now on.
func (s *source) dueAfter(r result, interval time.Duration, now time.Time) class {
	switch r.verdict {
	case passing:
		s.due = now.Add(max(backoff(s.failures), r.wait))
		return s.class
	case limited:
		s.due = now
		return s.class
	case refused:
		s.due = now.Add(around(max(refusedWait, slowest*interval)))
		return idle
	case fine:
	}
	if r.more {
		s.interval, s.due = interval, now
		return behind
	}
	if !s.heard.IsZero() && now.Sub(s.heard) < activeFor {
		s.interval, s.due = interval, now.Add(around(interval))
		return live
	}
	s.interval = min(s.interval*3/2, slowest*interval)
	s.due = now.Add(around(s.interval))
	return idle
}

// backoff is the wait after a number of failures in a row: up to half of it is taken off at random.
func backoff(failures int) time.Duration {
	wait := backoffMax
	if shift := failures - 1; shift < 12 {
		wait = min(backoffMin<<max(shift, 0), backoffMax)
	}
	return wait - time.Duration(rand.Float64()*float64(wait)/2) //nolint:gosec // spreads retries, guards nothing
}

// cut bounds what is kept and shown of an error.
func cut(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
