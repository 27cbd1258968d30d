package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// bucket is a KV bucket of one key whose writes can be made to fail before or after they are done.
type bucket struct {
	jetstream.KeyValue
	value    []byte
	revision uint64
	before   func() error
	after    func() error
}

type entry struct {
	jetstream.KeyValueEntry
	value    []byte
	revision uint64
}

func (e entry) Value() []byte    { return e.value }
func (e entry) Revision() uint64 { return e.revision }

func (e entry) Created() time.Time { return time.Unix(1, 0) }

func (b *bucket) Get(context.Context, string) (jetstream.KeyValueEntry, error) {
	if b.revision == 0 {
		return nil, jetstream.ErrKeyNotFound
	}
	return entry{value: b.value, revision: b.revision}, nil
}

func (b *bucket) Create(ctx context.Context, key string, value []byte, _ ...jetstream.KVCreateOpt) (uint64, error) {
	return b.Update(ctx, key, value, 0)
}

func (b *bucket) Update(_ context.Context, _ string, value []byte, revision uint64) (uint64, error) {
	if b.before != nil {
		if err := b.before(); err != nil {
			return 0, err
		}
	}
	if revision != b.revision {
		return 0, jetstream.ErrKeyRevisionMismatch
	}
	b.value = slices.Clone(value)
	b.revision += 3
	if b.after != nil {
		if err := b.after(); err != nil {
			return 0, err
		}
	}
	return b.revision, nil
}

// anybody is a takeOver's word that every owner may be replaced.
func anybody(string) bool { return true }

// once returns a function that fails the first time.
func once(err error) func() error {
	return func() error {
		e := err
		err = nil
		return e
	}
}

func owned(t *testing.T, b *bucket, owner string) *record {
	t.Helper()
	r := &record{kv: b, key: "g.events.0", owner: owner}
	taken, _, err := r.takeOver(context.Background(), progress{Stream: time.Unix(1, 0).UTC()}, anybody)
	if err != nil || !taken {
		t.Fatalf("taken over: %v, %v", taken, err)
	}
	return r
}

func TestCommitSurvivesUnknownOutcomes(t *testing.T) {
	for name, fail := range map[string]func(*bucket){
		"refused before the write": func(b *bucket) { b.before = once(errors.New("timeout")) },
		"lost after the write":     func(b *bucket) { b.after = once(errors.New("timeout")) },
	} {
		t.Run(name, func(t *testing.T) {
			b := &bucket{}
			r := owned(t, b, "one")
			fail(b)
			want := []arrear{{Lane: "l", Next: 3, Last: 4}}
			if err := r.commit(context.Background(), 5, want, false); err != nil {
				t.Fatal(err)
			}
			got, revision, err := r.read(context.Background())
			if err != nil || got.Done != 5 || len(got.Arrears) != 1 || revision != r.revision {
				t.Errorf("stored %+v at %d, held %d (%v)", got, revision, r.revision, err)
			}
			if err := r.commit(context.Background(), 6, nil, false); err != nil {
				t.Errorf("the next commit: %v", err)
			}
		})
	}
}

func TestCommitIsFenced(t *testing.T) {
	b := &bucket{}
	one := owned(t, b, "one")
	two := owned(t, b, "two")
	if err := one.commit(context.Background(), 5, nil, false); !errors.Is(err, errFenced) {
		t.Errorf("the old owner's commit: %v", err)
	}
	if err := two.commit(context.Background(), 2, nil, true); err != nil {
		t.Error(err)
	}
	three := owned(t, b, "three")
	if three.state.Done != 2 || three.state.Epoch != 3 {
		t.Errorf("taken over %+v", three.state)
	}
}

func TestCommitEndsWithItsContext(t *testing.T) {
	b := &bucket{}
	r := owned(t, b, "one")
	ctx, cancel := context.WithCancel(context.Background())
	b.before = func() error { cancel(); return errors.New("no server") }
	if err := r.commit(ctx, 5, nil, false); !errors.Is(err, context.Canceled) {
		t.Errorf("commit: %v", err)
	}
}

