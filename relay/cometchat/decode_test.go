package cometchat

import (
	"errors"
	"reflect"
	"testing"

	"github.com/threadrelay/threadrelay/relay"
)

var _ relay.Decoder = (*Connection)(nil)

// Decode says of a body what Receive says of a call that carries the credentials, also where the hook is closed.
func TestDecodeIsReceiveWithoutCredentials(t *testing.T) {
	open := newConnection(t, nil)
	closed := newConnection(t, func(c *Config) { c.WebhookUsername, c.WebhookPassword = "", "" })
	message := direct("message_sent", "ana", "helper", "", "")
	for name, body := range map[string]string{
		"a message": string(message), "no type for it": `{"trigger":"call_started","data":{}}`,
		"unknown shape": `{"trigger":"message_sent","data":{}}`, "not JSON": `{`,
	} {
		t.Run(name, func(t *testing.T) {
			want, wantErr := open.Receive(goodAuth(), []byte(body))
			got, err := closed.Decode([]byte(body))
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
			var shape *relay.ShapeError
			if (err == nil) != (wantErr == nil) || errors.As(err, &shape) != (name == "unknown shape") || errors.Is(err, relay.ErrNotJSON) != (name == "not JSON") {
				t.Errorf("got %v, want %v", err, wantErr)
			}
		})
	}
}
