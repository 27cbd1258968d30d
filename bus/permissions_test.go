package bus_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/bus/natsd"
)

// roleUsers reads the users out of PERMISSIONS.md.
func roleUsers(t *testing.T) []natsd.User {
	t.Helper()
	page, err := os.ReadFile("PERMISSIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	var users []natsd.User
	for _, section := range strings.Split(string(page), "\n## ")[1:] {
		name, _, _ := strings.Cut(section, "\n")
		u := natsd.User{Name: name, Password: "p"}
		for kind, list := range map[string]*[]string{"publish": &u.Publish, "subscribe": &u.Subscribe} {
			_, rest, ok := strings.Cut(section, "```"+kind+"\n")
			if !ok {
				t.Fatalf("%s: no list to %s", name, kind)
			}
			block, _, _ := strings.Cut(rest, "\n```")
			*list = strings.Fields(block)
		}
		users = append(users, u)
	}
	return users
}

// role is a connection as one of the users.
type role struct {
	conn   *nats.Conn
	denied chan string
}

func login(t *testing.T, srv *bustest.Server, name string) role {
	t.Helper()
	return loginAs(t, srv, name, name)
}

// loginAs is login as another user with the inbox of a role.
func loginAs(t *testing.T, srv *bustest.Server, user, name string) role {
	t.Helper()
	r := role{denied: make(chan string, 100)}
	var err error
	r.conn, err = nats.Connect("", nats.InProcessServer(srv), nats.UserInfo(user, "p"), nats.CustomInboxPrefix("_INBOX."+name),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if errors.Is(err, nats.ErrPermissionViolation) {
				r.denied <- err.Error()
			}
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.conn.Close)
	return r
}

func (r role) open(t *testing.T) *bus.Bus {
	t.Helper()
	b, err := bus.Open(bustest.Context(t), bus.Config{Conn: r.conn})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// mustNotBeDenied fails the test if the role was denied anything so far.
func (r role) mustNotBeDenied(t *testing.T) {
	t.Helper()
	if err := r.conn.Flush(); err != nil {
		t.Fatal(err)
	}
	select {
	case d := <-r.denied:
		t.Errorf("denied: %s", d)
	default:
	}
}

// mustBeDenied fails the test if the role may publish, or listen to, a subject.
func (r role) mustBeDenied(t *testing.T, verb, subject string) {
	t.Helper()
	want := fmt.Sprintf("%s to %q", verb, subject)
	if verb == "Publish" {
		if err := r.conn.Publish(subject, nil); err != nil {
			t.Fatal(err)
		}
	} else if _, err := r.conn.SubscribeSync(subject); err != nil {
		t.Fatal(err)
	}
	if err := r.conn.Flush(); err != nil {
		t.Fatal(err)
	}
	select {
	case d := <-r.denied:
		if !strings.Contains(strings.ToLower(d), strings.ToLower(want)) {
			t.Errorf("denied: %s, want %s", d, want)
		}
	case <-time.After(time.Second):
		t.Errorf("allowed: %s", want)
	}
}

// One message walks all the way round, and every step is done by the role whose it is, with no more rights than the page
// gives it.
func TestEveryRoleWorksWithItsPermissions(t *testing.T) {
	srv := bustest.Start(t, natsd.Config{Users: roleUsers(t)})
	ctx := bustest.Context(t)
	roles, buses := make(map[string]role), make(map[string]*bus.Bus)
	for _, name := range []string{"operator", "ingest", "deliver", "bots"} { // the operator sets up
		roles[name] = login(t, srv, name)
		buses[name] = roles[name].open(t)
		if err := buses[name].Ready(ctx); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	stop, err := buses["ingest"].Answer(ctx, "1.0.0", bus.Answers{
		Connections: []event.ConnectionID{"c"},
		Member:      func(context.Context, event.MembershipQuery) (bool, error) { return true, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if yes, err := buses["bots"].AskMember(ctx, event.MembershipQuery{Connection: "c"}); err != nil || !yes {
		t.Errorf("bots: the answer to a question is %v (%v)", yes, err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}

	completeOne(t, buses["ingest"])
	_, events := subscribe(t, buses["bots"], bus.SubscriberConfig{Group: "bot-x", Lookback: time.Hour})
	publish(t, buses["ingest"], say("a", 0))
	m := bustest.Receive(t, events)
	if err := buses["bots"].Publisher().Publish(bus.Actions, say("a", 0)); err != nil {
		t.Errorf("bots: %v", err)
	}
	m.Ack()
	sub, err := buses["deliver"].Subscriber(bus.SubscriberConfig{Group: "deliver", Retry: quick()})
	if err != nil {
		t.Fatal(err)
	}
	actions, err := sub.Subscribe(ctx, bus.Actions)
	if err != nil {
		t.Fatal(err)
	}
	for range quickAttempts {
		bustest.Receive(t, actions).Nack()
	}
	awaitDead(t, roles["operator"].conn, "relay.dead.actions.>")
	if err := sub.Close(); err != nil {
		t.Error(err)
	}
	if err := buses["deliver"].Publisher().Publish(bus.Receipts, say("a", 0)); err != nil {
		t.Errorf("deliver: %v", err)
	}
	if sub, err = buses["bots"].Subscriber(bus.SubscriberConfig{Group: "bot-x"}); err != nil {
		t.Fatal(err)
	}
	receipts, err := sub.Subscribe(ctx, bus.Receipts)
	if err != nil {
		t.Fatal(err)
	}
	bustest.Receive(t, receipts).Ack()
	if err := sub.Close(); err != nil {
		t.Error(err)
	}
	for _, stage := range []string{"ingest", "events", "receipts"} {
		who := map[string]string{"ingest": "ingest", "events": "bots", "receipts": "bots"}[stage]
		letter := bus.DeadLetter{Stage: stage, Consumer: "c", Key: "k", First: time.Now(), Last: time.Now()}
		if err := buses[who].Bury(ctx, letter); err != nil {
			t.Errorf("%s: %v", who, err)
		}
	}
	for name, r := range roles {
		t.Run(name, r.mustNotBeDenied)
	}
}

// completeOne takes an event that is not whole, and looks whether it is known already.
func completeOne(t *testing.T, b *bus.Bus) {
	t.Helper()
	if err := b.Publisher().Publish(bus.Incomplete, say("a", 0)); err != nil {
		t.Fatal(err)
	}
	s, err := b.Subscriber(bus.SubscriberConfig{Group: "complete", Retry: quick()})
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Subscribe(bustest.Context(t), bus.Incomplete)
	if err != nil {
		t.Fatal(err)
	}
	bustest.Receive(t, c).Ack()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	publish(t, b, say("known", 0), say("known", 1))
	found, err := b.Holds(bustest.Context(t), bus.Copies{Topic: bus.Events, Lane: "test.known", IDs: []string{"known-0", "x"}, Since: time.Now().Add(-time.Minute)})
	if err != nil || !found["known-0"] || found["x"] {
		t.Errorf("found %v (%v)", found, err)
	}
}

// awaitDead waits until there is a dead letter under a subject.
func awaitDead(t *testing.T, nc *nats.Conn, subject string) {
	t.Helper()
	dead := stream(t, nc, bus.DeadStream)
	ctx := bustest.Context(t)
	for {
		_, err := dead.GetLastMsgForSubject(ctx, subject)
		if err == nil {
			return
		}
		if !errors.Is(err, jetstream.ErrMsgNotFound) {
			t.Fatal(err)
		}
	}
}

func TestRolesMayDoNothingElse(t *testing.T) {
	srv := bustest.Start(t, natsd.Config{Users: roleUsers(t)})
	login(t, srv, "operator").open(t)
	cases := map[string]struct{ publish, subscribe []string }{
		"ingest": {
			[]string{"relay.actions.c.t", "relay.receipts.c.t", "relay.dead.events.g.1", "$JS.API.CONSUMER.CREATE.RELAY_ACTIONS.x", "$JS.API.STREAM.MSG.GET.RELAY_ACTIONS",
				"$KV.RELAY_PROGRESS.bot-x.events.0", "$KV.RELAY_PROGRESS.deliver.actions.0", "$JS.API.STREAM.UPDATE.RELAY_EVENTS",
				"$KV.RELAY_BOT_STATE.k", "$KV.RELAY_LEDGER.k", "$KV.RELAY_LINKS.k", "$JS.API.STREAM.MSG.GET.KV_RELAY_LINKS"},
			[]string{"relay.actions.>", "relay.events.>", "_INBOX.>", "_INBOX.deliver.>", ">"},
		},
		"deliver": {
			[]string{"relay.events.c.t", "relay.actions.c.t", "$JS.API.CONSUMER.CREATE.RELAY_EVENTS.x", "$KV.RELAY_PROGRESS.bot-x.events.0",
				"$KV.RELAY_BOT_STATE.k", "$KV.RELAY_LEASES.k", "$KV.RELAY_LINKS.k", "$JS.API.CONSUMER.CREATE.KV_RELAY_LEASES.x", "$JS.API.STREAM.PURGE.RELAY_ACTIONS",
				"$JS.API.CONSUMER.CREATE.RELAY_RECEIPTS.x", "relay.dead.receipts.g.1"},
			[]string{"relay.events.>", "relay.receipts.>", "_INBOX.bots.>", "$KV.>"},
		},
		"bots": {
			[]string{"relay.events.c.t", "$JS.API.CONSUMER.CREATE.RELAY_ACTIONS.x", "$JS.API.STREAM.MSG.GET.RELAY_ACTIONS", "$JS.API.STREAM.MSG.GET.RELAY_DEAD",
				"$JS.API.STREAM.MSG.GET.KV_RELAY_LEDGER", "$KV.RELAY_PROGRESS.deliver.actions.0", "$KV.RELAY_LEDGER.k", "$KV.RELAY_CURSORS.k",
				"relay.receipts.c.t", "$JS.API.STREAM.PURGE.KV_RELAY_BOT_STATE", "$JS.API.STREAM.DELETE.RELAY_EVENTS"},
			[]string{"relay.actions.>", "relay.query.>", "relay.dead.>", "_INBOX.ingest.>"},
		},
		"operator": {
			[]string{"$JS.API.STREAM.DELETE.RELAY_EVENTS", "relay.query.c.member"},
			[]string{"_INBOX.bots.>"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := login(t, srv, name)
			for _, subject := range c.publish {
				r.mustBeDenied(t, "Publish", subject)
			}
			for _, subject := range c.subscribe {
				r.mustBeDenied(t, "Subscription", subject)
			}
		})
	}
}

// Who may not change streams is told so, and not once for every stream.
func TestOpenWithoutTheRightToSetUp(t *testing.T) {
	srv := bustest.Start(t, natsd.Config{Users: roleUsers(t)})
	ctx, cancel := context.WithTimeout(bustest.Context(t), time.Second)
	defer cancel()
	_, err := bus.Open(ctx, bus.Config{Conn: login(t, srv, "bots").conn})
	if err == nil || !strings.Contains(err.Error(), "stream KV_RELAY_PROGRESS: no answer") || !strings.Contains(err.Error(), "PERMISSIONS.md") {
		t.Errorf("error %v", err)
	}
	if strings.Contains(fmt.Sprint(err), "\n") {
		t.Errorf("told more than once: %v", err)
	}
}
