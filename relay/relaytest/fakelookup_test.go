package relaytest

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// Find looks for what an action has left.
func (f *fake) Find(ctx context.Context, a event.Action, _ time.Time) (event.Receipt, bool, error) {
	r := event.Receipt{Action: a.ID, Message: a.Target}
	if a.Target != "" {
		found, err := f.changed(ctx, a)
		return r, found, err
	}
	there, err := f.sent(ctx, a)
	switch {
	case err != nil && f.has("finds nothing when nobody answers"):
		return event.Receipt{}, false, nil
	case err != nil:
		return event.Receipt{}, false, f.fail("find", string(a.ID), err)
	case f.has("finds nothing"), len(there) == 0 && !f.has("finds everything"):
		return event.Receipt{}, false, nil
	}
	n := len(f.parts(a))
	for i := range n {
		m, ok := there[i]
		if !ok && !f.has("finds half of it") && !f.has("finds everything") {
			return event.Receipt{}, false, nil
		}
		r.Parts = append(r.Parts, event.MessageID(strconv.Itoa(m.ID)))
	}
	r.Message = r.Parts[0]
	if n == 1 || f.has("finds no parts") {
		r.Parts = nil
	}
	if f.has("finds another message") {
		r.Message = "1"
	}
	if f.has("finds only its own") && f.count == 0 {
		return event.Receipt{}, false, nil
	}
	return r, true, nil
}

// changed looks whether a message is as an action wants it.
func (f *fake) changed(ctx context.Context, a event.Action) (bool, error) {
	var m message
	if err := f.ask(ctx, "GET", "/messages/"+string(a.Target), nil, &m); err != nil {
		return false, f.fail("find", string(a.ID), err)
	}
	if f.has("finds every change") {
		return true, nil
	}
	if f.has("finds no change") {
		return false, nil
	}
	reacted := m.Reactions["bot "+a.Emoji]
	is := map[event.ActionType]bool{event.Edit: m.Text == a.Text, event.Delete: m.Deleted, event.React: reacted, event.Unreact: !reacted}
	return is[a.Type], nil
}

// Member reports who belongs to a conversation.
func (f *fake) Member(ctx context.Context, q event.MembershipQuery) (bool, error) {
	user := q.User
	if user == "" {
		user = "bot"
	}
	if !isConversation(q.Conversation) && !f.has("belongs to everything") {
		return false, fmt.Errorf("fake: member of %q: no conversation", q.Conversation)
	}
	var answer struct{ Member bool }
	err := f.ask(ctx, "GET", "/members?"+url.Values{"in": {string(q.Conversation)}, "user": {string(user)}}.Encode(), nil, &answer)
	switch {
	case err != nil && f.has("takes no answer for no"):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("fake: member %s: %w", user, f.fail("member", string(user), err))
	}
	return answer.Member || f.has("lets everybody in") || f.has("belongs to everything"), nil
}

// Probe checks the key.
func (f *fake) Probe(ctx context.Context) []relay.Finding {
	if f.has("probes nothing") {
		return nil
	}
	path, method := "/users/bot", "GET"
	if f.has("posts when it probes") {
		path, method = "/messages", "POST"
	}
	if f.has("probes without asking") {
		return []relay.Finding{{Subject: "key"}}
	}
	if f.has("probes on") {
		ctx = context.WithoutCancel(ctx)
	}
	err := f.ask(ctx, method, path, message{}, nil)
	switch {
	case err == nil && !f.has("finds faults everywhere"), f.has("finds no faults"):
		return []relay.Finding{{Subject: "key"}}
	case f.has("shrugs"):
		return []relay.Finding{{Subject: "key", Fault: fmt.Errorf("oops: %w", err)}}
	case f.has("finds the same everywhere"):
		return []relay.Finding{{Subject: "key", Fault: sentence("Something is wrong, so look after it.")}}
	}
	return []relay.Finding{{Subject: "key", Fault: sentence(fmt.Sprintf("The key does not work: see what the platform says. (%v)", err))}}
}

type sentence string

func (s sentence) Error() string { return string(s) }
