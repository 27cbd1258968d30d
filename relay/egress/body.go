package egress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// body is the body of an answer: bounded in length and time, and when it is closed early, read on for a little so that the
// socket can be kept.
type body struct {
	raw     io.ReadCloser // less its compression
	bounded io.Reader
	most    int64
	within  time.Duration
	length  int64 // as announced; -1 if that is not known
	read    atomic.Int64
	ended   atomic.Bool
	drains  time.Duration // how long it is read on; 0 if the protocol needs none of it
	timer   *time.Timer
	ending
}

// ending is how a call ends.
type ending struct {
	ctx    context.Context
	cancel context.CancelCauseFunc // breaks it off
	free   func()                  // gives its place back
}

// errLate is why a call is broken off whose body takes too long.
var errLate = errors.New("late")

func newBody(resp *http.Response, cfg Config, e ending) *body {
	b := &body{
		raw: resp.Body, bounded: Bound(resp.Body, cfg.MaxAnswer), most: cfg.MaxAnswer, within: cfg.BodyTimeout, length: resp.ContentLength,
		ending: e,
	}
	if resp.ProtoMajor == 1 && resp.StatusCode != http.StatusSwitchingProtocols {
		b.drains = cfg.drainTime
	}
	if resp.Body == http.NoBody {
		b.length = 0 // which may have been announced for what a HEAD asks about
	}
	b.timer = time.AfterFunc(cfg.BodyTimeout, func() {
		e.cancel(errLate)
		e.free()
	})
	return b
}

// Read reads; it fails if the answer is too long or takes too long.
func (b *body) Read(p []byte) (int, error) {
	if b.length > b.most {
		return 0, tooLong(ErrAnswerTooLong, b.most)
	}
	n, err := b.bounded.Read(p)
	b.read.Add(int64(n))
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF):
		b.ended.Store(true)
		b.timer.Stop()
		b.free()
	case errors.Is(context.Cause(b.ctx), errLate):
		err = fmt.Errorf("the answer's body took longer than %s: %w", b.within, context.DeadlineExceeded)
	}
	return n, err
}

// Close ends the call.
func (b *body) Close() error {
	if b.drainable() {
		b.timer.Reset(b.drains)
		_, _ = io.CopyN(io.Discard, b.raw, drainBytes) // whatever goes wrong, the socket is closed then
	}
	err := b.raw.Close()
	b.timer.Stop()
	b.cancel(nil)
	b.free()
	return err
}

// drainable reports whether it pays to read on.
func (b *body) drainable() bool {
	return b.drains > 0 && !b.ended.Load() && b.length-b.read.Load() <= drainBytes
}
