package rocketsim

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/coder/websocket"
)

// RealtimeConfig configures the realtime API: DDP over WebSocket at /websocket (Rocket.Chat: ddp-streamer; Meteor: DDP.md).
type RealtimeConfig struct {
	// IdlePing is how long a connection may say nothing before it is sent a ping, and then again how long until it is closed, both
	// divided by Config.Speed; default 30 s.
	IdlePing time.Duration
	// MaxBuffered is how many bytes may wait for a client that does not read; then it is disconnected. Default 4 MiB.
	MaxBuffered int
}

func (c *RealtimeConfig) setDefaults() {
	const idle, buffered = 30 * time.Second, 4 << 20
	if c.IdlePing == 0 {
		c.IdlePing = idle
	}
	if c.MaxBuffered == 0 {
		c.MaxBuffered = buffered
	}
}

// liveSessions is who is connected to the realtime API; the server's lock guards it.
type liveSessions struct {
	all      []*session // in the order of their coming
	faults   []*RealtimeFault
	accepted int
}

// RealtimeStatus is who is connected to the realtime API.
type RealtimeStatus struct {
	Connections   int // open now, whether they have said anything or not
	Stalled       int // of those, the ones that a fault keeps silent
	Users         int // of those, the ones that have logged in
	Subscriptions int // of all connections
	Accepted      int // connections since the beginning
}

// mountRealtime puts the realtime endpoint into the mux.
func (s *Server) mountRealtime(mux *http.ServeMux) {
	mux.HandleFunc("GET /websocket", s.serveRealtime)
	s.onBreak(breaker{inject: s.breakRealtime, mend: s.mendRealtime})
}

// serveRealtime holds one connection until it ends. A connection counts before its client knows that it is there.
func (s *Server) serveRealtime(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	f := s.strikeRealtime(onConnect)
	open := s.enter()
	s.mu.Unlock()
	if !open {
		http.Error(w, "closed", http.StatusServiceUnavailable)
		return
	}
	defer s.tasks.Done()
	if f.Status != 0 {
		http.Error(w, http.StatusText(f.Status), f.Status)
		return
	}
	ctx, cancel := context.WithCancel(s.ctx) // the connection outlives its request
	defer cancel()
	ses := &session{
		srv: s, cancel: cancel, stalled: f.Stall, wake: make(chan struct{}, 1), heard: make(chan struct{}, 1),
		calls: map[string]callWindow{},
	}
	s.admit(ses)
	defer s.dismiss(ses)
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{OnPingReceived: ses.answersPing})
	if err != nil {
		s.mu.Lock()
		s.live.accepted--
		s.mu.Unlock()
		s.cfg.Log.Info("realtime connection refused", "error", err)
		return
	}
	ses.conn = conn
	ses.run(ctx) //nolint:contextcheck // the connection outlives its request
}

// admit counts a connection in.
func (s *Server) admit(ses *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live.all = append(s.live.all, ses)
	s.live.accepted++
	s.touch()
}

// dismiss counts a connection out.
func (s *Server) dismiss(ses *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ses.cut()
}

// cut ends a connection without a word, and counts it out; the caller holds the server's lock.
func (ses *session) cut() {
	ses.cancel()
	s := ses.srv
	s.live.all = slices.DeleteFunc(slices.Clone(s.live.all), func(other *session) bool { return other == ses })
	s.touch()
}

// Realtime returns who is connected now.
func (s *Server) Realtime() RealtimeStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.realtime()
}

func (s *Server) realtime() RealtimeStatus {
	st := RealtimeStatus{Connections: len(s.live.all), Accepted: s.live.accepted}
	for _, ses := range s.live.all {
		if ses.stalled {
			st.Stalled++
		}
		if ses.user != "" {
			st.Users++
		}
		st.Subscriptions += len(ses.subs)
	}
	return st
}

// AwaitRealtime returns nil once cond holds for what Realtime returns. It evaluates cond at once and after every change, and never
// polls; cond must not call the simulator. It returns the context's error when that ends first, and ErrClosed after Close.
func (s *Server) AwaitRealtime(ctx context.Context, cond func(RealtimeStatus) bool) error {
	for {
		s.mu.Lock()
		changed, now := s.changed, s.realtime()
		s.mu.Unlock()
		if cond(now) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("rocketsim: await realtime: %w", ctx.Err())
		case <-s.ctx.Done():
			return fmt.Errorf("rocketsim: await realtime: %w", ErrClosed)
		}
	}
}
