package ingest

import (
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

const (
	// maxThreads bounds the threads that are reconciled; those that were silent for longest give way.
	maxThreads = 1000
	// threadFor is how long after its last event a thread is reconciled.
	threadFor = time.Hour
	// threadFirst and threadSlowest are how many times the interval passes between an event in a thread and its poll, and at
	// most between two polls. The wait doubles from one to the other.
	threadFirst, threadSlowest = 6, 120
	// threadOverlap is how far before the first event that was heard of a thread is read.
	threadOverlap = time.Minute
)

// Threads of recent activity are polled beside the configured sources, with the calls that are left, if the platform is a
// [relay.ThreadPoller]. An event that was lost there is made up for also where no source sees it.
//
// What is remembered of threads is in this process's memory alone. Another one that takes over learns of them anew, from
// what it polls and from the webhooks that reach it.

// heard takes note of events that the connection has stored, by whichever way. polled tells that a source brought them:
// then the schedule knows of that source already.
func (s *session) heard(events []event.Event, polled bool) {
	now := time.Now()
	for _, e := range events {
		if e.Incomplete || e.Type == event.Other || now.Sub(e.Time) > threadFor {
			continue
		}
		if !polled {
			s.schedule.hear(s.sourceOf(e.Thread), now)
		}
		if s.threads == nil || e.Message == nil || e.Message.Parent == "" || e.Thread.Root == "" {
			continue // a message that nobody has replied to is seen where it was said
		}
		if name, ok := s.threads.ThreadSource(e.Thread); ok {
			s.schedule.hearThread(name, e.Time, now)
		}
	}
}

// sourceOf names the source that reads a conversation.
func (s *session) sourceOf(t event.ThreadRef) string {
	if s.locator != nil {
		if name, ok := s.locator.SourceOf(t); ok {
			return name
		}
	}
	return string(t.Conversation)
}

// hearThread takes note that something happened in a thread, at a time by the platform's clock.
func (s *schedule) hearThread(name string, at, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	src, known := s.sources[name]
	if known && !src.thread {
		return // it is polled anyway
	}
	if !known {
		src = s.addThread(name, at, now)
	}
	src.heard = now
	s.recent.MoveToFront(src.recent)
	soon := now.Add(around(threadFirst * s.interval))
	if src.place != away && src.trouble.kind == "" && soon.Before(src.due) {
		s.queues[threads].remove(src)
		src.due, src.interval = soon, threadFirst*s.interval
		s.queues[threads].add(src)
		s.rouse()
	}
}

// addThread takes a thread in, and forgets another one if there are too many.
func (s *schedule) addThread(name string, at, now time.Time) *source {
	if s.recent.Len() >= maxThreads {
		s.forget(s.recent.Back().Value.(*source)) //nolint:errcheck // nothing else is ever in it
	}
	since := at.Add(-threadOverlap)
	src := &source{
		name: name, thread: true, class: threads, due: now.Add(around(threadFirst * s.interval)), interval: threadFirst * s.interval,
		calls: 1, polled: now, place: away, mark: &marker{known: true, bookmark: bookmark{Since: since, Began: since}},
	}
	src.recent = s.recent.PushFront(src)
	s.sources[name] = src
	s.queues[threads].add(src)
	return src
}

// forget drops a thread.
func (s *schedule) forget(src *source) {
	src.gone = true
	s.recent.Remove(src.recent)
	delete(s.sources, src.name)
	if src.place != away {
		s.queues[threads].remove(src)
	}
}

// dueAfterThread sets when a thread is polled next.
func (s *source) dueAfterThread(r result, interval time.Duration, now time.Time) {
	switch {
	case r.verdict == passing:
		s.due = now.Add(max(backoff(s.failures), r.wait))
	case r.verdict == limited || r.more:
		s.due = now
	case r.fresh:
		s.interval = threadFirst * interval
		s.due = now.Add(around(s.interval))
	default:
		s.interval = min(2*s.interval, threadSlowest*interval)
		s.due = now.Add(around(s.interval))
	}
}
