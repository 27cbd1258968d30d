package relaytest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// Receive takes a webhook call of the fake platform.
func (f *fake) Receive(h http.Header, body []byte) ([]event.Event, error) {
	switch got := h.Get("X-Hook"); {
	case f.closed && !f.has("opens a closed hook"):
		return nil, relay.ErrHookClosed
	case got == "" && f.has("tells that credentials are missing"):
		return nil, fmt.Errorf("none: %w", relay.ErrUnauthorized)
	case got != fakeHook && f.has("takes unknown bodies of anybody"):
		if _, err := f.Decode(body); err != nil {
			return nil, err
		}
		return nil, relay.ErrUnauthorized
	case got != fakeHook && (!f.has("takes half of the credentials") || !strings.HasPrefix(fakeHook, got) || got == ""):
		return nil, relay.ErrUnauthorized
	}
	if f.has("asks while it receives") {
		_ = f.ask(context.Background(), "GET", "/users/ann", nil, nil)
	}
	if f.has("changes the call") && len(body) > 0 {
		defer func() { body[0] = ' ' }()
	}
	return f.Decode(bytes.Clone(body))
}

// Decode makes events of a webhook's body.
func (f *fake) Decode(body []byte) ([]event.Event, error) {
	if !json.Valid(body) {
		if f.has("keeps what is not JSON") {
			return nil, &relay.ShapeError{Payload: body, Err: errors.New("no JSON")}
		}
		return nil, relay.ErrNotJSON
	}
	var h happened
	if err := json.Unmarshal(body, &h); err != nil || h.Message.ID == 0 {
		if f.has("ignores unknown bodies") {
			return []event.Event{{Version: 1, ID: "x", Type: event.Other, Time: time.Now(), Platform: "fake", Thread: ref("", ""), Self: "bot", Payload: body}}, nil
		}
		kept := f.Redact(body)
		if f.has("keeps the key in a payload") {
			kept = body
		}
		return nil, &relay.ShapeError{Payload: kept, Err: errors.New("no message")}
	}
	if f.has("refuses its own deletions") && h.Type == "deleted" {
		return nil, &relay.ShapeError{Payload: body, Err: errors.New("no text")}
	}
	e := f.event(h, "hook")
	if f.has("decodes by the clock") {
		f.mu.Lock()
		f.count++
		e.Time = e.Time.Add(time.Duration(f.count))
		f.mu.Unlock()
	}
	return []event.Event{e}, nil
}

// Redact takes the key out of a body.
func (f *fake) Redact(body []byte) []byte {
	if f.has("breaks what it redacts") {
		return bytes.ReplaceAll(body, []byte(`"`), nil)
	}
	if f.has("redacts nothing") {
		return body
	}
	if f.has("redacts more each time") {
		return append(append([]byte("["), body...), ']')
	}
	return []byte(f.clean(string(body)))
}

// event is what has happened, as the hook or the poll tells it.
func (f *fake) event(h happened, way string) event.Event {
	m := h.Message
	e := event.Event{
		Version: event.Version, Time: time.Unix(h.At, 0).UTC(), Platform: "fake", Thread: m.thread(), Self: "bot",
		Trigger: h.Type, Message: f.message(m),
	}
	id := fmt.Sprintf("fake:%d:%s", m.ID, h.Type)
	switch h.Type {
	case "created":
		e.Type = event.MessageCreated
	case "edited":
		e.Type = event.MessageEdited
		if !f.has("gives all edits one id") {
			id += ":" + strconv.Itoa(m.Edits)
		}
	case "deleted":
		e.Type = event.MessageDeleted
	default:
		e.Type = map[string]event.Type{"reacted": event.ReactionAdded, "unreacted": event.ReactionRemoved}[h.Type]
		e.Reaction = &event.Reaction{Message: e.Message.ID, Emoji: h.Emoji, By: event.User{ID: event.UserID(h.By)}}
		e.Message, e.Incomplete, e.Thread = nil, true, ref("", "")
		id += fmt.Sprintf(":%d:incomplete", h.Seq)
	}
	e.ID = event.ID(id)
	f.spoilEvent(&e, way)
	return e
}

