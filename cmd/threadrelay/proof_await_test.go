package main

import (
	"context"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim"
)

// patience is how long one step of a proof may take: others on the machine may slow it down.
func (p *proof) patience() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	p.t.Cleanup(cancel)
	return ctx
}

// spoken is the bot's messages, without those that record its changes of them.
func (p *proof) spoken(all []sim.Message) []sim.Message {
	var out []sim.Message
	for _, m := range all {
		if m.Sender == demoBot && m.Category == "message" {
			out = append(out, m)
		}
	}
	return out
}

// awaitSpoken waits until the bot has said so much.
func (p *proof) awaitSpoken(n int) {
	p.t.Helper()
	got := 0
	err := p.chat.Await(p.patience(), func(all []sim.Message) bool {
		got = len(p.spoken(all))
		return got >= n
	})
	if err != nil {
		p.t.Fatalf("the bot has said %d of %d messages: %v", got, n, err)
	}
}

// settle waits until every webhook of a person's message was taken, and every action that says something is seen or a dead
// letter, and until the relays have written all of that down.
func (p *proof) settle() {
	p.t.Helper()
	ctx := p.patience()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		_, dead := p.fleet.all[0].get("/dead")
		taken, seen := len(p.taken()), len(p.spoken(p.chat.Messages()))
		if taken == p.size.threads*p.size.each && seen+strings.Count(dead, "\n") >= p.says() {
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.t.Fatalf("%d of %d webhooks were taken, %d of %d actions are seen, dead are:\n%s", taken, p.size.threads*p.size.each, seen, p.says(), dead)
		}
	}
	for _, r := range p.fleet.all {
		r.awaitMetric(`threadrelay_bus_lag{group="bot-echo",topic="events"} 0`)
		r.awaitMetric(`threadrelay_bus_lag{group="deliver",topic="actions"} 0`)
	}
}

// says is how many actions say something.
func (p *proof) says() int { return p.size.threads*p.size.each + p.size.chains*chainSays }
