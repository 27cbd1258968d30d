package rocketchat

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/threadrelay/threadrelay/relay"
)

// A room that cannot be listened to does not keep the others from it.
func TestListenToWhatIsRefused(t *testing.T) {
	f := newFakeSpace(t)
	f.wire.deny = func(about string) bool {
		return strings.Contains(about, spaceGroup) || strings.Contains(about, noticePruned)
	}
	l := listen(t, f, f.connect(), "#general", "#crew", "#nowhere", "@zoe", "thread/m").open()
	f.say(fakeAna, spaceChannel, "m", "hello", nil)
	l.wantHeard("#general", "message.created m")
	f.mu.Lock()
	f.wire.tell(object{"msg": "nosub", "id": f.wire.subs[streamMessages+" "+spaceChannel]})
	f.wire.tell(object{"msg": "nosub", "id": "999"})
	f.wire.tell(object{"msg": "changed", "collection": streamMessages, "fields": object{"eventName": "unasked", "args": []any{object{"_id": "x", "rid": "unasked"}}}})
	f.mu.Unlock()
	f.mu.Lock()
	f.wire.notice(spaceChannel+noticeDeleted, object{"_id": "m"})
	f.mu.Unlock()
	l.wantHeard("#general", "message.deleted m")
	l.mu.Lock()
	got := slices.Sorted(maps.Keys(l.deaf))
	l.mu.Unlock()
	if !slices.Equal(got, []string{"#crew", "#general", "#nowhere", "@zoe", "thread/m"}) {
		t.Errorf("deaf are %q", got)
	}
}

func TestListenFailures(t *testing.T) {
	tests := []struct {
		name   string
		change func(f *fakeSpace)
		source string
		want   relay.Kind
		says   string
	}{
		{"no token", func(f *fakeSpace) { f.wire.resume = "another" }, "GENERAL", relay.Denied, "logged out"},
		{"another user's token", func(f *fakeSpace) { f.wire.as = "somebody" }, "GENERAL", relay.Denied, "another user"},
		{"another version", func(f *fakeSpace) { f.wire.version = "2" }, "GENERAL", relay.Rejected, `version "2"`},
		{"nothing is granted", func(f *fakeSpace) { f.wire.deny = func(string) bool { return true } }, "GENERAL", relay.Denied, "not-allowed"},
		{"not all rooms", func(f *fakeSpace) { f.wire.deny = func(s string) bool { return strings.Contains(s, myMessages) } }, "rooms", relay.Denied, "not-allowed"},
		{"no source", func(*fakeSpace) {}, "a b", relay.Rejected, "a b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFakeSpace(t)
			tt.change(f)
			l := listen(t, f, f.connect(), tt.source)
			wantFailure(t, await(t, "the end", l.ended), tt.want, tt.says)
		})
	}
	for status, kind := range map[int]relay.Kind{200: relay.Rejected, 401: relay.Denied, 404: relay.Rejected, 429: relay.RateLimited, 502: relay.Temporary} {
		c := serve(t, answer(status, `{"success":true,"room":{"_id":"GENERAL","t":"c"}}`))
		c.known.rooms.put("GENERAL", Room{ID: "GENERAL", Kind: Channel}, time.Now().Add(time.Hour))
		wantFailure(t, c.Listen(t.Context(), relay.ListenRequest{Sources: []string{"GENERAL"}}), kind, "")
	}
	away := newConnection(t, func(cfg *Config) { cfg.URL = "http://127.0.0.1:1" })
	wantFailure(t, away.Listen(t.Context(), relay.ListenRequest{Sources: []string{"GENERAL"}}), relay.Temporary, "")
}

func wantFailure(t *testing.T, err error, kind relay.Kind, says string) {
	t.Helper()
	var f *relay.Failure
	if !errors.As(err, &f) || f.Kind != kind || !strings.Contains(err.Error(), "rocketchat: ") || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), testToken) {
		t.Errorf("%v, want %s", err, kind)
	}
}

// A lost connection, a server that falls silent and a host that cannot store end it.
func TestListenEnds(t *testing.T) {
	t.Run("cut", func(t *testing.T) {
		f := newFakeSpace(t)
		l := listen(t, f, f.connect(), "GENERAL").open()
		f.wire.cut()
		wantFailure(t, await(t, "the end", l.ended), relay.Temporary, "listen")
	})
	t.Run("silence", func(t *testing.T) {
		f := newFakeSpace(t)
		f.wire.deaf = true
		c := f.connect()
		c.quiet = 50 * time.Millisecond
		l := listen(t, f, c, "GENERAL").open()
		wantFailure(t, await(t, "the end", l.ended), relay.Temporary, errQuiet.Error())
	})
	t.Run("an error of the server's", func(t *testing.T) {
		f := newFakeSpace(t)
		l := listen(t, f, f.connect(), "GENERAL").open()
		f.wire.tell(object{"msg": "error", "reason": "Bad request " + testToken})
		wantFailure(t, await(t, "the end", l.ended), relay.Temporary, "Bad request [removed]")
	})
	t.Run("not stored", func(t *testing.T) {
		f := newFakeSpace(t)
		l := listen(t, f, f.connect(), "GENERAL").open()
		l.mu.Lock()
		l.refuse = errors.New("the bus is away")
		l.mu.Unlock()
		f.say(fakeAna, spaceChannel, "m", "hello", nil)
		var failure *relay.Failure
		if err := await(t, "the end", l.ended); !errors.Is(err, l.refuse) || errors.As(err, &failure) {
			t.Error(err)
		}
	})
}

// Pings are answered.
func TestListenPings(t *testing.T) {
	f := newFakeSpace(t)
	l := listen(t, f, f.connect(), "GENERAL").open()
	f.wire.tell(object{"msg": "ping", "id": "7"})
	f.wire.tell(object{"msg": "ping"})
	for end := time.Now().Add(patience); ; {
		f.wire.mu.Lock()
		pongs := slices.Clone(f.wire.pongs)
		f.wire.mu.Unlock()
		if slices.Equal(pongs, []string{"7", ""}) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("pongs %q", pongs)
		}
		<-time.After(time.Millisecond)
	}
	if len(l.ended) != 0 {
		t.Error("it has ended")
	}
}

// A server that is silent is asked, left if it does not answer in time, and not left if it does.
func TestWatch(t *testing.T) {
	for name, tt := range map[string]struct {
		answers int // how many pings are answered
		fails   error
		want    error
		after   time.Duration
	}{
		"silent":   {0, nil, errQuiet, 60 * time.Second},
		"answers":  {3, nil, errQuiet, 150 * time.Second},
		"is gone":  {0, errBroken, errBroken, 30 * time.Second},
		"is there": {1000, nil, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := new(ddp)
				start := time.Now()
				d.heard.Store(start.UnixMilli())
				var ended error
				var at time.Duration
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				pings := 0
				d.watch(ctx, watching{quiet: quietTime, ping: func(context.Context) error {
					if pings++; pings <= tt.answers {
						d.heard.Store(time.Now().UnixMilli())
					}
					return tt.fails
				}, end: func(err error) {
					ended, at = err, time.Since(start)
					cancel()
				}})
				if !errors.Is(ended, tt.want) || at < tt.after || at > tt.after+quietTime {
					t.Errorf("ended with %v after %s and %d pings", ended, at, pings)
				}
				if most := int(time.Since(start)/quietTime) + 1; pings > most || pings == 0 {
					t.Errorf("%d pings", pings)
				}
			})
		})
	}
}
