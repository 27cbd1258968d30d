package query

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// library is a platform whose threads hold as many messages as their root says, each with a text of a length.
type library struct {
	long  int
	asked chan relay.PageRequest
	fail  error
}

func (l *library) page(t event.ThreadRef, p relay.PageRequest) (relay.History, error) {
	if l.asked != nil {
		l.asked <- p
	}
	if l.fail != nil {
		return relay.History{}, l.fail
	}
	var total, from int
	_, _ = fmt.Sscan(string(t.Root), &total)
	_, _ = fmt.Sscan(p.Cursor, &from)
	var h relay.History
	for n := from; n < min(total, from+p.Limit); n++ {
		h.Messages = append(h.Messages, relay.Said{
			Message: event.Message{ID: event.MessageID(fmt.Sprint(n)), Parent: t.Root, Text: strings.Repeat("x", l.long), Sender: event.User{ID: "ana"}},
			Thread:  t, Time: time.Unix(int64(n), 0).UTC(),
		})
	}
	if from+p.Limit < total {
		h.Next = fmt.Sprint(from + p.Limit)
	}
	return h, nil
}

func (l *library) Thread(_ context.Context, t event.ThreadRef, p relay.PageRequest) (relay.History, error) {
	return l.page(t, p)
}

func (l *library) Conversation(_ context.Context, t event.ThreadRef, p relay.PageRequest) (relay.History, error) {
	t.Root = "3"
	return l.page(t, p)
}

func (l *library) User(_ context.Context, id event.UserID) (event.User, error) {
	if l.fail != nil {
		return event.User{}, l.fail
	}
	return event.User{ID: id, Name: "Ana"}, nil
}

// open opens a desk for a platform, and returns another process's bus.
func open(t *testing.T, r relay.Reader) *bus.Bus {
	t.Helper()
	srv := bustest.StartServer(t, "")
	d := New(Config{Bus: srv.Open(bus.Config{}), Version: "1.0.0", Readers: map[event.ConnectionID]relay.Reader{"support": r}, Members: platformOf(
		func(context.Context, event.MembershipQuery) (bool, error) { return true, nil })})
	stop, err := d.Open(bustest.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	asker := srv.Open(bus.Config{})
	waitForDesk(t, asker)
	return asker
}

func inThread(root event.MessageID) event.ThreadRef {
	return event.ThreadRef{Connection: "support", Conversation: "group/engineering", Root: root}
}

func TestHistoryIsReadOverTheBus(t *testing.T) {
	asked := make(chan relay.PageRequest, 10)
	b := open(t, &library{long: 1, asked: asked})
	ctx := bustest.Context(t)
	q := event.HistoryQuery{Thread: inThread("7"), Limit: 5, OldestFirst: true}
	first, err := b.AskThread(ctx, q)
	if err != nil || len(first.Messages) != 5 || first.Next != "5" {
		t.Fatalf("%+v, %v", first, err)
	}
	want := event.Said{Message: event.Message{ID: "0", Parent: "7", Text: "x", Sender: event.User{ID: "ana"}}, Thread: q.Thread, Time: time.Unix(0, 0).UTC()}
	if got := first.Messages[0]; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	again, err := b.AskThread(ctx, q)
	if err != nil || !reflect.DeepEqual(again, first) {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	q.Cursor = first.Next
	last, err := b.AskThread(ctx, q)
	if err != nil || len(last.Messages) != 2 || last.Next != "" {
		t.Errorf("the last page is %+v, %v", last, err)
	}
	wantPages := []relay.PageRequest{{Limit: 5, OldestFirst: true}, {Limit: 5, Cursor: "5", OldestFirst: true}}
	for _, want := range wantPages {
		if got := bustest.Receive(t, asked); got != want {
			t.Errorf("the platform was asked for %+v, want %+v", got, want)
		}
	}
	all, err := b.AskConversation(ctx, event.HistoryQuery{Thread: inThread("7")})
	if got := bustest.Receive(t, asked); err != nil || len(all.Messages) != 3 || got.Limit != defaultPage {
		t.Errorf("the conversation: %+v, %v, asked for %+v", all, err, got)
	}
	if _, err := b.AskConversation(ctx, event.HistoryQuery{Thread: inThread("8"), Limit: 1 << 30}); err != nil || bustest.Receive(t, asked).Limit != maxPage {
		t.Errorf("a page without a bound: %v", err)
	}
	if u, err := b.AskUser(ctx, event.UserQuery{Connection: "support", User: "ana"}); err != nil || u.Name != "Ana" {
		t.Errorf("%+v, %v", u, err)
	}
	if len(asked) > 0 {
		t.Errorf("the platform was asked %d more times", len(asked))
	}
}

func TestRefusalsKeepTheirKind(t *testing.T) {
	failure := func(k relay.Kind) error {
		return &relay.Failure{Kind: k, After: 3 * time.Second, Err: errors.New("out of\r\npaper")}
	}
	cases := []struct {
		fail         error
		history, who bus.RefusalCode
	}{
		{failure(relay.RootGone), bus.RefusedGone, bus.RefusedTemporary},
		{failure(relay.Denied), bus.RefusedDenied, bus.RefusedGone},
		{failure(relay.Rejected), bus.RefusedRejected, bus.RefusedRejected},
		{failure(relay.RateLimited), bus.RefusedRateLimited, bus.RefusedRateLimited},
		{failure(relay.Temporary), bus.RefusedTemporary, bus.RefusedTemporary},
		{errors.New("out of paper"), bus.RefusedTemporary, bus.RefusedTemporary},
	}
	shelf := &library{}
	b := open(t, shelf)
	ctx := bustest.Context(t)
	for i, c := range cases {
		shelf.fail = c.fail
		_, threadErr := b.AskThread(ctx, event.HistoryQuery{Thread: inThread(event.MessageID(fmt.Sprint(i)))})
		_, userErr := b.AskUser(ctx, event.UserQuery{Connection: "support", User: event.UserID(fmt.Sprint(i))})
		if !bus.IsRefusal(threadErr, c.history) || !bus.IsRefusal(userErr, c.who) {
			t.Errorf("%v: thread %v, user %v", c.fail, threadErr, userErr)
		}
		var r *bus.Refusal
		if errors.As(threadErr, &r); !strings.Contains(threadErr.Error(), "paper") || strings.Contains(threadErr.Error(), "\n") {
			t.Errorf("%v: told %v", c.fail, threadErr)
		}
		var f *relay.Failure
		if errors.As(c.fail, &f) && r.After != f.After {
			t.Errorf("%v: wait %s", c.fail, r.After)
		}
	}
}

func TestAnAnswerThatIsTooLargeIsRefused(t *testing.T) {
	b := open(t, &library{long: 50_000})
	if _, err := b.AskThread(bustest.Context(t), event.HistoryQuery{Thread: inThread("40")}); !bus.IsRefusal(err, bus.RefusedTooLarge) {
		t.Errorf("40 long messages: %v", err)
	}
	if a, err := b.AskThread(bustest.Context(t), event.HistoryQuery{Thread: inThread("40"), Limit: 10}); err != nil || len(a.Messages) != 10 {
		t.Errorf("10 long messages: %d, %v", len(a.Messages), err)
	}
}
