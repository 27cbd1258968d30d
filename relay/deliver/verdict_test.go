package deliver

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/relay"
)

func TestVerdict(t *testing.T) {
	cause := errors.New("cause")
	fail := func(k relay.Kind, after time.Duration) error {
		return fmt.Errorf("platform: send: %w", &relay.Failure{Kind: k, After: after, Err: cause})
	}
	same := func(err error) error { return err }
	after := func(d time.Duration) func(error) error { return func(err error) error { return bus.After(d, err) } }
	cases := []struct {
		name string
		err  error
		want func(error) error
	}{
		{"success", nil, same},
		{"no failure of the platform", cause, same},
		{"temporary", fail(relay.Temporary, 0), same},
		{"temporary with a time", fail(relay.Temporary, time.Hour), same},
		{"rate limited", fail(relay.RateLimited, 7*time.Second), after(7 * time.Second)},
		{"rate limited without a time", fail(relay.RateLimited, 0), after(15 * time.Second)},
		{"rate limited with a time that is none", fail(relay.RateLimited, -time.Second), after(15 * time.Second)},
		{"denied", fail(relay.Denied, 0), bus.Permanent},
		{"rejected", fail(relay.Rejected, 0), bus.Permanent},
		{"root gone", fail(relay.RootGone, 0), bus.Permanent},
		{"a kind of tomorrow", fail(relay.Kind(99), 0), same},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got, want := verdict(c.err), c.want(c.err); !reflect.DeepEqual(got, want) {
				t.Errorf("got %#v, want %#v", got, want)
			}
		})
	}
}
