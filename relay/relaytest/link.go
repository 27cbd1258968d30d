package relaytest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// link is a connection of which everything that comes back is searched for secrets.
type link struct {
	s    *suite
	conn any
}

// as returns the connection as one of the interfaces.
func as[T any](l *link) T {
	v, ok := l.conn.(T)
	if !ok {
		l.s.t.Fatalf("the connection is no %s", reflect.TypeFor[T]().Name())
	}
	return v
}

func (l *link) receive(c Call) ([]event.Event, error) {
	events, err := as[relay.Receiver](l).Receive(c.Header, c.Body)
	l.s.sift("Receive", err, events)
	return events, err
}

func (l *link) decode(body []byte) ([]event.Event, error) {
	events, err := as[relay.Decoder](l).Decode(body)
	l.s.sift("Decode", err, events)
	return events, err
}

func (l *link) redact(body []byte) []byte {
	clean := as[relay.Redactor](l).Redact(body)
	l.s.sift("Redact", nil, string(clean))
	return clean
}

func (l *link) send(ctx context.Context, a event.Action) (event.Receipt, error) {
	r, err := as[relay.Sender](l).Send(ctx, a)
	l.s.sift("Send", err, r)
	return r, err
}

func (l *link) find(ctx context.Context, a event.Action) (event.Receipt, bool, error) {
	r, found, err := as[relay.Finder](l).Find(ctx, a, a.Time.Add(-time.Minute))
	l.s.sift("Find", err, r)
	return r, found, err
}

func (l *link) member(ctx context.Context, q event.MembershipQuery) (bool, error) {
	member, err := as[relay.Members](l).Member(ctx, q)
	l.s.sift("Member", err)
	return member, err
}

func (l *link) poll(ctx context.Context, r relay.PollRequest) (relay.Page, error) {
	page, err := as[relay.Poller](l).Poll(ctx, r)
	l.s.sift("Poll", err, page)
	return page, err
}

func (l *link) complete(ctx context.Context, e event.Event) (event.Event, error) {
	whole, err := as[relay.Completer](l).Complete(ctx, e)
	l.s.sift("Complete", err, whole)
	return whole, err
}

func (l *link) readThread(ctx context.Context, t event.ThreadRef, p relay.PageRequest) (relay.History, error) {
	h, err := as[relay.Reader](l).Thread(ctx, t, p)
	l.s.sift("Thread", err, h)
	return h, err
}

func (l *link) readConversation(ctx context.Context, t event.ThreadRef, p relay.PageRequest) (relay.History, error) {
	h, err := as[relay.Reader](l).Conversation(ctx, t, p)
	l.s.sift("Conversation", err, h)
	return h, err
}

func (l *link) user(ctx context.Context, id event.UserID) (event.User, error) {
	u, err := as[relay.Reader](l).User(ctx, id)
	l.s.sift("User", err, u)
	return u, err
}

func (l *link) probe(ctx context.Context) []relay.Finding {
	findings := as[relay.Prober](l).Probe(ctx)
	for _, f := range findings {
		l.s.sift("Probe", f.Fault, f)
	}
	return findings
}

func (l *link) abilities() event.Capabilities { return as[relay.Capable](l).Capabilities() }

// sift searches an error and values for secrets, in all the forms in which they may be printed.
func (s *suite) sift(what string, err error, values ...any) {
	s.t.Helper()
	if err != nil {
		values = append(values, err)
	}
	for _, v := range values {
		text := fmt.Sprintf("%v\n%+v\n%#v\n%q", v, v, v, v)
		if b, err := json.Marshal(v); err == nil {
			text += "\n" + string(b)
		}
		s.siftText(what, text)
	}
}

// siftText searches a text for secrets. The report has none of them.
func (s *suite) siftText(what, text string) {
	s.t.Helper()
	for _, secret := range s.p.Secrets {
		for _, form := range []string{secret.Value, url.QueryEscape(secret.Value)} {
			if strings.Contains(text, form) {
				s.t.Errorf("%s shows the secret %q: %s", what, secret.Name, clip(strings.ReplaceAll(text, form, "[HERE IT IS]")))
				return
			}
		}
	}
}

// clip shortens a text for a report.
func clip(s string) string {
	const longest = 600
	if len(s) > longest {
		return s[:longest] + "…"
	}
	return s
}