// spoilEvent breaks what is to be broken of an event.
func (f *fake) spoilEvent(e *event.Event, way string) {
	created := e.Type == event.MessageCreated
	switch {
	case f.has("gives " + way + " events ids of their own"):
		e.ID += event.ID("-" + way)
	case f.has("tells the wrong thread by " + way):
		e.Thread.Root = "1"
	case f.has("tells the wrong conversation by " + way):
		e.Thread.Conversation = "group/all"
	case f.has("forgets the parent") && created:
		e.Message.Parent = ""
	case f.has("forgets the recipient") && created:
		e.Message.Recipient = ""
	case f.has("forgets itself"):
		e.Self = ""
	case f.has("forgets the version"):
		e.Version = 0
	case f.has("calls itself another"):
		e.Platform = "other"
	case f.has("marks the words of others") && created:
		e.Message.Marker = &event.Marker{Action: "a"}
	case f.has("loses the marker by "+way) && created:
		e.Message.Marker = nil
	case f.has("tells the time of day") && created:
		e.Time = time.Unix(5, 0)
	case f.has("tells what was deleted") && e.Type == event.MessageDeleted:
		e.Message.Text = "secret"
	case f.has("shortens texts by "+way) && created:
		e.Message.Text = e.Message.Text[:1]
	}
}

// message is a message as events have it.
func (f *fake) message(m message) *event.Message {
	out := &event.Message{ID: event.MessageID(strconv.Itoa(m.ID)), Sender: event.User{ID: event.UserID(m.Sender), Name: m.Name}, Kind: "text", Text: f.clean(m.Text)}
	if f.has("repeats what people say") {
		out.Text = m.Text
	}
	if m.Parent != 0 {
		out.Parent = event.MessageID(strconv.Itoa(m.Parent))
	}
	if strings.HasPrefix(m.Conversation, "user/") {
		out.Recipient = "bot"
		if m.Sender == "bot" {
			out.Recipient = event.UserID(strings.TrimPrefix(m.Conversation, "user/"))
		}
	}
	if m.Action != "" {
		out.Marker = &event.Marker{Action: event.ActionID(m.Action), Bot: m.Bot}
	}
	return out
}

// Complete finds out where a message is.
func (f *fake) Complete(ctx context.Context, e event.Event) (event.Event, error) {
	if !e.Incomplete {
		if f.has("asks for what is whole") {
			_ = f.ask(ctx, "GET", "/users/ann", nil, nil)
		}
		if f.has("spoils what is whole") {
			e.Thread.Root = "1"
		}
		return e, nil
	}
	id := about(e)
	f.mu.Lock()
	at, known := f.places[id]
	f.mu.Unlock()
	if !known || f.has("forgets what it was told") {
		var m message
		if err := f.ask(ctx, "GET", "/messages/"+string(id), nil, &m); err != nil {
			call := "complete"
			if f.has("does not see that a message is gone") {
				call = "look"
			}
			return event.Event{}, f.fail(call, string(id), err)
		}
		at = m.thread()
	}
	e.Thread, e.Incomplete = at, f.has("leaves it incomplete")
	if !f.has("keeps the incomplete id") {
		e.ID = event.ID(strings.TrimSuffix(string(e.ID), ":incomplete"))
	}
	if f.has("completes by chance") {
		f.mu.Lock()
		f.count++
		e.ID += event.ID(strconv.Itoa(f.count))
		f.mu.Unlock()
	}
	if f.has("completes to the message itself") {
		e.Thread.Root = id
	}
	return e, nil
}

// Remember notes where a message is.
func (f *fake) Remember(e event.Event) {
	if e.Incomplete && !f.has("remembers what is incomplete") || e.Thread.Connection == "" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.places == nil {
		f.places = map[event.MessageID]event.ThreadRef{}
	}
	f.places[about(e)] = e.Thread
}
