package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim"
)

// proofSize is how much a proof does: messages of people, each answered by echo, actions that are published, and kills.
type proofSize struct {
	threads, each int // messages of people, that many in each thread
	chains        int // actions, chainLength in each
	sends         int // of one sender that the platform takes in two seconds
	kills         int // of the relay
	outages       int // of an external NATS server
}

// limitPeriod is what stands in the place of the minute in the platform's limits.
const limitPeriod = 2 * time.Second

// limit tells the relay the period of the platform's limit, which no answer tells, and a number that is too large: it has to
// learn that one, by refusals too.
func (s proofSize) limit() string {
	return fmt.Sprintf("COMETCHAT_SENDER_LIMIT=%d/%s", 2*s.sends, limitPeriod)
}

// isFullProof reports whether the proofs are to run in full.
func isFullProof() bool { return os.Getenv("THREADRELAY_PROOF") == "full" }

// The real program, killed at random moments while messages come in and the platform fails at random and limits its callers,
// with the server embedded: every message is answered once and in its thread's order, or its answer is a dead letter.
func TestProofKilledRelay(t *testing.T) {
	t.Parallel() // it waits most of the time
	size := proofSize{threads: 30, each: 10, sends: 80, kills: 6}
	if isFullProof() {
		size = proofSize{threads: 100, each: 20, sends: 30, kills: 50}
	}
	p := newProof(t, size)
	dir := t.TempDir()
	p.start(1, p.environment(dir, "LOG_LEVEL=info", size.limit()))
	p.run(append(p.talk(), p.killings()...))
	p.settle()
	p.fleet.drain()
	b := openBooks(t, dir)
	p.wantOnce(b)
	p.wantAnswers(b)
}

// proof is one run: a platform that fails, people who talk on it, and relays that are killed.
type proof struct {
	*testStage
	size  proofSize
	dice  *rand.Rand
	fleet *fleet
	roots []string
	said  map[string][]sim.Message // by root, in order
}

// newProof makes the platform. What happens by chance is decided by one seed, save for what the machine's load decides.
func newProof(t *testing.T, size proofSize) *proof {
	t.Helper()
	seed := rand.Uint64()
	if given := os.Getenv("THREADRELAY_PROOF_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatalf("THREADRELAY_PROOF_SEED: %v", err)
		}
	}
	t.Logf("THREADRELAY_PROOF_SEED=%d repeats what was decided by chance", seed)
	p := &proof{size: size, dice: rand.New(rand.NewPCG(seed, 1)), said: make(map[string][]sim.Message)}
	p.testStage = newTestStage(t, func(c *sim.CometChatConfig) {
		c.FaultRates = sim.FaultRates{LostReply: 0.05, After5xx: 0.05, Reset: 0.02, Seed: seed}
		c.SenderLimit, c.LimitPeriod = size.sends, limitPeriod
		c.WebhookTimeout = time.Minute // the front holds them until there is a relay again
	})
	for i := range rooms {
		if err := p.chat.AddGroup(sim.Group{GUID: room(i), Members: []string{"ana", demoBot}}); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// rooms is how many groups the threads are spread over: the platform calls the webhooks of each one after the other.
const rooms = 10

func room(i int) string { return fmt.Sprint("room", i%rooms) }

// step is what happens when the platform has seen a number of the bot's messages.
type step struct {
	at int
	do func()
}

// run takes the steps in their order.
func (p *proof) run(steps []step) {
	p.t.Helper()
	slices.SortStableFunc(steps, func(a, b step) int { return a.at - b.at })
	for _, s := range steps {
		p.awaitSpoken(s.at)
		s.do()
	}
}

// talk says a message in each thread at a time, and is two messages ahead of the answers.
func (p *proof) talk() []step {
	var out []step
	for n := range p.size.each {
		out = append(out, step{max(0, n-2) * p.size.threads, func() { p.sayRound(n) }})
	}
	return out
}

// sayRound says the n-th message of each thread.
func (p *proof) sayRound(n int) {
	p.t.Helper()
	for i := range p.size.threads {
		say := sim.Say{From: "ana", ToGroup: room(i), Text: fmt.Sprintf("%d of thread %d", n, i)}
		if n > 0 {
			say.ToGroup, say.Parent = "", p.roots[i]
		}
		m := p.say(say)
		if n == 0 {
			p.roots = append(p.roots, m.ID)
		}
		p.said[p.roots[i]] = append(p.said[p.roots[i]], m)
	}
}

// killings kills relays at random moments from the first message of the bot to nearly its last.
func (p *proof) killings() []step {
	var out []step
	for range p.size.kills {
		out = append(out, step{p.dice.IntN(p.says() * 9 / 10), p.killOne})
	}
	return out
}

// killOne kills a relay within the next tenth of a second, and starts another one. One in four of these does not get as far
// as to run.
func (p *proof) killOne() {
	p.t.Helper()
	i := p.dice.IntN(len(p.fleet.all))
	p.moment(100 * time.Millisecond)
	p.fleet.kill(i)
	if p.dice.IntN(4) == 0 {
		r := p.fleet.launch()
		p.moment(400 * time.Millisecond)
		r.kill()
		p.fleet.gone = append(p.fleet.gone, r)
	}
	p.fleet.replace(i)
}

// moment waits for a random time, which is no condition for anything.
func (p *proof) moment(most time.Duration) {
	<-time.After(time.Duration(p.dice.Int64N(int64(most))))
}
