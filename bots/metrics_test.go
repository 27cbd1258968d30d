package bots_test

import (
	"context"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/threadrelay/threadrelay/bots"
)

// Each run of a handler is counted, with what became of it.
func TestRunsAreCounted(t *testing.T) {
	st := newStage(t)
	bot := bots.New("busy")
	bot.Command("ping", func(_ context.Context, m *bots.Message, _ none) error { m.Reply("pong"); return nil })
	failures := 0
	bot.On(bots.Text("0"), func(_ context.Context, m *bots.Message) error {
		switch failures++; failures {
		case 1:
			return errTest
		case 2:
			panic("out of paper")
		}
		m.Reply("at last")
		return nil
	})
	cfg := config(st.bus, bot)
	reg := prometheus.NewPedanticRegistry()
	cfg.Metrics = reg
	stop := st.start(cfg)
	ping := direct("a", 0)
	ping.Message.Text = "!ping"
	st.publish(ping)
	st.wantNext("pong")
	fails := direct("b", 0)
	fails.Message.Text = "0"
	st.publish(fails)
	st.wantNext("at last")
	stop()
	all, err := testutil.GatherAndCount(reg, "threadrelay_bot_handler_seconds")
	if err != nil || all != 2 {
		t.Errorf("%d histograms, %v", all, err)
	}
	const want = `
# HELP threadrelay_bot_handled_total Runs of handlers, by bot, handler (a command, or the line that registered it) and outcome (done, error, panic).
# TYPE threadrelay_bot_handled_total counter
threadrelay_bot_handled_total{bot="busy",handler="!ping",outcome="done"} 1
threadrelay_bot_handled_total{bot="busy",handler="metrics_test.go:20",outcome="done"} 1
threadrelay_bot_handled_total{bot="busy",handler="metrics_test.go:20",outcome="error"} 1
threadrelay_bot_handled_total{bot="busy",handler="metrics_test.go:20",outcome="panic"} 1
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "threadrelay_bot_handled_total"); err != nil {
		t.Error(err)
	}
}
