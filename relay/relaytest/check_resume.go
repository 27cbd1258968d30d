package relaytest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

func resumeChecks() []check {
	poller := []Interface{Poller}
	return []check{
		{"resume/restart", poller, resumeRestart},
		{"resume/errors", poller, resumeErrors},
		{"resume/repeated page", poller, resumeRepeated},
		{"resume/foreign cursor", poller, resumeForeign},
	}
}

// resumeRestart: from every cursor that may have been saved, another process tells all that followed, under the same ids.
func resumeRestart(s *suite) {
	const things = 7
	for _, size := range []int{1, 2, 3, things + 1} {
		b := s.stand(StageConfig{PageSize: size})
		root := b.say(b.group(), "a root")
		for _, src := range b.sources(root) {
			r := b.read(src.Name)
			r.drain()
			said := b.chatter(src, root, things)
			b.toldAs("source "+src.Name, r.drain(), said)
			b.must(b.edit(said[0]))
			r.drain()
			all := slices.Concat(r.pages...)
			for i, cursor := range r.cursors {
				later := b.read(src.Name)
				later.l, later.after = b.connect(), cursor
				got := later.drain()
				what := fmt.Sprintf("source %s by %d, resumed behind page %d of %d", src.Name, size, i+1, len(r.cursors))
				b.continues(what, got, all, slices.Concat(r.pages[i+1:]...))
			}
		}
	}
}

// edit changes a message, where polls tell of that.
func (b *bench) edit(id event.MessageID) error {
	if !slices.Contains(b.p.Tells.Polls, event.MessageEdited) {
		return nil
	}
	return b.stage.Edit(b.scene.People[0], id, "a better line")
}

// continues compares what was told after a restart with what was told without one: all that had to follow, in order, and
// nothing under other ids.
func (b *bench) continues(what string, got, all, rest []event.Event) {
	b.t.Helper()
	known := map[event.ID]bool{}
	for _, e := range all {
		known[e.ID] = true
	}
	at := map[event.ID]int{}
	for i, e := range got {
		if _, again := at[e.ID]; !again {
			at[e.ID] = i
		}
		// A message may stand there with an edit that had no page of its own.
		if e.Type == event.MessageCreated && !known[e.ID] {
			b.t.Errorf("%s: tells %s, which was never told before", what, e.ID)
		}
	}
	last := -1
	told := map[event.ID]bool{}
	for _, e := range rest {
		i, ok := at[e.ID]
		again := told[e.ID]
		told[e.ID] = true
		switch {
		case again: // events may come twice, of which the first counts
		case !ok:
			b.t.Errorf("%s: %s is lost", what, e.ID)
		case e.Type == event.MessageCreated && i < last:
			b.t.Errorf("%s: %s is told before what happened before it", what, e.ID)
		case e.Type == event.MessageCreated:
			last = i
		}
	}
}

// resumeErrors: an error of the platform in the midst of paging loses nothing, and repeats nothing under another id.
func resumeErrors(s *suite) {
	const things, manyRequests = 5, 40
	kind, body := s.p.Verdicts.Refuse(http.StatusServiceUnavailable, "", "not now")
	faults := map[string]fault{
		"503":          answering(http.StatusServiceUnavailable, kind, body),
		"an empty 200": answering(http.StatusOK, "", nil),
		"half a page":  {half: true},
		"a cut":        {cut: true},
	}
	for what, x := range faults {
		for nth := range manyRequests {
			b := s.stand(StageConfig{PageSize: 2})
			src := b.scene.Sources[0]
			r := b.read(src.Name)
			r.drain()
			said := b.chatter(src, "", things)
			x.skip, x.times = nth, 1
			b.front.inject(x)
			events := r.persist()
			b.toldAs(fmt.Sprintf("source %s with %s at request %d", src.Name, what, nth+1), events, said)
			struck := !b.front.pending()
			b.close()
			if !struck {
				break // there was no such request any more
			}
		}
	}
}

// persist drains a source over errors.
func (r *reader) persist() []event.Event {
	r.b.t.Helper()
	var events []event.Event
	for range manyPages {
		before := r.after
		page, err := r.page()
		if err != nil {
			if kind, ok := errorKind(err); !ok || kind != relay.Temporary {
				r.b.t.Errorf("source %s: an error in the midst of paging is %v, want a Failure of the kind %s", r.source, err, relay.Temporary)
			}
			continue
		}
		events = append(events, page.Events...)
		if !page.More || page.Next == before {
			return events
		}
	}
	r.b.t.Errorf("source %s: after %d polls there is still more", r.source, manyPages)
	return events
}

// resumeRepeated: a server that gives the same page again and again, whatever it is asked for, is not asked for ever; and once
// it has come to its senses, nothing was lost.
func resumeRepeated(s *suite) {
	const things = 7
	for _, size := range []int{1, 3, things} {
		b := s.stand(StageConfig{PageSize: size})
		for _, src := range b.scene.Sources {
			r := b.read(src.Name)
			r.drain()
			said := b.chatter(src, "", things)
			b.front.freeze()
			events := r.drain()
			events = append(events, r.drain()...)
			b.front.clear()
			said = append(said, b.chatter(src, "", 2)...)
			b.toldAs("source "+src.Name+" by "+strconv.Itoa(size)+", whose first page was repeated", append(events, r.drain()...), said)
		}
	}
}

// resumeForeign: a cursor that is none is refused, and nobody is asked with it.
func resumeForeign(s *suite) {
	b := s.stand(StageConfig{})
	for _, cursor := range []string{"\x00", "nonsense", "{", `{"v":99999}`} {
		_, err := b.poll(s.ctx, relay.PollRequest{Source: b.scene.Sources[0].Name, After: cursor})
		if kind, ok := errorKind(err); !ok || kind != relay.Rejected {
			s.t.Errorf("the poll behind the cursor %q returns %v, want a Failure of the kind %s", cursor, err, relay.Rejected)
		}
	}
	if requests, _ := b.front.count(); requests > 0 {
		s.t.Errorf("cursors that are none cost %d requests", requests)
	}
}
