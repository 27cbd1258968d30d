package query

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

func TestAnswersAreRememberedForTheirTime(t *testing.T) {
	cases := []struct {
		name   string
		member bool
		err    error
		ttl    time.Duration
	}{
		{"a member", true, nil, time.Minute},
		{"no member", false, nil, 10 * time.Second},
		{"a failure", false, errors.New("out of order"), 0},
		{"a failure that says yes", true, errors.New("out of order"), 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			calls := 0
			now := &clock{at: time.Unix(1_000_000, 0)}
			d := New(Config{Now: now.now, Members: platformOf(func(context.Context, event.MembershipQuery) (bool, error) {
				calls++
				return c.member, c.err
			})})
			look := func(wantCalls int) {
				t.Helper()
				yes, err := d.Member(t.Context(), ask("ana"))
				if !errors.Is(err, c.err) || yes != (c.member && c.err == nil) {
					t.Errorf("got %t, %v", yes, err)
				}
				if calls != wantCalls {
					t.Errorf("%d calls, want %d", calls, wantCalls)
				}
			}
			look(1)
			if c.ttl == 0 {
				look(2)
				return
			}
			now.forward(c.ttl - time.Nanosecond)
			look(1)
			now.forward(time.Nanosecond)
			look(2)
			now.forward(c.ttl - time.Nanosecond) // the second look-up counts anew
			look(2)
		})
	}
}

func TestQuestionsAreKeptApart(t *testing.T) {
	d := New(Config{Members: map[event.ConnectionID]relay.Members{
		"support": members(func(_ context.Context, q event.MembershipQuery) (bool, error) { return q.User == "ana", nil }),
		"other":   members(func(_ context.Context, q event.MembershipQuery) (bool, error) { return q.Conversation == "x", nil }),
	}})
	cases := map[event.MembershipQuery]bool{
		ask("ana"):                               true,
		ask("bob"):                               false,
		ask(""):                                  false,
		{Connection: "other"}:                    false,
		{Connection: "other", Conversation: "x"}: true,
		{Connection: "other", Conversation: "x", User: "ana"}: true,
	}
	for range 2 { // asked, and remembered
		for q, want := range cases {
			if got, err := d.Member(t.Context(), q); err != nil || got != want {
				t.Errorf("%+v: %t, %v", q, got, err)
			}
		}
	}
}

func TestAnUnknownConnectionIsAnError(t *testing.T) {
	d := New(Config{Members: platformOf(nil)})
	_, err := d.Member(t.Context(), event.MembershipQuery{Connection: "nowhere"})
	if !bus.IsRefusal(err, bus.RefusedUnsupported) || !strings.Contains(err.Error(), `connection "nowhere" is not configured`) {
		t.Errorf("error %v", err)
	}
}

func TestTheSameQuestionAtTheSameTimeIsOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const askers = 50
		var calls atomic.Int32
		release := make(chan struct{})
		d := New(Config{Members: platformOf(func(context.Context, event.MembershipQuery) (bool, error) {
			calls.Add(1)
			<-release
			return true, nil
		})})
		answers := make(chan bool, askers)
		for range askers {
			go func() {
				yes, err := d.Member(t.Context(), ask("ana"))
				answers <- yes && err == nil
			}()
		}
		synctest.Wait() // all of them wait for the platform
		close(release)
		for range askers {
			if !<-answers {
				t.Error("no answer")
			}
		}
		if got := calls.Load(); got != 1 {
			t.Errorf("%d calls", got)
		}
	})
}

// One who gives up must not take those with him who share his call, and need not wait for it.
func TestAnAskerThatGivesUpIsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		d := New(Config{Members: platformOf(func(ctx context.Context, _ event.MembershipQuery) (bool, error) {
			select {
			case <-release:
				return true, nil
			case <-ctx.Done():
				return false, ctx.Err()
			}
		})})
		look := func(ctx context.Context) chan error {
			ended := make(chan error, 1)
			go func() {
				_, err := d.Member(ctx, ask("ana"))
				ended <- err
			}()
			synctest.Wait()
			return ended
		}
		first, giveUp := context.WithCancel(t.Context())
		hasty, patient := look(first), look(t.Context())
		giveUp()
		synctest.Wait()
		select {
		case err := <-hasty:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("the one who gave up got %v", err)
			}
		default:
			t.Error("the one who gave up still waits")
		}
		close(release)
		if err := <-patient; err != nil {
			t.Errorf("the other got %v", err)
		}
	})
}

// A platform that never answers does not hold its askers for ever, nor those who come after it.
func TestALookUpHasAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := true
		d := New(Config{Members: platformOf(func(ctx context.Context, _ event.MembershipQuery) (bool, error) {
			if stuck {
				<-ctx.Done()
			}
			return true, ctx.Err()
		})})
		if _, err := d.Member(context.WithoutCancel(t.Context()), ask("ana")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		stuck = false
		if yes, err := d.Member(t.Context(), ask("ana")); err != nil || !yes {
			t.Errorf("afterwards: %t, %v", yes, err)
		}
	})
}

func TestAPlatformThatPanicsIsAnError(t *testing.T) {
	d := New(Config{Members: platformOf(func(context.Context, event.MembershipQuery) (bool, error) { panic("out of paper") })})
	if yes, err := d.Member(t.Context(), ask("ana")); yes || err == nil || !strings.Contains(err.Error(), "out of paper") {
		t.Errorf("%t, %v", yes, err)
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	now := &clock{at: time.Unix(1_000_000, 0)}
	d := New(Config{Now: now.now, Members: platformOf(func(_ context.Context, q event.MembershipQuery) (bool, error) {
		return q.User == "ana", nil
	})})
	fill := func(prefix string, n int) {
		t.Helper()
		for i := range n {
			if _, err := d.Member(t.Context(), ask(prefix+strconv.Itoa(i))); err != nil {
				t.Fatal(err)
			}
			if len(d.members.known) > maxMembers {
				t.Fatalf("%d answers are remembered", len(d.members.known))
			}
		}
	}
	fill("a", maxMembers-1)
	now.forward(absentTTL)
	if yes, err := d.Member(t.Context(), ask("ana")); !yes || err != nil {
		t.Fatalf("%t, %v", yes, err)
	}
	fill("b", 1) // makes room by what is outdated
	if len(d.members.known) != 2 {
		t.Errorf("%d answers are remembered, want those that still count", len(d.members.known))
	}
	fill("c", 2*maxMembers) // none of which is outdated
}
