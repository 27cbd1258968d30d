package bus

import (
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func TestReadAnswer(t *testing.T) {
	ack := func(stream string, sequence uint64, duplicate bool) string {
		return fmt.Sprintf("%s %d %t", stream, sequence, duplicate)
	}
	cases := map[string]struct {
		data string
		fast bool
		want string // of an ack
		err  error
	}{
		"stored":            {data: `{"stream":"S","seq":12}`, fast: true, want: ack("S", 12, false)},
		"duplicate":         {data: `{"stream":"S","seq":3,"duplicate": true}`, fast: true, want: ack("S", 3, true)},
		"duplicate, dense":  {data: `{"stream":"S","seq":3,"duplicate":true}`, fast: true, want: ack("S", 3, true)},
		"in a domain":       {data: `{"stream":"S","domain":"hub","seq":4}`, fast: true, want: ack("S", 4, false)},
		"all of it":         {data: `{"stream":"S","domain":"hub","seq":4,"duplicate": true}`, fast: true, want: ack("S", 4, true)},
		"19 digits":         {data: `{"stream":"S","seq":9999999999999999999}`, fast: true, want: ack("S", 9999999999999999999, false)},
		"20 digits":         {data: `{"stream":"S","seq":18446744073709551615}`, want: ack("S", 18446744073709551615, false)},
		"too large":         {data: `{"stream":"S","seq":18446744073709551616}`, err: jetstream.ErrInvalidJSAck},
		"other order":       {data: `{"seq":5,"stream":"S"}`, want: ack("S", 5, false)},
		"spaces":            {data: `{ "stream" : "S", "seq" : 5 }`, want: ack("S", 5, false)},
		"more fields":       {data: `{"stream":"S","seq":5,"val":"7"}`, want: ack("S", 5, false)},
		"escaped name":      {data: `{"stream":"\u0053","seq":5}`, want: ack("S", 5, false)},
		"not a duplicate":   {data: `{"stream":"S","seq":5,"duplicate":false}`, want: ack("S", 5, false)},
		"refused":           {data: `{"error":{"code":503,"err_code":10077,"description":"maximum bytes exceeded"},"stream":"S","seq":0}`, err: &jetstream.APIError{ErrorCode: 10077}},
		"ack and error":     {data: `{"stream":"S","seq":5,"error":{"code":400,"err_code":10060}}`, err: &jetstream.APIError{ErrorCode: 10060}},
		"no stream":         {data: `{"stream":"","seq":5}`, err: jetstream.ErrInvalidJSAck},
		"no sequence":       {data: `{"stream":"S"}`, err: jetstream.ErrInvalidJSAck},
		"leading zero":      {data: `{"stream":"S","seq":05}`, err: jetstream.ErrInvalidJSAck},
		"no number":         {data: `{"stream":"S","seq":}`, err: jetstream.ErrInvalidJSAck},
		"cut off":           {data: `{"stream":"S","seq":5`, err: jetstream.ErrInvalidJSAck},
		"followed by more":  {data: `{"stream":"S","seq":5}}`, err: jetstream.ErrInvalidJSAck},
		"name without end":  {data: `{"stream":"S`, err: jetstream.ErrInvalidJSAck},
		"line break inside": {data: "{\"stream\":\"S\n\",\"seq\":5}", err: jetstream.ErrInvalidJSAck},
		"nothing":           {err: jetstream.ErrInvalidJSAck},
		"not JSON":          {data: "+OK", err: jetstream.ErrInvalidJSAck},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, fast := parseAck([]byte(c.data)); fast != c.fast {
				t.Errorf("parsed without the decoder: %t", fast)
			}
			got := readAnswer(&nats.Msg{Data: []byte(c.data)})
			if !errors.Is(got.err, c.err) {
				t.Fatalf("error %v, want %v", got.err, c.err)
			}
			if got.err == nil && ack(string(got.stream), got.ack.Sequence, got.ack.Duplicate) != c.want {
				t.Errorf("read %s %+v, want %s", got.stream, got.ack, c.want)
			}
		})
	}
	none := readAnswer(&nats.Msg{Header: nats.Header{"Status": {"503"}}})
	if !errors.Is(none.err, jetstream.ErrNoStreamResponse) {
		t.Errorf("no responders: %v", none.err)
	}
}

// What the parser takes, the decoder must take for the same.
func FuzzParseAck(f *testing.F) {
	f.Add([]byte(`{"stream":"S","domain":"hub","seq":4,"duplicate": true}`))
	f.Add([]byte(`{"stream":"S","seq":10}`))
	f.Add([]byte(`{"error":{"code":503,"err_code":10077},"stream":"S","seq":0}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		fast, ok := parseAck(data)
		if !ok {
			return
		}
		slow := decodeAck(data)
		if slow.err != nil || string(fast.stream) != string(slow.stream) || fast.ack != slow.ack {
			t.Errorf("%q: parsed %s %+v, decoded %s %+v (%v)", data, fast.stream, fast.ack, slow.stream, slow.ack, slow.err)
		}
	})
}
