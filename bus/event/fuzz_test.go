package event_test

import (
	"bytes"
	"testing"

	"github.com/threadrelay/threadrelay/bus/event"
)

// stable reports data that is decoded to something which is not the same after a round trip: then two programs that pass it
// on would disagree.
func stable[T any](t *testing.T, data []byte, decode func([]byte) (T, error), encode func(T) ([]byte, error)) {
	t.Helper()
	v, err := decode(data)
	if err != nil {
		return
	}
	out, err := encode(v)
	if err != nil {
		t.Fatalf("decoded, but not encoded again: %v", err)
	}
	again, err := decode(out)
	if err != nil {
		t.Fatalf("encoded to what cannot be decoded: %v: %s", err, out)
	}
	if more, err := encode(again); err != nil || !bytes.Equal(more, out) {
		t.Fatalf("%s became %s (%v)", out, more, err)
	}
}

func FuzzDecodeEvent(f *testing.F) {
	for name := range goldenEvents() {
		f.Add([]byte(golden(f, name, nil)))
	}
	for _, nasty := range []string{
		`{"version":1,"id":"x","payload":{"a":1e999}}`, `{"version":1,"id":"x","type":"chat.other","time":"2026-01-01T00:00:00.5+23:59","thread":{"connection":"c"},"payload":null}`,
		`{"version":1,"id":"\ud800","type":"chat.other","time":"9999-12-31T23:59:59Z","thread":{"connection":"c"},"payload":"\u2028<"}`,
	} {
		f.Add([]byte(nasty))
	}
	f.Fuzz(func(t *testing.T, data []byte) { stable(t, data, event.DecodeEvent, event.Event.Encode) })
}

func FuzzDecodeAction(f *testing.F) {
	for name := range goldenActions() {
		f.Add([]byte(golden(f, name, nil)))
	}
	for _, nasty := range []string{
		`{"version":1,"id":"x","type":"post","bot":"b","thread":{"connection":"c","conversation":"d"},"text":"t","metadata":null}`,
		`{"version":1,"id":"x","type":"post","bot":"b","thread":{"connection":"c","conversation":"d"},"custom":{"kind":"k","data":{"a":1e999,"a":"\ud800"}}}`,
	} {
		f.Add([]byte(nasty))
	}
	f.Fuzz(func(t *testing.T, data []byte) { stable(t, data, event.DecodeAction, event.Action.Encode) })
}
