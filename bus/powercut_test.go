//go:build linux

package bus_test

import (
	"context"
	"fmt"
	"maps"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/natsd"
)

// connectApart opens a bus on a server that is about to lose its power.
func connectApart(t *testing.T, url string) (*bus.Bus, *nats.Conn) {
	t.Helper()
	nc, err := nats.Connect(url, nats.NoReconnect(), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	b, err := bus.Open(bustest.Context(t), bus.Config{Conn: nc, Exclusive: true})
	if err != nil {
		t.Fatal(err)
	}
	return b, nc
}

// loseTurn runs publishers and workers on a server whose data is in the folder behind, cuts its power in the middle of it,
// and returns the folder with what was left.
func (p *promises) loseTurn(t *testing.T, behind string, syncAlways bool) string {
	t.Helper()
	power := mountPower(t, behind)
	url, kill := killableServer(t, power.dir, syncAlways)
	b, nc := connectApart(t, url)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	stored, committed := p.count()
	publishing := p.publishUntil(ctx, b)
	worked := make(chan error, 1)
	go func() { worked <- p.handleUntil(ctx, b) }()
	eventually(t, "enough is stored and committed", func() bool {
		s, c := p.count()
		return s >= stored+powerSize() && c >= committed+powerSize()/5
	})
	p.fail(kill)
	after, lost := power.PowerCut(t)
	nc.Close()
	stop()
	publishing.Wait()
	t.Logf("the workers ended with: %v", <-worked)
	p.resume()
	s, c := p.count()
	t.Logf("acknowledged %d messages and the handling of %d; the cut took %d bytes and %d changes of names and sizes",
		s-stored, c-committed, lost.bytes, lost.changes)
	return after
}

// powerSize is how many messages are acknowledged before a cut.
func powerSize() int {
	if proof() {
		return 5000
	}
	return 1000
}

// verdict is what was found after a cut.
type verdict struct {
	lost     int // messages that were acknowledged and are gone
	repeated int // messages that were handled again though that was committed
	skipped  int // messages that are there, but were never handled
}

// judge starts a server on what was left, and compares it with what was acknowledged. It handles all there is, so that
// afterwards everything stored is committed.
func (p *promises) judge(t *testing.T, dir string) verdict {
	t.Helper()
	srv := bustest.Start(t, natsd.Config{Dir: dir})
	defer srv.Stop()
	b := srv.Open(bus.Config{Exclusive: true})
	there := map[string]bool{}
	for _, m := range srv.Stored("RELAY_EVENTS") {
		there[m.Header.Get(nats.MsgIdHdr)] = true
	}
	v := verdict{lost: p.missing(there)}
	t.Logf("%d messages are left, %d are lost", len(there), v.lost)
	for _, id := range p.handleRest(t, b) {
		if p.committed[id] {
			v.repeated++
		}
		p.handled[id] = true
		there[id] = true
	}
	for id := range there {
		if !p.handled[id] {
			v.skipped++
		}
		p.store(id)
		p.commit([]string{id})
	}
	return v
}

// handleRest handles everything that is stored and not committed. The last message of each thread says that it was all.
func (p *promises) handleRest(t *testing.T, b *bus.Bus) []string {
	t.Helper()
	ends := map[string]bool{}
	for i := range publishers {
		end := say(fmt.Sprint("thread", i), p.next[i])
		p.next[i]++
		ends[end.UUID] = true
		publish(t, b, end)
	}
	ctx := bustest.Context(t)
	handled, err := p.handleSome(ctx, b, func(id string) bool {
		delete(ends, id)
		return len(ends) == 0
	})
	if err != nil || ctx.Err() != nil {
		t.Fatalf("%d threads were not handled to their end: %v", len(ends), err)
	}
	return handled
}

func TestAPowerCutTakesNothingThatWasAcknowledged(t *testing.T) {
	cuts := 2
	if proof() {
		cuts = 10
	}
	p := newPromises()
	dir := t.TempDir()
	for range cuts {
		dir = p.loseTurn(t, dir, true)
		if v := p.judge(t, dir); v != (verdict{}) {
			t.Errorf("lost, committed and repeated, never handled: %+v", v)
		}
	}
}

// The counter-proof: the same cut takes messages where not everything is written through, so the test above can fail. It
// does not take what was durable before.
func TestAPowerCutTakesWhatWasNotSynced(t *testing.T) {
	p := newPromises()
	dir := p.loseTurn(t, t.TempDir(), true)
	before, _ := p.count()
	dir = p.loseTurn(t, dir, false)
	after, _ := p.count()
	v := p.judge(t, dir)
	t.Logf("of %d messages acknowledged without a sync, after %d with it, %d are lost; %d were handled again after their commit",
		after-before, before, v.lost, v.repeated)
	if v.lost == 0 || v.lost > after-before {
		t.Errorf("%d messages are lost: the cut does not take what it should", v.lost)
	}
}

func TestPowerDisk(t *testing.T) {
	done := func() syscall.Errno { return 0 }
	write := func(d *powerDisk, f *powerFile, text string, through bool) {
		_ = d.write(f, powerWrite{data: []byte(text)}, through, done)
	}
	cases := map[string]struct {
		do   func(d *powerDisk, f *powerFile)
		want map[string]string
	}{
		"nothing synced":    {func(d *powerDisk, f *powerFile) { write(d, f, "x", false) }, map[string]string{}},
		"synced":            {func(d *powerDisk, f *powerFile) { write(d, f, "x", false); _ = d.sync(f) }, map[string]string{"a": "x"}},
		"written through":   {func(d *powerDisk, f *powerFile) { write(d, f, "x", true) }, map[string]string{"a": "x"}},
		"the folder synced": {func(d *powerDisk, f *powerFile) { write(d, f, "x", false); _ = d.sync(nil) }, map[string]string{"a": ""}},
		"written again": {func(d *powerDisk, f *powerFile) {
			write(d, f, "xy", true)
			write(d, f, "z", false)
		}, map[string]string{"a": "xy"}},
		"truncated, not synced": {func(d *powerDisk, f *powerFile) {
			write(d, f, "xy", true)
			d.truncate(f, 1)
		}, map[string]string{"a": "xy"}},
		"truncated, folder synced": {func(d *powerDisk, f *powerFile) {
			write(d, f, "xy", true)
			d.truncate(f, 1)
			_ = d.sync(nil)
		}, map[string]string{"a": "x"}},
		"renamed, not synced": {func(d *powerDisk, f *powerFile) {
			write(d, f, "x", true)
			_ = d.change(done, func(t powerTree) { t.rename("a", "b") })
		}, map[string]string{"a": "x"}},
		"renamed, synced": {func(d *powerDisk, f *powerFile) {
			write(d, f, "x", true)
			_ = d.change(done, func(t powerTree) { t.rename("a", "b") })
			_ = d.sync(nil)
		}, map[string]string{"b": "x"}},
		"removed, not synced": {func(d *powerDisk, f *powerFile) {
			write(d, f, "x", true)
			_ = d.change(done, func(t powerTree) { t.remove("a") })
		}, map[string]string{"a": "x"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := &powerDisk{live: powerTree{}, durable: powerTree{}}
			f, _ := d.create("a", false, done)
			c.do(d, f)
			after := t.TempDir()
			if _, err := d.cut(after); err != nil {
				t.Fatal(err)
			}
			left, err := newPowerDisk(after)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for path, f := range left.live {
				got[path] = string(f.durable)
			}
			if !maps.Equal(got, c.want) {
				t.Errorf("left %v, want %v", got, c.want)
			}
			if d.sync(f) != syscall.EIO {
				t.Error("a disk without power syncs")
			}
		})
	}
}
