package bots

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/threadrelay/threadrelay/bus"
)

func TestMaxAge(t *testing.T) {
	cases := []struct {
		name    string
		options []Option
		age     time.Duration
		replay  bool
		want    bool // it is passed over
	}{
		{"new", nil, time.Second, false, false},
		{"almost an hour old", nil, time.Hour, false, false},
		{"more than an hour old", nil, time.Hour + time.Second, false, true},
		{"of the future", nil, -24 * time.Hour, false, false},
		{"replayed", nil, 48 * time.Hour, true, false},
		{"within a bound of its own", []Option{MaxAge(24 * time.Hour)}, 23 * time.Hour, false, false},
		{"beyond a bound of its own", []Option{MaxAge(time.Minute)}, 2 * time.Minute, false, true},
		{"for a bot without a bound", []Option{MaxAge(0)}, 1000 * time.Hour, false, false},
		{"for a bot with less than none", []Option{MaxAge(-1)}, 1000 * time.Hour, false, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := door(t, New("b", c.options...), slog.DiscardHandler)
				e := heard(true)
				e.Time = time.Now().Add(-c.age)
				m := message.NewMessage("x", nil)
				if c.replay {
					m.Metadata.Set(bus.ReplayKey, "x")
				}
				if got := d.passes(t.Context(), m, e); got != c.want {
					t.Errorf("passed over: %v", got)
				}
				if n := testutil.ToFloat64(d.skipped); n != 0 != c.want {
					t.Errorf("%v were counted", n)
				}
			})
		})
	}
}

// A platform that tells no time has its events in 1970.
func TestAMessageWithoutATimeIsNotOld(t *testing.T) {
	e := heard(true)
	e.Time = time.Unix(0, 0)
	if door(t, New("b"), slog.DiscardHandler).passes(t.Context(), message.NewMessage("x", nil), e) {
		t.Error("it was passed over")
	}
}

func door(t *testing.T, b *Bot, log slog.Handler) *doorman {
	t.Helper()
	counts, err := newMetrics(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &doorman{bot: b, log: slog.New(log), skipped: counts.stale.WithLabelValues(b.name)}
}

// However many messages are too old, a burst of them is one line.
func TestABurstOfOldMessagesIsOneLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		d := door(t, New("b"), slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		e := heard(true)
		e.Time = time.Now().Add(-2 * time.Hour)
		for range 2 {
			for range 100 {
				d.passes(t.Context(), message.NewMessage("x", nil), e)
				time.Sleep(time.Second)
			}
			time.Sleep(burstPause)
		}
		if n := strings.Count(log.String(), "\n"); n != 2 || !strings.Contains(log.String(), "max_age=1h0m0s") {
			t.Errorf("%d lines for two bursts:\n%s", n, log.String())
		}
		if n := testutil.ToFloat64(d.skipped); n != 200 {
			t.Errorf("%v were counted", n)
		}
	})
}
