package relaytest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

func receiveChecks() []check {
	receiver := []Interface{Receiver}
	return []check{
		{"receive/golden", receiver, receiveGolden},
		{"receive/credentials", receiver, receiveCredentials},
		{"receive/closed", receiver, receiveClosed},
		{"receive/not JSON", receiver, receiveNotJSON},
		{"receive/unknown shape", receiver, receiveUnknown},
		{"receive/pure", receiver, receivePure},
		{"receive/decode", []Interface{Receiver, Decoder}, receiveDecode},
		{"receive/redact", []Interface{Receiver, Redactor}, receiveRedact},
		{"receive/said", receiver, receiveSaid},
		{"receive/same as polled", []Interface{Receiver, Poller}, receivedAsPolled},
	}
}

// payloads are the names of the golden payloads; there must be some.
func (s *suite) payloads() []string {
	s.t.Helper()
	if len(s.p.Golden.Payloads) == 0 {
		s.t.Fatal("there are no golden payloads")
	}
	return slices.Sorted(maps.Keys(s.p.Golden.Payloads))
}

func (s *suite) signed(name string) Call {
	return s.p.Hook.Sign(bytes.Clone(s.p.Golden.Payloads[name]))
}

// receiveGolden: each payload makes the events that it is known to make, and these are fit to travel.
func receiveGolden(s *suite) {
	b := s.stand(StageConfig{})
	for _, name := range s.payloads() {
		events, err := b.receive(s.signed(name))
		if err != nil || len(events) == 0 {
			s.t.Errorf("%s: %d events, %v", name, len(events), err)
			continue
		}
		for _, e := range events {
			if fault := b.unfit(e); fault != "" {
				s.t.Errorf("%s: event %s: %s", name, e.ID, fault)
			}
		}
		got := s.render(name, events)
		if s.p.Golden.Write != nil {
			s.must(s.p.Golden.Write(name, got))
			continue
		}
		if want, err := s.p.Golden.Want(name); err != nil || !bytes.Equal(got, want) {
			s.t.Errorf("%s: %v\ngot  %s\nwant %s", name, err, got, want)
		}
	}
}

// render returns the JSON form of events, indented.
func (s *suite) render(name string, events []event.Event) []byte {
	s.t.Helper()
	var list []json.RawMessage
	for _, e := range events {
		raw, err := e.Encode()
		if err != nil {
			s.t.Fatalf("%s: %v", name, err)
		}
		list = append(list, raw)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	s.must(enc.Encode(list))
	return out.Bytes()
}

// unfit returns what is wrong with an event of any source.
func (b *bench) unfit(e event.Event) string {
	switch err := e.Validate(); {
	case err != nil:
		return err.Error()
	case e.Version != event.Version:
		return fmt.Sprintf("its version is %d", e.Version)
	case e.Platform != b.p.Name:
		return fmt.Sprintf("its platform is %q", e.Platform)
	case e.Thread.Connection != b.p.Connection:
		return fmt.Sprintf("its connection is %q", e.Thread.Connection)
	case e.Self != b.scene.Self:
		return fmt.Sprintf("its self is %q, want %q", e.Self, b.scene.Self)
	case e.Type == event.Other && !json.Valid(e.Payload):
		return "it is of type other, and its payload is not JSON"
	case e.Type == event.MessageDeleted && e.Message.Text != "":
		return "it is a deletion, and tells the text"
	}
	return ""
}

// receiveCredentials: a call without the right credentials is refused before anything else, and does not learn why.
func receiveCredentials(s *suite) {
	b := s.stand(StageConfig{})
	bodies := map[string][]byte{"a good body": s.p.Golden.Payloads[s.payloads()[0]]}
	for i, unknown := range s.p.Hook.Unknown {
		bodies[fmt.Sprintf("unknown body %d", i)] = []byte(unknown)
	}
	answers := map[string]string{} // by what the error says, one case
	cases := 0
	for what, body := range bodies {
		for why, call := range s.p.Hook.Forged(body) {
			cases++
			events, err := b.receive(call)
			if !errors.Is(err, relay.ErrUnauthorized) || events != nil {
				s.t.Errorf("%s, %s: got %d events and %v, want %v", what, why, len(events), err, relay.ErrUnauthorized)
				continue
			}
			answers[err.Error()] = why
		}
	}
	if cases == 0 {
		s.t.Error("there are no forged calls")
	}
	if len(answers) > 1 {
		s.t.Errorf("errors tell which part of the credentials was wrong: %v", answers)
	}
}

// receiveClosed: without credentials configured the hook takes calls from nobody.
func receiveClosed(s *suite) {
	closed := &link{s: s, conn: s.p.Connect(s.t, Address{URL: "http://127.0.0.1:1", ClosedHook: true})}
	body := s.p.Golden.Payloads[s.payloads()[0]]
	calls := s.p.Hook.Forged(body)
	calls["rightly signed"] = s.p.Hook.Sign(body)
	calls["bare"] = Call{Body: body}
	for why, call := range calls {
		if events, err := closed.receive(call); !errors.Is(err, relay.ErrHookClosed) || events != nil {
			s.t.Errorf("%s: got %d events and %v, want %v", why, len(events), err, relay.ErrHookClosed)
		}
	}
}

// receiveNotJSON: what is not JSON is said to be that, wherever it breaks off.
func receiveNotJSON(s *suite) {
	b := s.stand(StageConfig{})
	good := string(s.signed(s.payloads()[0]).Body)
	bodies := []string{
		"", "hello", good + "}", good + good, "{,}", `{"a":1,}`, "{\"a\":\"\x00\"}", `{"a":Infinity}`,
		strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000),
	}
	for i := range strings.TrimSpace(good) {
		bodies = append(bodies, good[:i])
	}
	header := s.signed(s.payloads()[0]).Header
	for _, body := range bodies {
		events, err := b.receive(Call{Header: header, Body: []byte(body)})
		var shape *relay.ShapeError
		if !errors.Is(err, relay.ErrNotJSON) || errors.As(err, &shape) || events != nil {
			s.t.Errorf("%.60q…: got %d events and %v, want %v", body, len(events), err, relay.ErrNotJSON)
		}
	}
}

// receiveUnknown: a body that this version does not know is handed back for keeping, less the secrets in it.
func receiveUnknown(s *suite) {
	b := s.stand(StageConfig{})
	var known []string
	for _, secret := range s.p.Secrets {
		if secret.Known {
			known = append(known, secret.Value)
		}
	}
	if len(s.p.Hook.Unknown) == 0 || len(known) > 0 && !strings.Contains(strings.Join(s.p.Hook.Unknown, ""), SecretPlace) {
		s.t.Errorf("there are no unknown bodies, or none with %s", SecretPlace)
	}
	for _, body := range s.p.Hook.Unknown {
		body = strings.ReplaceAll(body, SecretPlace, strings.Join(known, " "))
		events, err := b.receive(s.p.Hook.Sign([]byte(body)))
		var shape *relay.ShapeError
		if !errors.As(err, &shape) || events != nil {
			s.t.Errorf("%s: got %d events and %v, want a ShapeError", body, len(events), err)
			continue
		}
		if len(shape.Payload) == 0 || !json.Valid(shape.Payload) {
			s.t.Errorf("%s: the payload to be kept is %q", body, shape.Payload)
		}
		s.siftText("a ShapeError's payload", string(shape.Payload))
	}
}
