package main

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim"
)

// clock is the platform's, and can be set.
type clock struct{ behind atomic.Int64 }

func (c *clock) set(behind time.Duration)        { c.behind.Store(int64(behind)) }
func (c *clock) now() time.Time                  { return time.Now().Add(-time.Duration(c.behind.Load())) }
func (c *clock) option(cfg *sim.CometChatConfig) { cfg.Now = c.now }

// ask has n messages said to the bot, as long ago as that.
func (c *clock) ask(s *testStage, n int, behind time.Duration) []sim.Message {
	s.t.Helper()
	c.set(behind)
	defer c.set(0)
	out := make([]sim.Message, n)
	for i := range out {
		out[i] = s.say(sim.Say{From: "ana", ToUser: demoBot, Text: fmt.Sprintf("%d of %s ago", i, behind)})
	}
	return out
}

// A first start with a backfill brings in what was said before: bots answer what is recent, and pass over what is old.
func TestBackfillOnTheFirstStart(t *testing.T) {
	var c clock
	s := newTestStage(t, restOnly, c.option)
	c.ask(s, 5, 30*time.Hour)
	old := c.ask(s, 10, 3*time.Hour)
	recent := c.ask(s, 10, 10*time.Minute)
	r := serveInside(t, s.unhooked(t.TempDir(), "COMETCHAT_POLL_BACKFILL=24h"))
	for _, m := range recent {
		s.await(m.ID, m.Text)
	}
	r.awaitMetric(fmt.Sprintf(`threadrelay_bot_stale_total{bot="echo"} %d`, len(old)))
	if code := r.drain(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	if got := s.answered(); got != len(recent) {
		t.Errorf("%d answers, want %d", got, len(recent))
	}
}

// A first start without one begins with what is said from then on.
func TestNoBackfill(t *testing.T) {
	var c clock
	s := newTestStage(t, restOnly, c.option)
	c.ask(s, 5, time.Minute)
	r := serveInside(t, s.unhooked(t.TempDir()))
	now := s.say(sim.Say{From: "ana", ToUser: demoBot, Text: "now"})
	s.await(now.ID, "now")
	if code := r.drain(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	if got := s.answered(); got != 1 {
		t.Errorf("%d answers, want 1", got)
	}
}

// A restart goes on at the cursor: what was said in the meantime is answered in order, and what has become stale is not.
func TestRestartGoesOnAtTheCursor(t *testing.T) {
	var c clock
	c.set(5 * time.Hour)
	s := newTestStage(t, restOnly, c.option)
	dir := t.TempDir()
	r := serveInside(t, s.unhooked(dir))
	if code := r.drain(); code != exitDone {
		t.Fatalf("exit code %d", code)
	}
	stale := c.ask(s, 30, 2*time.Hour)
	root := c.ask(s, 1, time.Minute)[0]
	texts := []string{root.Text}
	for i := range 10 {
		texts = append(texts, s.say(sim.Say{From: "ana", Parent: root.ID, Text: fmt.Sprint("line ", i)}).Text)
	}
	again := serveInside(t, s.unhooked(dir))
	s.await(root.ID, texts...)
	again.awaitMetric(fmt.Sprintf(`threadrelay_bot_stale_total{bot="echo"} %d`, len(stale)))
	if code := again.drain(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	s.wantAnswers(root.ID, texts...)
	if got := s.answered(); got != len(texts) {
		t.Errorf("%d answers, want %d", got, len(texts))
	}
	third := serveInside(t, s.unhooked(dir)) // and all of that is not told again
	last := s.say(sim.Say{From: "ana", ToUser: demoBot, Text: "last"})
	s.await(last.ID, "last")
	if code := third.drain(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	if got := s.answered(); got != len(texts)+1 {
		t.Errorf("%d answers, want %d", got, len(texts)+1)
	}
}
