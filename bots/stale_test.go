package bots_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/threadrelay/threadrelay/bots"
	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
)

// After a downtime, old messages reach the bots that want them, and no others.
func TestOldMessagesReachTheBotsThatWantThem(t *testing.T) {
	st := newStage(t)
	reg := prometheus.NewRegistry()
	cfg := config(st.bus, every("answers", named("answers")), every("copies", named("copies"), bots.MaxAge(0)))
	cfg.Metrics = reg
	st.start(cfg)
	old := direct("t", 0)
	old.Time = old.Time.Add(-3 * time.Hour)
	st.publish(old, direct("t", 1))
	got := map[string]int{}
	for range 3 {
		a, _ := st.next()
		got[a.Text]++
	}
	if got["copies: t 0"] != 1 || got["copies: t 1"] != 1 || got["answers: t 1"] != 1 {
		t.Errorf("was said: %v", got)
	}
	want := `
# HELP threadrelay_bot_stale_total Messages that a bot was not shown because they were too old, by bot.
# TYPE threadrelay_bot_stale_total counter
threadrelay_bot_stale_total{bot="answers"} 1
threadrelay_bot_stale_total{bot="copies"} 0
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "threadrelay_bot_stale_total"); err != nil {
		t.Error(err)
	}
}

// named answers every message with the bot's name and its text.
func named(name string) bots.Handler {
	return func(_ context.Context, m *bots.Message) error {
		m.Reply("%s: %s", name, m.Text)
		return nil
	}
}

// A message that was tried in time becomes no older by being tried again, and a dead letter is for the one who replays it.
func TestRepeatsAreNotTooOld(t *testing.T) {
	st := newStage(t)
	attempts := 0 // one thread: one handler at a time
	fails := 5    // one more than there are attempts
	bot := every("b", func(_ context.Context, m *bots.Message) error {
		if attempts++; attempts < fails {
			return errTest
		}
		m.Reply("%s", m.Text)
		return nil
	}, bots.MaxAge(1200*time.Millisecond))
	cfg := config(st.bus, bot)
	cfg.Retry = bus.Retry{Attempts: 4, Min: time.Second, Max: time.Second}
	st.start(cfg)
	st.publish(direct("t", 0))
	letter := st.letter()
	if attempts != 4 {
		t.Errorf("%d attempts", attempts)
	}
	if err := st.bus.Replay(bustest.Context(t), letter.ID, bus.ReplayConfig{}); err != nil {
		t.Fatal(err)
	}
	st.wantNext("t 0")
}

// letter waits for a dead letter and returns it.
func (st *stage) letter() bus.DeadLetter {
	st.t.Helper()
	for end := time.Now().Add(bustest.Patience); time.Now().Before(end); {
		for d, err := range st.bus.DeadLetters(bustest.Context(st.t), bus.DeadFilter{}) {
			if err != nil {
				st.t.Fatal(err)
			}
			return d
		}
	}
	st.t.Fatal("no dead letter came")
	return bus.DeadLetter{}
}
