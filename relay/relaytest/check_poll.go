package relaytest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

func pollChecks() []check {
	poller := []Interface{Poller}
	return []check{
		{"poll/sources", poller, pollSources},
		{"poll/said", poller, pollSaid},
		{"poll/from now on", poller, pollFromNow},
		{"poll/since", poller, pollSince},
		{"poll/pages", poller, pollPages},
		{"poll/together", poller, pollTogether},
		{"poll/cost", poller, pollCost},
		{"poll/thread", []Interface{ThreadPoller}, pollThread},
	}
}

// errorKind returns the kind of a Failure, and false for any other error.
func errorKind(err error) (relay.Kind, bool) {
	var f *relay.Failure
	if errors.As(err, &f) {
		return f.Kind, true
	}
	return 0, false
}

// pollSources: a source's name is judged without asking anybody, and a wrong one is not polled.
func pollSources(s *suite) {
	b := s.stand(StageConfig{})
	poller := as[relay.Poller](b.link)
	for _, src := range b.sources("0") {
		if err := poller.CheckSource(src.Name); err != nil {
			s.t.Errorf("source %q: %v", src.Name, err)
		}
	}
	before, _ := b.front.count()
	for _, name := range []string{"", " ", "a b", "no/such/source", "\x00"} {
		if err := poller.CheckSource(name); err == nil {
			s.t.Errorf("source %q passes for one", name)
		}
		_, err := b.poll(s.ctx, relay.PollRequest{Source: name})
		if kind, ok := errorKind(err); !ok || kind != relay.Rejected {
			s.t.Errorf("the poll of source %q returns %v, want a Failure of the kind %s", name, err, relay.Rejected)
		}
	}
	if after, _ := b.front.count(); after != before {
		s.t.Errorf("wrong names of sources cost %d requests", after-before)
	}
}

// sources are those of the scene and, if threads can be polled, that of a thread.
func (b *bench) sources(root event.MessageID) []Source {
	b.t.Helper()
	sources := b.scene.Sources
	if len(sources) == 0 {
		b.t.Fatal("the scene has no sources")
	}
	if !b.promises(ThreadPoller) || root == "0" {
		return sources
	}
	name, ok := as[relay.ThreadPoller](b.link).ThreadSource(b.thread(b.scene.Group, root))
	if !ok {
		b.t.Fatalf("there is no source that reads the thread of %s", root)
	}
	return append(slices.Clone(sources), Source{Name: name})
}

// pollSaid: a poll's event tells who said what in which thread.
func pollSaid(s *suite) {
	b := s.stand(StageConfig{})
	var readers []*reader
	for _, src := range b.scene.Sources {
		r := b.read(src.Name)
		r.drain()
		readers = append(readers, r)
	}
	lines := b.speak()
	for i, src := range b.scene.Sources {
		events := readers[i].drain()
		for _, said := range lines {
			if !slices.Contains(src.Conversations, said.in.Conversation) {
				continue
			}
			at := slices.IndexFunc(events, func(e event.Event) bool { return e.Type == event.MessageCreated && about(e) == said.id })
			if at < 0 {
				s.t.Errorf("source %s does not tell %q", src.Name, said.text)
				continue
			}
			if fault := b.misplaced(b.whole(events[at]), said); fault != "" {
				s.t.Errorf("%q: the event of source %s: %s", said.text, src.Name, fault)
			}
		}
	}
}

// pollFromNow: without a time the first page tells nothing, and those after it what happened since.
func pollFromNow(s *suite) {
	b := s.stand(StageConfig{})
	root := b.say(b.group(), "a root")
	for _, src := range b.sources(root) {
		b.chatter(src, root, 3)
		r := b.read(src.Name)
		first, err := r.page()
		s.must(err)
		if len(first.Events) > 0 {
			s.t.Errorf("source %s: from now on, and the first page has %d events", src.Name, len(first.Events))
		}
		b.toldAs("source "+src.Name+" when nothing has happened", r.drain(), nil)
		b.toldAs("source "+src.Name, r.drain(), nil)
		said := b.chatter(src, root, 3)
		b.toldAs("source "+src.Name, r.drain(), said)
	}
}

