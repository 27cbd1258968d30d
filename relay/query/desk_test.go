package query

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
)

func TestBotsAskOverTheBus(t *testing.T) {
	srv := bustest.StartServer(t, "")
	relayBus, botBus := srv.Open(bus.Config{}), srv.Open(bus.Config{})
	asked := make(chan event.MembershipQuery, 10)
	d := New(Config{Bus: relayBus, Version: "1.2.3", Members: platformOf(func(_ context.Context, q event.MembershipQuery) (bool, error) {
		asked <- q
		switch q.User {
		case "ana":
			return true, nil
		case "panics":
			panic("out of paper")
		case "fails":
			return false, errors.New("the platform says: out\r\nof order")
		}
		return false, nil
	})})
	if _, err := botBus.AskMember(bustest.Context(t), ask("ana")); !errors.Is(err, bus.ErrNobodyAnswers) {
		t.Errorf("before the desk opened: %v", err)
	}
	stop, err := d.Open(bustest.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	waitForDesk(t, botBus)
	cases := []struct {
		user    string
		member  bool
		problem string
	}{
		{"ana", true, ""},
		{"bob", false, ""},
		{"", false, ""},
		{"fails", false, "query: member of group/engineering: the platform says: out of order"},
		{"panics", false, "out of paper"},
		{"ana", true, ""}, // the desk has outlived that
	}
	for _, c := range cases {
		got, err := botBus.AskMember(bustest.Context(t), ask(c.user))
		if got != c.member || (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%q: %t, %v", c.user, got, err)
		}
	}
	if first := bustest.Receive(t, asked); first != ask("ana") {
		t.Errorf("the platform was asked %+v", first)
	}
	if got := len(asked); got != 4 {
		t.Errorf("the platform was asked %d more questions, want 4", got)
	}
	elsewhere := event.MembershipQuery{Connection: "nowhere", Conversation: "x"}
	if _, err := botBus.AskMember(bustest.Context(t), elsewhere); !errors.Is(err, bus.ErrNobodyAnswers) {
		t.Errorf("a connection that nobody serves: %v", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	wantNobody(t, botBus)
}

// waitForDesk waits until questions are answered: the server learns of a service that is opened a little later.
func waitForDesk(t *testing.T, b *bus.Bus) {
	t.Helper()
	for end := time.Now().Add(bustest.Patience); time.Now().Before(end); {
		if _, err := b.AskMember(bustest.Context(t), ask("ana")); !errors.Is(err, bus.ErrNobodyAnswers) {
			return
		}
	}
	t.Fatal("nobody answers")
}

// wantNobody waits until nobody answers any more.
func wantNobody(t *testing.T, b *bus.Bus) {
	t.Helper()
	for end := time.Now().Add(bustest.Patience); time.Now().Before(end); {
		if _, err := b.AskMember(bustest.Context(t), ask("ana")); errors.Is(err, bus.ErrNobodyAnswers) {
			return
		}
	}
	t.Error("somebody still answers")
}

func TestTheEndOfTheContextClosesTheDesk(t *testing.T) {
	srv := bustest.StartServer(t, "")
	d := New(Config{Bus: srv.Open(bus.Config{}), Version: "1.2.3", Members: platformOf(func(context.Context, event.MembershipQuery) (bool, error) {
		return true, nil
	})})
	ctx, cancel := context.WithCancel(context.Background())
	stop, err := d.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	asker := srv.Open(bus.Config{})
	waitForDesk(t, asker)
	if yes, err := asker.AskMember(bustest.Context(t), ask("ana")); err != nil || !yes {
		t.Fatalf("%t, %v", yes, err)
	}
	cancel()
	wantNobody(t, asker)
	if err := stop(); err != nil {
		t.Errorf("to stop what has stopped: %v", err)
	}
}

func TestAVersionThatIsNoneIsAnError(t *testing.T) {
	d := New(Config{Bus: bustest.Open(t), Version: "yesterday"})
	if _, err := d.Open(bustest.Context(t)); err == nil {
		t.Error("opened")
	}
}
