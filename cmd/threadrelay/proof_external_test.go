package main

import (
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus"
)

// The same with two relays on a NATS server of its own, which is killed or stopped too and started again, while another program
// publishes actions: what they say in threads that they open, change and take back is as they asked for in the end.
func TestProofKilledNATS(t *testing.T) {
	t.Parallel() // it waits most of the time
	size := proofSize{threads: 10, each: 10, chains: 10, sends: 60, kills: 1, outages: 2}
	if isFullProof() {
		size = proofSize{threads: 56, each: 20, chains: 80, sends: 40, kills: 50, outages: 12}
	}
	p := newProof(t, size)
	server := startBroker(t)
	p.start(2, p.environment(t.TempDir(), "LOG_LEVEL=info", size.limit(), "NATS_URL=nats://"+server.address))
	conn := server.connect()
	own, err := bus.Open(p.patience(), bus.Config{Conn: conn})
	if err != nil {
		t.Fatal(err)
	}
	p.run(slices.Concat(p.talk(), p.killings(), p.outages(server), p.publishing(own)))
	p.settle()
	p.awaitReceipts(conn)
	p.fleet.drain()
	server.stop()
	b := openBooks(t, server.dir)
	p.wantOnce(b)
	p.wantAnswers(b)
	p.wantChains(b)
}

// awaitReceipts waits until there is a receipt for each action: what changes others is not to be seen by its number.
func (p *proof) awaitReceipts(conn *nats.Conn) {
	p.t.Helper()
	ctx := p.patience()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	count := func(name string) uint64 {
		js, err := jetstream.New(conn)
		if err != nil {
			p.t.Fatal(err)
		}
		s, err := js.Stream(ctx, name)
		if err != nil {
			p.t.Fatalf("%s: %v", name, err)
		}
		return s.CachedInfo().State.Msgs
	}
	for count(bus.ReceiptsStream) < count(bus.ActionsStream) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.t.Fatalf("%d receipts of %d actions", count(bus.ReceiptsStream), count(bus.ActionsStream))
		}
	}
}

// outages ends the server at random moments, every other time in the orderly way.
func (p *proof) outages(server *broker) []step {
	var out []step
	for n := range p.size.outages {
		end := server.kill
		if n%2 == 1 {
			end = server.stop
		}
		out = append(out, step{p.dice.IntN(p.says() * 9 / 10), func() {
			p.moment(100 * time.Millisecond)
			end()
			p.moment(1500 * time.Millisecond)
			server.start()
		}})
	}
	return out
}

// publishing publishes the chains, spread over the run.
func (p *proof) publishing(b *bus.Bus) []step {
	var out []step
	for n := range p.size.chains {
		out = append(out, step{n * p.says() * 8 / 10 / p.size.chains, func() { p.publish(b, newChain(n).actions()) }})
	}
	return out
}
