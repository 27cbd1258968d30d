package bus

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func TestSharesAreTheWhole(t *testing.T) {
	cfg := Config{MaxStore: 1000}
	cfg.setDefaults()
	sum := 0
	for _, row := range layout(cfg) {
		sum += row.share
		want := int64(row.share * 10)
		if row.bucket == progressBucket {
			want = -1
		}
		if row.stream.MaxBytes != want || row.share <= 0 {
			t.Errorf("%s may take %d of 1000 bytes, want %d", row.stream.Name, row.stream.MaxBytes, want)
		}
	}
	if sum != 100 {
		t.Errorf("the shares come to %d %%", sum)
	}
	cfg.MaxStore = 0
	for _, row := range layout(cfg) {
		if row.stream.MaxBytes != -1 {
			t.Errorf("without a limit, %s may take %d bytes", row.stream.Name, row.stream.MaxBytes)
		}
	}
}

// What an operator changed stays, as long as the program can work with it.
func TestOverlayOfABucket(t *testing.T) {
	cfg := Config{Replicas: 3, MaxStore: 1000}
	cfg.setDefaults()
	want := stateBuckets(cfg)[Links]
	cases := map[string]struct{ change, keeps func(*jetstream.StreamConfig) }{
		"nothing":      {func(*jetstream.StreamConfig) {}, func(*jetstream.StreamConfig) {}},
		"more history": {func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 5 }, func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 5 }},
		"compression": {func(c *jetstream.StreamConfig) { c.Compression = jetstream.S2Compression },
			func(c *jetstream.StreamConfig) { c.Compression = jetstream.S2Compression }},
		"no history":  {func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = -1 }, func(*jetstream.StreamConfig) {}},
		"deletes old": {func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld }, func(*jetstream.StreamConfig) {}},
		"any replica": {func(c *jetstream.StreamConfig) { c.AllowDirect = true }, func(*jetstream.StreamConfig) {}},
		"expires":     {func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour }, func(*jetstream.StreamConfig) {}},
		"no TTL": {func(c *jetstream.StreamConfig) { c.AllowMsgTTL, c.SubjectDeleteMarkerTTL = false, 0 },
			func(*jetstream.StreamConfig) {}},
		"no limit": {func(c *jetstream.StreamConfig) { c.MaxBytes = -1 }, func(*jetstream.StreamConfig) {}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			have, next := want, want
			c.change(&have)
			c.keeps(&next)
			if got := overlay(have, want); got.MaxMsgsPerSubject != next.MaxMsgsPerSubject || got.Compression != next.Compression ||
				got.Discard != next.Discard || got.AllowDirect || got.MaxAge != 0 || !got.AllowMsgTTL ||
				got.SubjectDeleteMarkerTTL != stateMarker || got.MaxBytes != want.MaxBytes {
				t.Errorf("became %+v", got)
			}
		})
	}
}

