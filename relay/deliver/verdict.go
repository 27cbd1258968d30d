package deliver

import (
	"errors"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/relay"
)

// unknownPause is how long a platform is left alone that asked for a pause and did not say how long.
const unknownPause = 15 * time.Second

// verdict translates what a platform answered into what the bus does next: nothing, another attempt of which the retry
// budget takes note, another attempt after the time that the platform asked for, or a dead letter.
func verdict(err error) error {
	var f *relay.Failure
	if !errors.As(err, &f) {
		return err
	}
	switch f.Kind {
	case relay.RateLimited:
		pause := f.After
		if pause <= 0 {
			pause = unknownPause
		}
		return bus.After(pause, err)
	case relay.Denied, relay.Rejected, relay.RootGone:
		return bus.Permanent(err)
	case relay.Temporary:
	}
	return err
}