// pollSince: with a time the first pages tell what happened from then on.
func pollSince(s *suite) {
	for _, size := range []int{0, 1, 2, 5} {
		now := time.Now()
		var mu sync.Mutex
		clock := now.Add(-3 * time.Hour)
		b := s.stand(StageConfig{PageSize: size, Now: func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			clock = clock.Add(time.Second)
			return clock
		}})
		root := b.say(b.group(), "a root")
		sources := b.sources(root)
		said := make([][]event.MessageID, len(sources))
		for _, src := range sources {
			b.chatter(src, root, 3)
		}
		mu.Lock()
		clock = now.Add(-time.Hour)
		mu.Unlock()
		b.talk(sources, root, said)
		for i, src := range sources {
			r := b.read(src.Name)
			r.since = now.Add(-2 * time.Hour)
			b.toldAs(fmt.Sprintf("source %s by %d, since a time", src.Name, size), r.drain(), said[i])
		}
	}
}

// pollTogether: several sources may be polled at the same time.
func pollTogether(s *suite) {
	b := s.stand(StageConfig{PageSize: 3})
	root := b.say(b.group(), "a root")
	sources := b.sources(root)
	said := make([][]event.MessageID, len(sources))
	readers := make([]*reader, len(sources))
	for i, src := range sources {
		readers[i] = b.read(src.Name)
		readers[i].drain()
	}
	for range 3 {
		b.talk(sources, root, said)
	}
	var wg sync.WaitGroup
	events := make([][]event.Event, len(sources))
	for i, r := range readers {
		wg.Go(func() {
			for range manyPages {
				page, err := r.page()
				if err != nil {
					s.t.Errorf("source %s: %v", r.source, err)
					return
				}
				events[i] = append(events[i], page.Events...)
				if !page.More {
					return
				}
			}
		})
	}
	wg.Wait()
	for i, src := range sources {
		b.toldAs("source "+src.Name+", polled beside others", events[i], said[i])
	}
}

// pollCost: a page says how many requests it has cost.
func pollCost(s *suite) {
	b := s.stand(StageConfig{PageSize: 2})
	for _, src := range b.scene.Sources {
		for _, since := range []time.Time{{}, time.Now().Add(-time.Hour)} {
			r := b.read(src.Name)
			r.since = since
			for range 4 {
				before, _ := b.front.count()
				page, err := r.page()
				s.must(err)
				if after, _ := b.front.count(); page.Calls != max(1, after-before) {
					s.t.Errorf("source %s: a page says that it cost %d requests, and there were %d", src.Name, page.Calls, after-before)
				}
				b.chatter(src, "", 3)
			}
		}
	}
	if _, changing := b.front.count(); changing > 0 {
		s.t.Errorf("polls have made %d requests that change something", changing)
	}
}

// pollThread: the thread that an event belongs to can be read as a source of its own.
func pollThread(s *suite) {
	b := s.stand(StageConfig{})
	root := b.say(b.group(), "a root")
	other := b.say(b.group(), "another root")
	src := b.sources(root)[len(b.scene.Sources)]
	r := b.read(src.Name)
	r.drain()
	b.say(b.thread(b.scene.Group, other), "elsewhere")
	said := []event.MessageID{b.say(b.thread(b.scene.Group, root), "one"), b.say(b.thread(b.scene.Group, root), "two")}
	b.toldAs("source "+src.Name, r.drain(), said)

	poller := as[relay.ThreadPoller](b.link)
	if name, ok := poller.ThreadSource(b.group()); ok {
		s.t.Errorf("a conversation is taken for a thread, of source %q", name)
	}
	gone, ok := poller.ThreadSource(b.thread(b.scene.Group, b.scene.NoMessage))
	if !ok {
		return
	}
	_, err := b.poll(s.ctx, relay.PollRequest{Source: gone, Since: time.Now().Add(-time.Hour)})
	if kind, isFailure := errorKind(err); err != nil && (!isFailure || kind != relay.RootGone) {
		s.t.Errorf("the poll of a thread that is not there returns %v, want a Failure of the kind %s", err, relay.RootGone)
	}
}
