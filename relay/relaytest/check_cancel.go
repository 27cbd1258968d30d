package relaytest

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.uber.org/goleak"
)

func cancelChecks() []check {
	return []check{
		{"cancel/during a call", nil, cancelDuring},
		{"cancel/before a call", nil, cancelBefore},
		{"cancel/deadline", nil, cancelDeadline},
		{"cancel/probe", []Interface{Prober}, cancelProbe},
		{"cancel/leaks", nil, cancelLeaks},
	}
}

// hanging are the ways in which a server can keep a call waiting.
func hanging() map[string]func() fault {
	return map[string]func() fault{
		"waits for the answer": func() fault { return fault{hold: newHold()} },
		"reads the answer": func() fault {
			h := newHold()
			return fault{hold: h, answer: func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", "1000")
				_, _ = w.Write([]byte(`{"data":`))
				_ = http.NewResponseController(w).Flush()
				h.wait(r)
				panic(http.ErrAbortHandler)
			}}
		},
		"reads an error answer": func() fault {
			h := newHold()
			return fault{hold: h, answer: func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = w.Write([]byte(`{"error":`))
				_ = http.NewResponseController(w).Flush()
				h.wait(r)
				panic(http.ErrAbortHandler)
			}}
		},
	}
}

// cancelDuring: whoever gives up a call gets it back at once, and can see that it was he.
func cancelDuring(s *suite) {
	b := s.stand(StageConfig{})
	ops := b.ops()
	for what, hang := range hanging() {
		b.link = b.connect() // at which nothing is under way
		for _, o := range ops {
			b.front.clear()
			x := hang()
			b.front.inject(x)
			ctx, cancel := context.WithCancel(b.ctx)
			done := start(ctx, o)
			if !b.reach(o, x.hold, done) {
				cancel()
				continue
			}
			cancel()
			if err, ended := b.end(done); !ended {
				s.t.Errorf("%s, which %s, goes on %s after it was given up", o.name, what, s.patience)
			} else if !errors.Is(err, context.Canceled) {
				s.t.Errorf("%s, which %s, was given up and returns %v: want an error in which context.Canceled is found", o.name, what, err)
			}
		}
	}
	b.link = b.connect()
	b.switched(ops)
}

// switched: a server that turns the connection over to another protocol, which nobody asked for, has answered: there is
// nothing to be waited for.
func (b *bench) switched(ops []op) {
	for _, o := range ops {
		b.front.clear()
		h := newHold()
		b.front.inject(fault{hold: h, answer: func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			defer func() { _ = conn.Close() }()
			_, _ = conn.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n"))
			<-h.ended
		}})
		ctx, cancel := context.WithCancel(b.ctx)
		if err, ended := b.end(start(ctx, o)); !ended {
			b.t.Errorf("%s, to which the server switches protocols, goes on for %s", o.name, b.patience)
		} else if err == nil {
			b.t.Errorf("%s, to which the server switches protocols, returns no error", o.name)
		}
		cancel()
	}
}

// start begins a call.
func start(ctx context.Context, o op) <-chan error {
	done := make(chan error, 1)
	go func() { done <- o.do(ctx) }()
	return done
}

// reach waits until a call is held at the server, and reports whether it is.
func (b *bench) reach(o op, h *hold, done <-chan error) bool {
	b.t.Helper()
	select {
	case <-h.reached:
		return true
	case err := <-done:
		b.t.Errorf("%s ends before anybody has answered: %v", o.name, err)
	case <-time.After(b.patience):
		b.t.Errorf("%s asks nobody for %s", o.name, b.patience)
	}
	return false
}

// end waits until a call ends. If it does not, it is let go.
func (b *bench) end(done <-chan error) (err error, ended bool) { //nolint:revive,staticcheck // the error is what is looked at
	select {
	case err = <-done:
		return err, true
	case <-time.After(b.patience):
		b.front.clear()
		return nil, false
	}
}

// cancelBefore: a call that was given up before it began asks nobody.
func cancelBefore(s *suite) {
	b := s.stand(StageConfig{})
	ops := b.ops()
	ctx, cancel := context.WithCancel(b.ctx)
	cancel()
	before, _ := b.front.count()
	for _, o := range ops {
		if err := o.do(ctx); !errors.Is(err, context.Canceled) {
			s.t.Errorf("%s, given up before it began, returns %v: want an error in which context.Canceled is found", o.name, err)
		}
	}
	if after, _ := b.front.count(); after != before {
		s.t.Errorf("calls that were given up before they began made %d requests", after-before)
	}
}

// cancelDeadline: a caller's deadline ends a call.
func cancelDeadline(s *suite) {
	b := s.stand(StageConfig{})
	for _, o := range b.ops() {
		b.front.clear()
		b.front.inject(fault{hold: newHold()})
		ctx, cancel := context.WithTimeout(b.ctx, 20*time.Millisecond)
		if err, ended := b.end(start(ctx, o)); !ended {
			s.t.Errorf("%s goes on %s after its deadline", o.name, s.patience)
		} else if !errors.Is(err, context.DeadlineExceeded) {
			s.t.Errorf("%s, whose deadline has passed, returns %v: want an error in which context.DeadlineExceeded is found", o.name, err)
		}
		cancel()
	}
}

// cancelProbe: a probe that is given up ends, and has found a fault.
func cancelProbe(s *suite) {
	b := s.stand(StageConfig{})
	h := newHold()
	b.front.inject(fault{hold: h})
	ctx, cancel := context.WithCancel(b.ctx)
	done := start(ctx, op{name: "probe", do: func(ctx context.Context) error {
		for _, f := range b.probe(ctx) {
			if f.Fault != nil {
				return f.Fault
			}
		}
		return nil
	}})
	if !b.reach(op{name: "probe"}, h, done) {
		cancel()
		return
	}
	cancel()
	if err, ended := b.end(done); !ended {
		s.t.Errorf("the probe goes on %s after it was given up", s.patience)
	} else if err == nil {
		s.t.Error("the probe of a platform that does not answer finds no fault")
	}
}

// cancelLeaks: once the server is gone, nothing is left of calls that were given up.
func cancelLeaks(s *suite) {
	b := s.stand(StageConfig{})
	ops := b.ops()
	there := goleak.IgnoreCurrent()
	for _, hang := range hanging() {
		b.link = b.connect()
		for _, o := range ops {
			b.front.clear()
			x := hang()
			b.front.inject(x)
			ctx, cancel := context.WithCancel(b.ctx)
			done := start(ctx, o)
			reached := b.reach(o, x.hold, done)
			cancel()
			if reached {
				if _, ended := b.end(done); !ended {
					s.t.Errorf("%s does not end", o.name)
				}
			}
		}
	}
	b.close()
	if err := goleak.Find(there); err != nil {
		s.t.Errorf("calls that were given up leave something behind: %v", err)
	}
}
