package rocketsim

import (
	"context"
	"time"

	"github.com/coder/websocket"
)

const (
	maxFrame   = 1 << 20          // bytes of a frame that a client may send
	frameWrite = 10 * time.Second // longest time for a client to take a frame
)

// Codes and reasons with which connections are closed (Rocket.Chat: ddp-streamer, constants.ts).
const (
	closeTimeout      websocket.StatusCode = 4000
	closeTimeoutText                       = "TIMEOUT"
	closeProtocolText                      = "CLOSE_PROTOCOL_ERROR"
	closeUnreadable                        = "UNSUPPORTED_DATA"
	closeSlowText                          = "SLOW_CONSUMER"
)

// session is one connection to the realtime API. The server's lock guards everything below the channels.
type session struct {
	srv    *Server
	conn   *websocket.Conn    // used by run alone
	cancel context.CancelFunc // cuts the connection
	wake   chan struct{}      // holds one token when something is to be sent
	heard  chan struct{}      // holds one token when the client has said something

	id       string // of the session; empty until the client has connected
	user     string // id of who has logged in; empty before
	subs     []subscription
	calls    map[string]callWindow
	stalled  bool
	out      [][]byte // frames to send
	buffered int      // their bytes
	end      *closing // the connection is to be closed behind out
}

// closing is how a connection is closed.
type closing struct {
	code   websocket.StatusCode
	reason string
}

// run serves a connection until it ends; then nothing of it is left.
func (ses *session) run(ctx context.Context) {
	defer ses.cancel()
	ses.conn.SetReadLimit(maxFrame)
	s := ses.srv
	s.mu.Lock()
	ses.put(frameOf(map[string]any{"server_id": "0"}))
	s.mu.Unlock()
	written := make(chan struct{})
	go func() {
		defer close(written)
		ses.write(ctx)
	}()
	ses.read(ctx)
	ses.cancel()
	<-written
	_ = ses.conn.CloseNow() // it has ended either way
}

// answersPing tells whether a ping of WebSocket itself, not of DDP, is answered: a server that hangs does not.
func (ses *session) answersPing(context.Context, []byte) bool {
	ses.srv.mu.Lock()
	defer ses.srv.mu.Unlock()
	return !ses.stalled
}

// read takes the client's frames one after the other.
func (ses *session) read(ctx context.Context) {
	for {
		kind, raw, err := ses.conn.Read(ctx)
		if err != nil {
			return
		}
		select {
		case ses.heard <- struct{}{}:
		default:
		}
		ses.srv.mu.Lock()
		if !ses.stalled {
			ses.take(kind, raw)
		}
		ses.srv.mu.Unlock()
	}
}

// write sends what is put, pings a client that is silent, and closes the connection when it stays so.
func (ses *session) write(ctx context.Context) {
	idle := ses.srv.scaled(ses.srv.cfg.Realtime.IdlePing)
	timer := time.NewTimer(idle)
	defer timer.Stop()
	pinged := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ses.heard:
			pinged = false
			timer.Reset(idle)
		case <-timer.C:
			ses.idle(pinged)
			pinged = true
			timer.Reset(idle)
		case <-ses.wake:
			if !ses.flush(ctx) {
				return
			}
		}
	}
}

// idle pings a client that has been silent, or closes the connection of one that has not answered.
func (ses *session) idle(pinged bool) {
	ses.srv.mu.Lock()
	defer ses.srv.mu.Unlock()
	switch {
	case ses.stalled:
	case pinged:
		ses.finish(closeTimeout, closeTimeoutText)
	default:
		ses.put(frameOf(map[string]any{"msg": "ping"}))
	}
}

// flush sends everything that was put, and reports whether the connection is still open.
func (ses *session) flush(ctx context.Context) bool {
	ses.srv.mu.Lock()
	out, end := ses.out, ses.end
	ses.out, ses.buffered = nil, 0
	ses.srv.mu.Unlock()
	for _, frame := range out {
		if !ses.send(ctx, frame) {
			return false
		}
	}
	if end == nil {
		return true
	}
	_ = ses.conn.Close(end.code, end.reason) // it ends either way
	ses.cancel()
	return false
}

func (ses *session) send(ctx context.Context, frame []byte) bool {
	ctx, done := context.WithTimeout(ctx, frameWrite)
	defer done()
	if ses.conn.Write(ctx, websocket.MessageText, frame) != nil {
		ses.cancel()
		return false
	}
	return true
}

// put queues a frame; the caller holds the server's lock. A client that does not read is given up.
func (ses *session) put(frame []byte) {
	if ses.stalled || ses.end != nil {
		return
	}
	ses.out = append(ses.out, frame)
	ses.buffered += len(frame)
	if ses.buffered > ses.srv.cfg.Realtime.MaxBuffered {
		ses.out, ses.buffered = nil, 0
		ses.finish(websocket.StatusTryAgainLater, closeSlowText)
	}
	ses.rouse()
}

// finish closes the connection behind what was put; the caller holds the server's lock.
func (ses *session) finish(code websocket.StatusCode, reason string) {
	if ses.end == nil {
		ses.end = &closing{code, reason}
	}
	ses.rouse()
}

func (ses *session) rouse() {
	select {
	case ses.wake <- struct{}{}:
	default:
	}
}