func TestIsFull(t *testing.T) {
	cases := map[string]struct {
		err  error
		want bool
	}{
		"stream limit":   {&jetstream.APIError{ErrorCode: 10077, Description: "maximum bytes exceeded"}, true},
		"disk":           {&jetstream.APIError{ErrorCode: 10077, Description: "write 1.blk: no space left on device"}, true},
		"too large":      {&jetstream.APIError{ErrorCode: 10077, Description: "message size exceeds maximum allowed"}, false},
		"account":        {&jetstream.APIError{ErrorCode: 10002}, true},
		"server":         {&jetstream.APIError{ErrorCode: 10023}, true},
		"memory":         {&jetstream.APIError{ErrorCode: 10028}, true},
		"storage":        {&jetstream.APIError{ErrorCode: 10047}, true},
		"wrong sequence": {&jetstream.APIError{ErrorCode: 10071}, false},
		"timeout":        {nats.ErrTimeout, false},
		"none":           {nil, false},
	}
	for name, c := range cases {
		if got := isFull(c.err); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestHasRoom(t *testing.T) {
	cases := []struct {
		used        uint64
		limit, next int64
		want        bool
	}{
		{0, -1, 5, true}, {1 << 60, 0, 5, true}, {95, 100, 5, true}, {96, 100, 5, false}, {200, 100, 5, false}, {0, 4, 5, false}, {0, 5, 5, true},
	}
	for _, c := range cases {
		if err := hasRoom(c.used, c.limit, c.next); (err == nil) != c.want {
			t.Errorf("%d more at %d of %d: %v", c.next, c.used, c.limit, err)
		}
	}
}

// A refusal counts until an event is stored, and not for ever.
func TestRefusalsAreForgotten(t *testing.T) {
	var r room
	r.refuse()
	if at := time.Unix(0, r.refusal.Load()); time.Since(at) > time.Minute {
		t.Errorf("refused at %s", at)
	}
	r.accept()
	if at := r.refusal.Load(); at != 0 {
		t.Errorf("after an event was stored, the refusal is at %d", at)
	}
}

// fakeStream is a stream that takes some room.
type fakeStream struct {
	jetstream.Stream
	bytes uint64
	limit int64
}

func (s fakeStream) CachedInfo() *jetstream.StreamInfo {
	return &jetstream.StreamInfo{Config: jetstream.StreamConfig{MaxBytes: s.limit}, State: jetstream.StreamState{Bytes: s.bytes}}
}

func TestAllot(t *testing.T) {
	tier := func(limit int64, used, reserved uint64) jetstream.Tier {
		return jetstream.Tier{Store: used, ReservedStore: reserved, Limits: jetstream.AccountLimits{MaxStore: limit}}
	}
	there := []jetstream.Stream{nil, fakeStream{bytes: 10, limit: 40}, fakeStream{bytes: 20, limit: -1}}
	cases := map[string]struct {
		account  jetstream.AccountInfo
		replicas int
		there    []jetstream.Stream
		want     int64
	}{
		"empty account":     {jetstream.AccountInfo{Tier: tier(1000, 0, 0)}, 1, nil, 1000},
		"no limit":          {jetstream.AccountInfo{Tier: tier(-1, 0, 0)}, 1, nil, 0},
		"all of it ours":    {jetstream.AccountInfo{Tier: tier(1000, 30, 40)}, 1, there, 1000},
		"others use":        {jetstream.AccountInfo{Tier: tier(1000, 130, 40)}, 1, there, 900},
		"others reserve":    {jetstream.AccountInfo{Tier: tier(1000, 130, 240)}, 1, there, 800},
		"copies count":      {jetstream.AccountInfo{Tier: tier(1200, 390, 120)}, 3, there, 300},
		"tiers do not":      {jetstream.AccountInfo{Tiers: map[string]jetstream.Tier{"R3": tier(1000, 130, 40)}}, 3, there, 900},
		"another tier":      {jetstream.AccountInfo{Tiers: map[string]jetstream.Tier{"R1": tier(1000, 0, 0)}}, 3, there, 0},
		"others have it":    {jetstream.AccountInfo{Tier: tier(1000, 2000, 0)}, 1, nil, 0},
		"numbers that lag":  {jetstream.AccountInfo{Tier: tier(1000, 5, 0)}, 1, there, 1000},
		"nothing is stored": {jetstream.AccountInfo{Tier: tier(0, 0, 0)}, 1, nil, 0},
	}
	for name, c := range cases {
		if got, err := allot(&c.account, c.replicas, c.there); got.total != c.want {
			t.Errorf("%s: %d bytes (%v), want %d", name, got.total, err, c.want)
		}
	}
}

func TestAllotmentIsGiven(t *testing.T) {
	rows := layout(Config{Replicas: 1})
	there := make([]jetstream.Stream, len(rows))
	there[1] = fakeStream{limit: 7}
	if !anyUnlimited(rows, there) {
		t.Error("all have a limit")
	}
	allotment{total: 1000, most: 300, all: true}.give(rows, there)
	for i, row := range rows {
		want := min(300, int64(row.share*10))
		if i == 1 {
			want = -1 // what it has
		}
		if row.stream.MaxBytes != want || row.wished != (want > 0) {
			t.Errorf("%s is given %d, want %d", row.stream.Name, row.stream.MaxBytes, want)
		}
	}
	rows = layout(Config{Replicas: 1})
	allotment{total: 1000, most: 1000}.give(rows, there)
	if rows[0].stream.MaxBytes != -1 || rows[0].bucket != progressBucket {
		t.Errorf("%s may take no more than %d", rows[0].stream.Name, rows[0].stream.MaxBytes)
	}
	for i := range there {
		there[i] = fakeStream{limit: 1}
	}
	if anyUnlimited(rows, there) {
		t.Error("one has no limit")
	}
}
