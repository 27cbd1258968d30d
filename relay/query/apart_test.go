package query

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// Whoever asks about another user, conversation or connection at the same time must not be given somebody else's answer:
// it says who may see what.
func TestDifferentQuestionsAtTheSameTimeAreNotOneCall(t *testing.T) {
	cases := map[event.MembershipQuery]bool{
		{Connection: "support", Conversation: "group/a", User: "ana"}: true,
		{Connection: "support", Conversation: "group/a", User: "bob"}: false,
		{Connection: "support", Conversation: "group/b", User: "ana"}: false,
		{Connection: "support", Conversation: "group/a"}:              false,
		{Connection: "sales", Conversation: "group/a", User: "ana"}:   false,
		{Connection: "support", Conversation: `a" "b`, User: "c"}:     true,
		{Connection: "support", Conversation: "a", User: `b" "c`}:     false,
		{Connection: "support", Conversation: "ab", User: "c"}:        true,
		{Connection: "support", Conversation: "a", User: "bc"}:        false,
	}
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		asked := make(chan event.MembershipQuery, len(cases))
		slow := members(func(_ context.Context, q event.MembershipQuery) (bool, error) {
			asked <- q
			<-release
			return cases[q], nil
		})
		d := New(Config{Members: map[event.ConnectionID]relay.Members{"support": slow, "sales": slow}})
		ended := make(chan struct{})
		for q, want := range cases {
			go func() {
				defer func() { ended <- struct{}{} }()
				if got, err := d.Member(t.Context(), q); err != nil || got != want {
					t.Errorf("%+v: %t, %v", q, got, err)
				}
			}()
		}
		synctest.Wait() // all of them wait for the platform
		close(release)
		for range cases {
			<-ended
		}
		if got := len(asked); got != len(cases) {
			t.Errorf("%d calls for %d questions", got, len(cases))
		}
	})
}
