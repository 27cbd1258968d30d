package bus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
)

func openState(t *testing.T, b *bus.Bus, name bus.StateName) *bus.State {
	t.Helper()
	s, err := b.State(bustest.Context(t), name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// eventually waits until cond holds.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(bustest.Patience); !cond(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("it did not come to that: %s", what)
		}
	}
}

// gate is a way to a server that can be made to lose everything without being closed.
type gate struct {
	srv             *bustest.Server
	noIn, noOut     atomic.Bool
	lostIn, lostOut atomic.Int64
	lostAcks        atomic.Int64 // pieces of input that held the acknowledgement of a write
}

func (g *gate) InProcessConn() (net.Conn, error) {
	c, err := g.srv.InProcessConn()
	return &gated{Conn: c, gate: g}, err
}

type gated struct {
	net.Conn
	gate *gate
}

func (c *gated) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if err != nil || !c.gate.noIn.Load() {
			return n, err
		}
		c.gate.lostIn.Add(int64(n))
		if bytes.Contains(p[:n], []byte(`{"stream":`)) {
			c.gate.lostAcks.Add(1)
		}
	}
}

func (c *gated) Write(p []byte) (int, error) {
	if c.gate.noOut.Load() {
		c.gate.lostOut.Add(int64(len(p)))
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// behind opens a bus behind a gate.
func behind(t *testing.T, g *gate) *bus.Bus {
	t.Helper()
	nc, err := nats.Connect("", nats.InProcessServer(g), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	b, err := bus.Open(bustest.Context(t), bus.Config{Conn: nc})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestStateLife(t *testing.T) {
	srv := bustest.StartServer(t, "")
	ctx := bustest.Context(t)
	s := openState(t, srv.Open(bus.Config{}), bus.Cursors)
	if _, err := s.Get(ctx, "k"); !errors.Is(err, bus.ErrNoState) || !strings.Contains(err.Error(), `RELAY_CURSORS: get "k"`) {
		t.Errorf("nothing there: %v", err)
	}
	if err := s.Delete(ctx, "k", 0); err != nil {
		t.Errorf("delete nothing: %v", err)
	}
	first, err := s.Create(ctx, "k", []byte("1"), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(ctx, "k", []byte("2"), 0); !errors.Is(err, bus.ErrConflict) || isAPI(err) || !strings.Contains(err.Error(), `RELAY_CURSORS: update "k"`) {
		t.Errorf("created twice: %v", err)
	}
	second, err := s.Update(ctx, "k", bus.Change{Data: []byte("2"), Revision: first})
	if err != nil || second <= first {
		t.Fatalf("revision %d after %d (%v)", second, first, err)
	}
	if _, err := s.Update(ctx, "k", bus.Change{Data: []byte("3"), Revision: first}); !errors.Is(err, bus.ErrConflict) || isAPI(err) {
		t.Errorf("updated an old revision: %v", err)
	}
	if err := s.Delete(ctx, "k", first); !errors.Is(err, bus.ErrConflict) {
		t.Errorf("deleted an old revision: %v", err)
	}
	v, err := s.Get(ctx, "k")
	if err != nil || string(v.Data) != "2" || v.Revision != second || v.TTL != 0 || v.Fence != 0 || time.Since(v.Created).Abs() > bustest.Patience {
		t.Errorf("got %+v (%v)", v, err)
	}
	if err := s.Delete(ctx, "k", second); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(ctx, "k"); !errors.Is(err, bus.ErrNoState) {
		t.Errorf("deleted: %v", err)
	}
	if _, err := s.Update(ctx, "k", bus.Change{Revision: second}); !errors.Is(err, bus.ErrConflict) {
		t.Errorf("updated what is deleted: %v", err)
	}
	again, err := s.Create(ctx, "k", []byte("4"), time.Hour)
	if err != nil || again <= second {
		t.Fatalf("revision %d after %d (%v)", again, second, err)
	}
	put, err := s.Put(ctx, "k", nil, 1500*time.Millisecond)
	if err != nil || put <= again {
		t.Fatalf("revision %d after %d (%v)", put, again, err)
	}
	if v, err := s.Get(ctx, "k"); err != nil || len(v.Data) != 0 || v.TTL != 2*time.Second {
		t.Errorf("got %+v (%v)", v, err)
	}
}

func isAPI(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api)
}

func TestStateRefusesWhatCannotBe(t *testing.T) {
	b := bustest.Open(t)
	ctx := bustest.Context(t)
	s := openState(t, b, bus.BotState)
	if _, err := b.State(ctx, "OTHER"); err == nil || !strings.Contains(err.Error(), "OTHER") {
		t.Errorf("an unknown bucket: %v", err)
	}
	for _, key := range []string{"", strings.Repeat("k", 1201)} {
		_, get := s.Get(ctx, key)
		_, put := s.Put(ctx, key, nil, 0)
		_, update := s.Update(ctx, key, bus.Change{})
		_, edit := s.Edit(ctx, key, func(old []byte) ([]byte, error) { return old, nil })
		for _, err := range []error{get, put, update, edit, s.Delete(ctx, key, 0)} {
			if err == nil || !strings.Contains(err.Error(), "RELAY_BOT_STATE") || len(err.Error()) > 200 {
				t.Errorf("key of %d bytes: %v", len(key), err)
			}
		}
	}
	if _, err := s.Create(ctx, "k", nil, -time.Second); err == nil {
		t.Error("a negative time to live was taken")
	}
	if _, err := s.Put(ctx, "k", make([]byte, 2<<20), 0); !errors.Is(err, bus.ErrTooLarge) {
		t.Errorf("2 MiB: %v", err)
	}
	if _, err := s.Create(ctx, "k", make([]byte, 2<<20), 0); !errors.Is(err, bus.ErrTooLarge) {
		t.Errorf("2 MiB: %v", err)
	}
	if _, err := s.PutFenced(ctx, "k", nil, 0); err == nil {
		t.Error("a fence of 0 was taken")
	}
}

func TestStateKeysOfAllKinds(t *testing.T) {
	s := openState(t, bustest.Open(t), bus.Links)
	ctx := bustest.Context(t)
	var keys []string
	for c := range 256 {
		keys = append(keys, string([]byte{byte(c)}), "a"+string([]byte{byte(c)})+"b")
	}
	keys = append(keys, strings.Repeat("\x00", 1200), strings.Repeat(".", 1200), "Ünïcode 日本", "=41", "A=", "_kv")
	for i, k := range keys {
		if _, err := s.Create(ctx, k, []byte(strconv.Itoa(i)), 0); err != nil {
			t.Fatalf("%q: %v", k, err)
		}
	}
	for i, k := range keys {
		if v, err := s.Get(ctx, k); err != nil || string(v.Data) != strconv.Itoa(i) {
			t.Errorf("%q holds %q (%v)", k, v.Data, err)
		}
	}
}

func TestStateBuckets(t *testing.T) {
	srv := bustest.StartServer(t, "")
	js, err := jetstream.New(srv.Connect())
	if err != nil {
		t.Fatal(err)
	}
	ctx := bustest.Context(t)
	// What somebody made before with the tools of NATS is kept, and changed where it matters.
	kv, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: string(bus.BotState), History: 3, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.PutString(ctx, "k", "old"); err != nil {
		t.Fatal(err)
	}
	b := srv.Open(bus.Config{Retention: 24 * time.Hour, DedupWindow: time.Minute})
	if v, err := openState(t, b, bus.BotState).Get(ctx, "k"); err != nil || string(v.Data) != "old" {
		t.Errorf("got %q (%v)", v.Data, err)
	}
	for name, age := range map[bus.StateName]time.Duration{
		bus.Cursors: 0, bus.Ledger: 24*time.Hour + time.Minute, bus.Links: 0, bus.BotState: 0,
	} {
		stream, err := js.Stream(ctx, "KV_"+string(name))
		if err != nil {
			t.Fatal(err)
		}
		if c := stream.CachedInfo().Config; c.MaxAge != age || c.AllowDirect || !c.AllowMsgTTL || c.Storage != jetstream.FileStorage {
			t.Errorf("%s is %+v", name, c)
		}
	}
	for _, name := range []bus.StateName{"RELAY_OTHER", "RELAY_PROGRESS", ""} {
		if _, err := b.State(ctx, name); err == nil || !strings.Contains(err.Error(), "no such bucket: there are RELAY_CURSORS") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := js.DeleteKeyValue(ctx, string(bus.Links)); err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: string(bus.Links), Storage: jetstream.MemoryStorage}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.State(ctx, bus.Links); err == nil || !strings.Contains(err.Error(), "has Memory storage, File is needed") {
		t.Errorf("memory storage: %v", err)
	}
}

// All instances may open the buckets at the same moment.
func TestStateOpenedAtOnce(t *testing.T) {
	srv := bustest.StartServer(t, "")
	var wg sync.WaitGroup
	for range 4 {
		b := srv.Open(bus.Config{})
		for _, name := range []bus.StateName{bus.Cursors, bus.Ledger, bus.Links, bus.BotState} {
			wg.Go(func() {
				if _, err := b.State(bustest.Context(t), name); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
}

func TestEditLosesNoUpdate(t *testing.T) {
	const writers, each = 32, 10
	srv := bustest.StartServer(t, "")
	buses := []*bus.Bus{srv.Open(bus.Config{}), srv.Open(bus.Config{})}
	var wg sync.WaitGroup
	var calls atomic.Int64
	for w := range writers {
		s := openState(t, buses[w%len(buses)], bus.BotState)
		wg.Go(func() {
			for range each {
				if _, err := s.Edit(bustest.Context(t), "n", func(old []byte) ([]byte, error) {
					calls.Add(1)
					n, _ := strconv.Atoi(string(old)) // nothing is 0
					return []byte(strconv.Itoa(n + 1)), nil
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	v, err := openState(t, buses[0], bus.BotState).Get(bustest.Context(t), "n")
	if err != nil || string(v.Data) != strconv.Itoa(writers*each) {
		t.Errorf("counted %s (%v)", v.Data, err)
	}
	if calls.Load() == writers*each {
		t.Error("nobody got in anybody's way: the test shows nothing")
	}
}

func TestEditEndsWithItsError(t *testing.T) {
	s := openState(t, bustest.Open(t), bus.BotState)
	ctx := bustest.Context(t)
	if _, err := s.Edit(ctx, "k", func([]byte) ([]byte, error) { return []byte("x"), errTest }); !errors.Is(err, errTest) {
		t.Errorf("error %v", err)
	}
	if _, err := s.Get(ctx, "k"); !errors.Is(err, bus.ErrNoState) {
		t.Errorf("something was stored: %v", err)
	}
	calls := 0
	_, err := s.Edit(ctx, "k", func([]byte) ([]byte, error) {
		calls++
		_, err := s.Put(ctx, "k", []byte(strconv.Itoa(calls)), 0)
		return nil, err
	})
	if !errors.Is(err, bus.ErrConflict) || calls != 100 {
		t.Errorf("%d calls, error %v", calls, err)
	}
}

func TestStateExpires(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	ctx := bustest.Context(t)
	s := openState(t, b, bus.BotState)
	js, err := jetstream.New(srv.Connect())
	if err != nil {
		t.Fatal(err)
	}
	kv, err := js.KeyValue(ctx, string(bus.BotState))
	if err != nil {
		t.Fatal(err)
	}
	w, err := kv.WatchAll(ctx, jetstream.UpdatesOnly())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Stop() }()
	writes := map[string]func() error{
		"created": func() error { _, err := s.Create(ctx, "created", nil, time.Second); return err },
		"put":     func() error { _, err := s.Put(ctx, "put", nil, 10*time.Millisecond); return err },
		"updated": func() error {
			first, err := s.Create(ctx, "updated", nil, 0)
			if err != nil {
				return err
			}
			_, err = s.Update(ctx, "updated", bus.Change{Revision: first, TTL: time.Second})
			return err
		},
		"edited": func() error {
			if _, err := s.Create(ctx, "edited", nil, time.Second); err != nil {
				return err
			}
			_, err := s.Edit(ctx, "edited", func(old []byte) ([]byte, error) { return old, nil })
			return err
		},
	}
	if _, err := s.Create(ctx, "renewed", nil, time.Second); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(ctx, "renewed", nil, 0); err != nil {
		t.Fatal(err)
	}
	for key, write := range writes {
		start := time.Now()
		if err := write(); err != nil {
			t.Fatal(err)
		}
		for e := bustest.Receive(t, w.Updates()); e.Operation() == jetstream.KeyValuePut; {
			e = bustest.Receive(t, w.Updates())
		}
		if lived := time.Since(start); lived < 990*time.Millisecond {
			t.Errorf("%s lived %s", key, lived)
		}
		if _, err := s.Get(ctx, key); !errors.Is(err, bus.ErrNoState) {
			t.Errorf("%s: %v", key, err)
		}
		if _, err := s.Create(ctx, key, nil, 0); err != nil {
			t.Errorf("%s created again: %v", key, err)
		}
	}
	if _, err := s.Get(ctx, "renewed"); err != nil {
		t.Errorf("it was put without a time to live: %v", err)
	}
}

func TestLedgerEntriesExpireWithoutATrace(t *testing.T) {
	srv := bustest.StartServer(t, "")
	s := openState(t, srv.Open(bus.Config{}), bus.Ledger)
	ctx := bustest.Context(t)
	if _, err := s.Create(ctx, "k", nil, time.Second); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the key is gone", func() bool {
		_, err := s.Get(ctx, "k")
		return errors.Is(err, bus.ErrNoState)
	})
	js, err := jetstream.New(srv.Connect())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(ctx, "KV_RELAY_LEDGER")
	if err != nil {
		t.Fatal(err)
	}
	if n := stream.CachedInfo().State.Msgs; n != 0 {
		t.Errorf("%d messages are left", n)
	}
	if _, err := s.Create(ctx, "k", nil, 0); err != nil {
		t.Error(err)
	}
}

func TestStateSurvivesARestart(t *testing.T) {
	srv := bustest.StartServer(t, "")
	s := openState(t, srv.Open(bus.Config{}), bus.Cursors)
	ctx := bustest.Context(t)
	revision, err := s.Create(ctx, "k", []byte("v"), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	srv.Stop()
	if _, err := s.Get(ctx, "k"); err == nil || errors.Is(err, bus.ErrNoState) {
		t.Errorf("without a server: %v", err)
	}
	eventually(t, "the client has noticed", func() bool {
		_, err := s.Put(ctx, "k", nil, 0)
		return errors.Is(err, bus.ErrNotConnected)
	})
	srv.Start()
	eventually(t, "it is readable again", func() bool {
		v, err := s.Get(ctx, "k")
		return err == nil && string(v.Data) == "v" && v.Revision == revision && v.TTL == time.Hour
	})
	if _, err := s.Update(ctx, "k", bus.Change{Revision: revision}); err != nil {
		t.Error(err)
	}
}

// The server stores the value and its answer is lost: the write is found, and not made twice.
func TestStateFindsAWriteWhoseAnswerWasLost(t *testing.T) {
	g := &gate{srv: bustest.StartServer(t, "")}
	s := openState(t, behind(t, g), bus.BotState)
	other := openState(t, g.srv.Open(bus.Config{}), bus.BotState)
	ctx := bustest.Context(t)
	for _, overwritten := range []bool{false, true} {
		key := fmt.Sprint(overwritten)
		g.noIn.Store(true)
		outcome := make(chan error, 1)
		go func() {
			_, err := s.Create(ctx, key, []byte("v"), 0)
			outcome <- err
		}()
		var v bus.Value
		eventually(t, "the value is stored", func() (ok bool) {
			var err error
			v, err = other.Get(ctx, key)
			return err == nil
		})
		if overwritten {
			if _, err := other.Put(ctx, key, []byte("w"), 0); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "the answer is lost", func() bool { return g.lostIn.Swap(0) > 0 })
		g.noIn.Store(false)
		err := bustest.Receive(t, outcome)
		if !overwritten && err != nil {
			t.Errorf("found: %v", err)
		}
		if overwritten && !errors.Is(err, bus.ErrUnknownOutcome) {
			t.Errorf("overwritten: %v", err)
		}
		if now, err := other.Get(ctx, key); err != nil || !overwritten && now.Revision != v.Revision {
			t.Errorf("stored at %d, now at %d (%v)", v.Revision, now.Revision, err)
		}
	}
}

func TestStateGivesUpWithItsContext(t *testing.T) {
	g := &gate{srv: bustest.StartServer(t, "")}
	s := openState(t, behind(t, g), bus.BotState)
	g.noOut.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Create(ctx, "k", nil, 0); !errors.Is(err, bus.ErrUnknownOutcome) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestFencedWrites(t *testing.T) {
	s := openState(t, bustest.Open(t), bus.Cursors)
	ctx := bustest.Context(t)
	keep := func(old []byte) ([]byte, error) { return old, nil }
	steps := []struct {
		name  string
		write func() error
		want  error
		fence uint64
	}{
		{"the first", func() error { _, err := s.PutFenced(ctx, "k", []byte("a"), 7); return err }, nil, 7},
		{"the same again", func() error { _, err := s.PutFenced(ctx, "k", []byte("b"), 7); return err }, nil, 7},
		{"an old one", func() error { _, err := s.PutFenced(ctx, "k", []byte("x"), 6); return err }, bus.ErrFenced, 7},
		{"a new one that reads", func() error { _, err := s.EditFenced(ctx, "k", 9, keep); return err }, nil, 9},
		{"the one before", func() error { _, err := s.EditFenced(ctx, "k", 7, keep); return err }, bus.ErrFenced, 9},
		{"an edit without", func() error { _, err := s.Edit(ctx, "k", keep); return err }, nil, 9},
	}
	for _, step := range steps {
		if err := step.write(); !errors.Is(err, step.want) {
			t.Errorf("%s: %v", step.name, err)
		}
		if v, err := s.Get(ctx, "k"); err != nil || v.Fence != step.fence || string(v.Data) == "x" {
			t.Errorf("%s: left %+v (%v)", step.name, v, err)
		}
	}
}