func TestTakeOverOfAnotherStreamsRecord(t *testing.T) {
	b := &bucket{}
	r := owned(t, b, "one")
	if err := r.commit(context.Background(), 1000, nil, true); err != nil {
		t.Fatal(err)
	}
	again := &record{kv: b, key: r.key, owner: "two"}
	if _, _, err := again.takeOver(context.Background(), progress{Stream: time.Unix(2, 0).UTC()}, anybody); err != nil {
		t.Fatal(err)
	}
	if again.state.Done != 0 {
		t.Errorf("a new stream is read from behind %d", again.state.Done)
	}
}

func TestDamagedAndNewerRecordsAreRefused(t *testing.T) {
	for _, value := range []string{"{", `{"v":2}`} {
		b := &bucket{value: []byte(value), revision: 1}
		r := &record{kv: b, key: "k", owner: "one"}
		if _, _, err := r.takeOver(context.Background(), progress{}, anybody); err == nil {
			t.Errorf("%s was taken over", value)
		}
	}
}

func TestTakeOverAsksAboutTheOwner(t *testing.T) {
	b := &bucket{}
	one := owned(t, b, "one")
	two := &record{kv: b, key: one.key, owner: "two"}
	asked := ""
	refuse := func(owner string) bool { asked = owner; return false }
	if taken, _, err := two.takeOver(context.Background(), progress{}, refuse); taken || err != nil || asked != "one" {
		t.Errorf("taken over from %q: %v, %v", asked, taken, err)
	}
	if _, unclean, err := two.takeOver(context.Background(), one.state, anybody); !unclean || err != nil {
		t.Errorf("taken from an owner that had not released it: unclean %v, %v", unclean, err)
	}
	if err := two.commit(context.Background(), 1, nil, true); err != nil {
		t.Fatal(err)
	}
	if _, unclean, err := one.takeOver(context.Background(), one.state, anybody); unclean || err != nil {
		t.Errorf("taken after a release: unclean %v, %v", unclean, err)
	}
}

func TestLongRecordsAreCompressed(t *testing.T) {
	p := progress{Version: progressVersion, Stream: time.Unix(1, 0).UTC(), Owner: "o", Epoch: 3, Done: 1_000_000}
	for i := range 25_000 {
		p.Arrears = append(p.Arrears, arrear{
			Lane: fmt.Sprintf("relay.events.3.cometchat.user%%2Fcustomer-%d:%d", i*7919%99991, 1_000_000+i*31), Next: uint64(900_000 + i*4), Last: uint64(900_001 + i*4),
			Attempts: i % 3,
		})
	}
	data, err := encodeProgress(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d threads in arrears: %d bytes", len(p.Arrears), len(data))
	if plain, err := json.Marshal(p); err != nil || len(data) > len(plain)/2 {
		t.Errorf("%d bytes were compressed to %d", len(plain), len(data))
	}
	var back progress
	if err := decodeProgress(data, &back); err != nil || !reflect.DeepEqual(back, p) {
		t.Errorf("came back different (%v)", err)
	}
}

func TestTrim(t *testing.T) {
	r := &record{state: progress{Done: 100, Arrears: []arrear{{Lane: "a", Next: 5, Last: 99}, {Lane: "b", Next: 60, Last: 70}, {Lane: "c", Next: 50, Last: 50}}}}
	if r.trim(100); r.state.Done != 100 || len(r.state.Arrears) != 3 {
		t.Errorf("a whole stream was trimmed to %+v", r.state)
	}
	r.trim(50)
	want := []arrear{{Lane: "a", Next: 5, Last: 50}, {Lane: "c", Next: 50, Last: 50}}
	if r.state.Done != 50 || !reflect.DeepEqual(r.state.Arrears, want) {
		t.Errorf("trimmed to %+v", r.state)
	}
}
