package bus

import (
	"errors"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

// permanentError marks an error that no further attempt can mend.
type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// Permanent marks err: the message becomes a dead letter at once. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

// afterError marks an error with the time of the next attempt.
type afterError struct {
	wait time.Duration
	err  error
}

func (e *afterError) Error() string { return e.err.Error() }
func (e *afterError) Unwrap() error { return e.err }

// After marks err: the next attempt comes after wait, and this one is not counted against the retry budget. The message's
// lane waits, no other does. After(d, nil) is nil.
func After(wait time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return &afterError{wait, err}
}

// ErrSpared is what [SubscriberConfig.Dying] returns if the message was handled after all: no dead letter is made of it.
var ErrSpared = errors.New("the message was handled after all")

// keepVerdict is router middleware: it hands the handler's error to the subscriber, which decides by it between another
// attempt and a dead letter. Watermill itself passes on no more than that the handler failed.
func keepVerdict(next message.HandlerFunc) message.HandlerFunc {
	return func(m *message.Message) ([]*message.Message, error) {
		out, err := next(m)
		if d, ok := m.Context().Value(deliveryKey{}).(*Delivery); ok {
			d.err = err
		}
		return out, err
	}
}

// Retry says how often and how long a failing message is tried.
type Retry struct {
	// Attempts is the number of attempts before a message becomes a dead letter; default 20.
	Attempts int
	// Crashes is how often the process may end while a message is being handled before that becomes a dead letter; default 3.
	Crashes int
	// Age is the longest time between the first failed attempt and the dead letter; default 24 hours.
	Age time.Duration
	// Min and Max bound the wait between two attempts, which doubles from one to the other and is then shortened at random by
	// up to half, so that lanes that failed together do not come back together; default 200 ms and 5 minutes.
	Min, Max time.Duration
}

func (r *Retry) setDefaults() {
	if r.Attempts == 0 {
		r.Attempts = 20
	}
	if r.Crashes == 0 {
		r.Crashes = 3
	}
	if r.Age == 0 {
		r.Age = 24 * time.Hour
	}
	if r.Min == 0 {
		r.Min = 200 * time.Millisecond
	}
	if r.Max == 0 {
		r.Max = 5 * time.Minute
	}
}

// failure is what became of one failed attempt.
type failure struct {
	dead    bool
	charged bool
	wait    time.Duration
}

// judge decides about a message that failed for the attempts-th time, first at since. random is in [0,1).
func (r Retry) judge(err error, attempts int, age time.Duration, random float64) failure {
	var permanent *permanentError
	var after *afterError
	switch {
	case errors.As(err, &permanent):
		return failure{dead: true, charged: true}
	case errors.As(err, &after) && age < r.Age:
		return failure{wait: max(after.wait, 0)}
	case attempts >= r.Attempts || age >= r.Age:
		return failure{dead: true, charged: true}
	}
	wait := r.Max
	if shift := attempts - 1; shift < 30 {
		wait = min(r.Min<<shift, r.Max)
	}
	return failure{charged: true, wait: wait - time.Duration(random*float64(wait)/2)}
}
