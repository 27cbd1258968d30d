package relaytest

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// receivePure: the same call always makes the same events, at every connection and in any number of goroutines, asks nobody
// and leaves what it was given as it was.
func receivePure(s *suite) {
	b := s.stand(StageConfig{})
	before, _ := b.front.count()
	other := b.connect()
	for _, name := range s.payloads() {
		call := s.signed(name)
		first, err := b.receive(call)
		if err != nil {
			continue // which golden tells
		}
		want := s.render(name, first)
		var again [3][]event.Event
		var wg sync.WaitGroup
		for i, l := range []*link{b.link, other, other} {
			same := Call{Header: call.Header.Clone(), Body: bytes.Clone(call.Body)}
			wg.Go(func() { again[i], _ = l.receive(same) }) // an error makes no events
		}
		wg.Wait()
		for _, events := range again {
			if got := s.render(name, events); !bytes.Equal(got, want) {
				s.t.Errorf("%s: the same call makes other events\nfirst %s\nthen  %s", name, want, got)
			}
		}
		if fresh := s.signed(name); !bytes.Equal(call.Body, fresh.Body) || !maps.EqualFunc(call.Header, fresh.Header, slices.Equal) {
			s.t.Errorf("%s: Receive has changed the call that it was given", name)
		}
	}
	if after, _ := b.front.count(); after != before {
		s.t.Errorf("Receive has made %d requests", after-before)
	}
}

// receiveDecode: a body that was verified before makes the same events without credentials.
func receiveDecode(s *suite) {
	b := s.stand(StageConfig{})
	// Addresses in events may begin with the platform's, so both have the same.
	closed := &link{s: s, conn: s.p.Connect(s.t, Address{URL: b.server.URL, ClosedHook: true})}
	before, _ := b.front.count()
	for _, name := range s.payloads() {
		call := s.signed(name)
		want, err := b.receive(call)
		if err != nil {
			continue // which golden tells
		}
		for _, l := range []*link{b.link, closed} {
			got, err := l.decode(bytes.Clone(call.Body))
			if err != nil || !bytes.Equal(s.render(name, got), s.render(name, want)) {
				s.t.Errorf("%s: decoded %d events, received %d, %v", name, len(got), len(want), err)
			}
		}
	}
	if after, _ := b.front.count(); after != before {
		s.t.Errorf("Decode has made %d requests", after-before)
	}
	if events, err := b.decode([]byte("{")); !errors.Is(err, relay.ErrNotJSON) || events != nil {
		s.t.Errorf("decoding what is not JSON: %d events, %v", len(events), err)
	}
}

// receiveRedact: what is kept of a call is JSON if it was, has no secret, and can be decoded as before.
func receiveRedact(s *suite) {
	b := s.stand(StageConfig{})
	bodies := map[string][]byte{}
	for _, name := range s.payloads() {
		bodies[name] = s.signed(name).Body
	}
	for _, secret := range s.p.Secrets {
		if secret.Known {
			text, err := json.Marshal(map[string]any{"list": []any{map[string]string{"text": "it is " + secret.Value + "."}}})
			s.must(err)
			bodies["a text with "+secret.Name] = text
		}
	}
	for name, body := range bodies {
		clean := b.redact(bytes.Clone(body))
		if !json.Valid(clean) {
			s.t.Errorf("%s: redacted it is no JSON: %s", name, clean)
		}
		if again := b.redact(bytes.Clone(clean)); !bytes.Equal(again, clean) {
			s.t.Errorf("%s: redacted twice it is another: %s, then %s", name, clean, again)
		}
		if !s.promises(Decoder) || s.p.Golden.Payloads[name] == nil {
			continue
		}
		was, errWas := b.decode(body)
		is, errIs := b.decode(clean)
		if errWas != nil || errIs != nil || !slices.EqualFunc(was, is, func(a, b event.Event) bool { return a.Type == b.Type }) {
			s.t.Errorf("%s: it decodes to %d events (%v), and redacted to %d (%v)", name, len(was), errWas, len(is), errIs)
		}
	}
}
